import type { Engine } from "./engine";
import { found } from "./found";
import { configMap, prod } from "./vectors";

/** Milliseconds of processor, so that what else the machine does does not count. */
export const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const start = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
};

/** Judged in a millisecond of processor at the least: 1 MiB in ten seconds, ten times as long as it takes. */
const LEAST_BYTES_A_MILLISECOND = (1024 * 1024) / 10_000;

/** Has strings of a size in bytes judged, each of one kind that costs a careless reader much, within the time it may take. */
export async function longStrings(engine: Engine, size: number): Promise<void> {
  for (const text of [
    "x".repeat(size),
    "a.b-".repeat(size / 4),
    "%25".repeat(size / 3),
    "\\u0041".repeat(size / 6),
    "0123456789abcdef".repeat(size / 16),
    "1.2.3.4 ".repeat(size / 8),
    "key: value\n".repeat(size / 11),
    `${"[".repeat(size / 2)}${"]".repeat(size / 2)}`,
    "x-".repeat(size / 2),
    `${"x".repeat(size)}.`,
    ".x".repeat(size / 2),
    "${a:-".repeat(size / 5),
    "{{ .a".repeat(size / 5),
    "\n".repeat(size),
    `${"'a' ".repeat(size / 4)}`,
    "host = ".repeat(size / 7),
    "&#1".repeat(size / 3),
    Buffer.alloc(size * 0.75, 7).toString("base64"),
  ]) {
    const time = await timed(async () => {
      expect(found(await engine.analyze(configMap({ text })))).toEqual([]);
    });
    expect(time).toBeLessThan(size / LEAST_BYTES_A_MILLISECOND);
  }
  const tail = `${"lorem ipsum ".repeat(size / 12)}${prod.host}`;
  expect(found(await engine.analyze(configMap({ tail })))).toEqual(["ISO-002 subject data.tail mandatory"]);
}
