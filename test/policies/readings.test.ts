import { READERS } from "./support/readers";
import { leaveFound, reviewed } from "./support/reviewed";

type Reading = readonly [input: unknown, reading: unknown];

const FILE = "readings.json";
/** What each reader makes of a text or value, near misses beside what they nearly are. A new one is added with any reading. */
const REVIEWED = JSON.parse(reviewed(FILE)) as Record<string, readonly Reading[]>;

const found = new Map<string, readonly Reading[]>();
afterAll(() => {
  const lists = [...found].map(([name, readings]) => {
    const lines = readings.map((one) => `    ${JSON.stringify(one)}`).join(",\n");
    return `  ${JSON.stringify(name)}: [\n${lines}\n  ]`;
  });
  leaveFound(FILE, `{\n${lists.join(",\n")}\n}\n`);
});

describe("texts and values are read as reviewed", () => {
  test.each(Object.entries(REVIEWED))("%s", (name, readings) => {
    const read = READERS[name] as (input: unknown) => unknown;
    const now = readings.map(([input]): Reading => [input, JSON.parse(JSON.stringify(read(input)))]);
    found.set(name, now);
    expect(now).toEqual(readings);
  });

  test("by every reader", () => expect(Object.keys(REVIEWED).sort()).toEqual(Object.keys(READERS).sort()));
});
