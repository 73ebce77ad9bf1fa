import { innocents, vectors } from "./support/load";
import { leaveFound, reviewed } from "./support/reviewed";
import { varied, variationsTold } from "./support/variations";

const FILE = "variations.json";
/** What changes in what is said of a program, guilty or honest, where a part of it is left out or a type is another. */
const REVIEWED = JSON.parse(reviewed(FILE)) as Record<string, readonly string[]>;

const programs = varied([...vectors, ...innocents]);
const found: Record<string, readonly string[]> = {};
afterAll(() => leaveFound(FILE, `${JSON.stringify(found, null, 1)}\n`));

describe("every part of a small program counts as reviewed", () => {
  test.each([...programs.keys()])("%s", async (id) => {
    const program = programs.get(id);
    found[id] = program ? await variationsTold(program) : [];
    expect(found[id]).toEqual(REVIEWED[id]);
  });

  test("in all of them", () => expect(Object.keys(REVIEWED)).toEqual([...programs.keys()]));
});
