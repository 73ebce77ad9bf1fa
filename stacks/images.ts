import { repositoryOf } from "../infra/cluster/imageChecks";
import type { StackConfig } from "./schema";

const PINNED = /^[^@\s]+@sha256:[0-9a-f]{64}$/;

function* texts(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null)
    for (const inner of Object.values(value)) yield* texts(inner);
}

/** Repositories of every image an environment's configuration names, sorted. */
export function imageRepositories(config: StackConfig): string[] {
  return [...new Set([...texts(config)].filter((text) => PINNED.test(text)).map(repositoryOf))].sort();
}
