import fs from "node:fs";
import path from "node:path";
import { load } from "js-yaml";
import { mergeShapes, widened } from "../../apps/gates/shape/merge";
import { CONTROL_OPTIONS, OPTIONS } from "../../apps/gates/shape/options";
import { standingIn } from "../../apps/gates/shape/standing";
import type { Shape, Standing, TypeShape } from "../../policies/rules/shape";
import { stackFileSchema } from "../../stacks/reference";
import { planStack } from "../support/plan";
import { ROOT } from "./support/names";

jest.setTimeout(120_000);

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly default?: unknown;
}

/** Whether a key that is left out leaves something out of the plan. */
const isAddition = ({ default: value }: Schema): boolean =>
  value === undefined ||
  value === false ||
  (typeof value === "object" && Object.keys(value ?? {}).length === 0);

/** Keys of a schema that a value leaves out and that would add something, as dotted paths. */
function additions({ properties = {}, required = [], items }: Schema, value: unknown, at = ""): string[] {
  if (Array.isArray(value))
    return items ? [...new Set(value.flatMap((one) => additions(items, one, `${at}[]`)))] : [];
  return Object.entries(properties).flatMap(([key, inner]) => {
    const own = (value as Record<string, unknown> | undefined)?.[key];
    const place = at === "" ? key : `${at}.${key}`;
    if (own !== undefined) return additions(inner, own, place);
    if (inner.properties && !required.includes(key) && inner.default === undefined) return [place];
    if (inner.properties) return additions(inner, undefined, place);
    return !required.includes(key) && isAddition(inner) ? [place] : [];
  });
}

describe("what the stack file's keys may bring is part of it", () => {
  /** What these add is there without them, or production is refused with them. */
  const NOTHING = new Set([
    "database.replica.bootstrap",
    "database.withoutReplica",
    "secretValues",
    "storage.containers[].deleteAfterDays",
    "storage.containers[].tiers",
    "storage.copy.location",
    "storage.copy.redundancy",
  ]);

  test("each key that production leaves out is set in one of the plans it is derived from", () => {
    const { config } = (stackFileSchema() as { properties: { config: Schema } }).properties;
    const text = fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8");
    const given = (load(text) as { config: Record<string, unknown> }).config;
    const set = [...OPTIONS, ...CONTROL_OPTIONS].flatMap(Object.keys);
    expect(
      additions(config, given)
        .map((key) => key.replace("forma3d:", ""))
        .filter((key) => !NOTHING.has(key) && !set.some((one) => key === one || one.startsWith(`${key}.`))),
    ).toEqual([]);
  });

  test.each(OPTIONS)("no rule refuses production with them: %j", async (config) => {
    const { errors, violations } = await planStack("prod", { config, judged: true });
    expect(errors).toEqual([]);
    expect(violations.filter(({ level }) => level === "mandatory")).toEqual([]);
  });

  const type = (more: Partial<TypeShape>): TypeShape => ({
    names: [],
    properties: ["name"],
    from: {},
    protect: true,
    deleteBeforeReplace: false,
    ignoreChanges: [],
    additionalSecretOutputs: [],
    ...more,
  });
  const shape = (types: Shape["types"], rights: readonly string[] = []): Pick<Shape, "types" | "rights"> => ({
    types,
    rights,
  });

  test("an option opens types, names, properties and rights, and nothing of what is there", () => {
    const standing = shape(
      { server: type({ names: ["a"], properties: ["name", "net"], from: { net: ["subnet"] } }) },
      ["a"],
    );
    const other = shape(
      {
        server: type({
          names: ["b"],
          properties: ["key.id", "name", "net"],
          from: { key: ["vault"], net: ["other"] },
          protect: false,
          ignoreChanges: ["net"],
        }),
        copy: type({}),
      },
      ["b"],
    );
    expect(widened(standing, other)).toEqual(
      shape(
        {
          server: type({
            names: ["a", "b"],
            properties: ["key.id", "name", "net"],
            from: { net: ["subnet"], key: ["vault"] },
          }),
          copy: type({}),
        },
        ["a", "b"],
      ),
    );
  });

  test("what a region's role changes is open to each role, but a path only where each ignores it", () => {
    const other = shape({
      server: type({ properties: ["name", "net"], protect: false, ignoreChanges: ["net"] }),
    });
    const open = shape({ server: type({ properties: ["name", "net"], protect: false }) });
    expect(mergeShapes([other, other])).toEqual(other);
    expect(mergeShapes([shape({ server: type({}) }), other])).toEqual(open);
  });
});

describe("what is so of single resources follows from what the regions are for", () => {
  const line = (more: Partial<Standing>): Standing => ({
    resources: [],
    wiring: [],
    ignoreChanges: [],
    ...more,
  });

  test("a list for each set of roles, without what a key takes away and with where one leads", () => {
    const atRest = line({ resources: ["A a", "B b", "C c"], wiring: ["A a x: B b"] });
    const lost = line({
      resources: ["A a", "B b"],
      wiring: ["A a x: C c"],
      ignoreChanges: ["A a *", "A a y"],
    });
    const reduced = line({ resources: ["A a", "C c"], wiring: ["A a x: D d"] });
    expect(
      standingIn(
        [
          { roles: ["rest"], standing: atRest },
          { roles: ["lost"], standing: lost },
        ],
        [reduced],
        (path) => path.endsWith(" y"),
      ),
    ).toEqual([
      { roles: ["lost"], ...line({ wiring: ["A a x: C c"], ignoreChanges: ["A a *"] }) },
      { roles: ["lost", "rest"], ...line({ resources: ["A a"], wiring: ["A a x: D d"] }) },
      { roles: ["rest"], ...line({ resources: ["C c"], wiring: ["A a x: B b"] }) },
    ]);
  });
});
