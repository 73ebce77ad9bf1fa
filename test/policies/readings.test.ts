import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./support/names";
import { READERS } from "./support/readers";

/** Reviewed by hand: what each reader makes of a text or value, near misses beside what they nearly are. */
const REVIEWED = JSON.parse(
  fs.readFileSync(path.join(ROOT, "test/policies/expected/readings.json"), "utf8"),
) as Record<string, [input: unknown, reading: unknown][]>;

describe("texts and values are read as reviewed", () => {
  test.each(Object.entries(REVIEWED))("%s", (name, readings) => {
    const read = READERS[name] as (input: unknown) => unknown;
    const now = readings.map(([input]) => [input, JSON.parse(JSON.stringify(read(input))) as unknown]);
    expect(now).toEqual(readings);
  });

  test("by every reader", () => expect(Object.keys(REVIEWED).sort()).toEqual(Object.keys(READERS).sort()));
});
