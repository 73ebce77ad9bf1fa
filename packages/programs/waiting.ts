import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Looks again and again until what is waited for is there.
 * @param look anything but false, undefined, null, 0 and "" is what was waited for; what it throws ends the wait
 * @param seconds by a clock that nobody sets: a machine whose time is corrected meanwhile waits as long
 * @param everyMs pause between two looks, milliseconds; default 50
 * @returns what was found; undefined when it was not there in time, though looked for at least once
 */
export async function waitFor<T>(
  look: () => T | Promise<T>,
  seconds: number,
  everyMs = 50,
): Promise<NonNullable<T> | undefined> {
  for (const over = performance.now() + seconds * 1000; ; await sleep(everyMs)) {
    const found = await look();
    if (found) return found;
    if (performance.now() > over) return undefined;
  }
}

/** Starts a watch: seconds since, by the same clock. */
export function stopwatch(): () => number {
  const started = performance.now();
  return () => (performance.now() - started) / 1000;
}
