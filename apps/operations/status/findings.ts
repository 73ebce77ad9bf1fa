import { PATIENCE } from "../../recovery/store/patience";
import { messageOf } from "../frame/errors";
import { inTime } from "./inTime";

/** What one look-up found. */
export interface Finding {
  /** Stable, e.g. `replication`. */
  id: string;
  /** `unknown`: it could not be looked up; the text says why. */
  state: "ok" | "attention" | "unknown";
  text: string;
}

export type LookUp = () => Promise<Omit<Finding, "id">>;

/**
 * Seconds one look-up may take: whoever looks at 03:00 waits for none longer. More than the runner waits for a store, whose
 * error says which one is silent.
 */
const SECONDS = PATIENCE.first / 1000 + 5;

export const ok = (text: string) => ({ state: "ok" as const, text });
export const attention = (text: string) => ({ state: "attention" as const, text });
/** Attention for the first problems that are any, else the text. */
export const judged = (problems: readonly string[], text: string) =>
  problems.length > 0 ? attention([text, ...problems].filter(Boolean).join("; ")) : ok(text);

/** Runs every look-up at once. One that fails, or does not answer, is unknown with its reason, never empty. */
export function lookUp(all: Readonly<Record<string, LookUp>>, seconds: number = SECONDS): Promise<Finding[]> {
  return Promise.all(
    Object.entries(all).map(async ([id, look]) => {
      try {
        return { id, ...(await inTime(look(), seconds, `no answer within ${seconds} s`)) };
      } catch (error) {
        return { id, state: "unknown" as const, text: `unknown: ${messageOf(error) || "no reason given"}` };
      }
    }),
  );
}
