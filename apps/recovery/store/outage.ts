import type { CommandError } from "../../../packages/command/errors";

/** A target that did not answer, or not as it should. */
export interface Outage {
  target: string;
  error: CommandError;
}
