import { setTimeout as sleep } from "node:timers/promises";

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes a second of `50MiB`; undefined for anything else. */
export function parseBandwidth(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,6})(KiB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(amount) * (UNITS[unit] ?? 0);
  return bytes > 0 ? bytes : undefined;
}

/** Lets a stream through no faster than that many bytes a second on the whole; undefined: as fast as it comes. */
export async function* paced(
  source: AsyncIterable<Buffer>,
  bytesPerSecond: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const began = performance.now();
  let passed = 0;
  for await (const part of source) {
    yield part;
    if (bytesPerSecond === undefined) continue;
    passed += part.length;
    const early = (passed / bytesPerSecond) * 1000 - (performance.now() - began);
    if (early > 1) await sleep(early, undefined, { signal });
  }
}
