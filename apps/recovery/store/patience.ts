/** How long a store is waited for, in milliseconds: no client library ends every wait by itself. */
export interface Patience {
  /** For the first answer: a store that gives none is worth seconds, not minutes. */
  first: number;
  /** For any other question or small object, the library's own tries together. */
  answer: number;
  /** For a block that is sent, or for putting all of them together. */
  block: number;
  /** For the next MiB of a download. */
  stall: number;
}

export const PATIENCE: Patience = { first: 15_000, answer: 30_000, block: 600_000, stall: 60_000 };

/**
 * What is answered in time; a request that is not is given up.
 * @param ask gets what ends its request
 * @param outer ends it as well
 * @throws Error when there was no answer
 */
export async function inTime<T>(
  milliseconds: number,
  ask: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${milliseconds / 1000} s`);
      reject(error);
      late.abort(error);
    }, milliseconds);
  });
  try {
    return await Promise.race([ask(outer ? AbortSignal.any([outer, late.signal]) : late.signal), over]);
  } finally {
    clearTimeout(timer);
  }
}
