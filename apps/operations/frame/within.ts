import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** Seconds that whatever heeds a signal may take to end by itself, in its own words. */
const GRACE_SECONDS = 2;

/**
 * What some work comes to, which is not waited for beyond a signal, whether the work heeds it or not.
 * @param late what is thrown then, after a grace of some seconds
 */
export async function within<T>(
  limit: AbortSignal,
  work: Promise<T>,
  late: () => unknown,
  graceSeconds = GRACE_SECONDS,
): Promise<T> {
  const settled = new AbortController();
  const { signal } = settled;
  const over = async (): Promise<never> => {
    if (!limit.aborted) await once(limit, "abort", { signal });
    await sleep(graceSeconds * 1000, undefined, { signal });
    throw late();
  };
  try {
    return await Promise.race([work, over()]);
  } finally {
    settled.abort();
  }
}
