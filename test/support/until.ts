import { setTimeout as sleep } from "node:timers/promises";

const SECONDS = 60;
const PAUSE_MS = 10;

/**
 * Waits for a state, not for a time: a minute is what a machine may need that does something else as well.
 * @param look what is waited for; true, or any other value than false, null, undefined, 0 and "", ends it
 * @returns what `look` found
 * @throws Error naming what did not come, with the last reason of `look` where it threw
 */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  let cause: unknown;
  for (const deadline = Date.now() + SECONDS * 1000; ;) {
    try {
      const found = await look();
      if (found) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${SECONDS} s`, { cause });
    await sleep(PAUSE_MS);
  }
}
