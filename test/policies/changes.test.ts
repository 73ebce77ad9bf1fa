import { singleChanges } from "./support/changes";
import { leaveFound, reviewed } from "./support/reviewed";

type Told = Record<string, readonly string[]>;

const FILE = "changes.json";
/** What is said of each single change of a stack nothing is to be objected to, by environment and type. */
const REVIEWED = JSON.parse(reviewed(FILE)) as { prod: Told; nonProd: Told };

const found: { prod: Told; nonProd: Told } = { prod: {}, nonProd: {} };
afterAll(() => leaveFound(FILE, `${JSON.stringify(found, null, 1)}\n`));

describe.each(["prod", "nonProd"] as const)(
  "single changes of the good stack in %s are told as reviewed",
  (environment) => {
    const changes = singleChanges(environment);

    test.each([...changes.keys()])("%s", (type) => {
      const told = changes.get(type)?.() ?? [];
      if (told.length > 0) found[environment][type] = told;
      expect(told).toEqual(REVIEWED[environment][type] ?? []);
    });

    test("a value nobody knows yet is never refused", () =>
      expect(
        Object.values(REVIEWED[environment])
          .flat()
          .filter((told) => / unknown: /.test(told) && !told.endsWith("(advisory)")),
      ).toEqual([]));

    test("of every type there is", () =>
      expect(Object.keys(REVIEWED[environment]).filter((type) => !changes.has(type))).toEqual([]));
  },
);
