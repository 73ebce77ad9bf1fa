import fs from "node:fs";
import path from "node:path";
import {
  UNKNOWN,
  type Context,
  type ResourceView,
  type StackView,
  type Tree,
  type Violation,
} from "../../packages/isolation/rule";
import { statementOf, statementsOf } from "../../policies/pack/statement";
import { statementRule } from "../../policies/rules/statement";
import { readStacks } from "../../stacks/files";
import { ROOT } from "./support/names";

interface Planned {
  urn: string;
  type: string;
  inputs: unknown;
  dependencies: string[];
  propertyDependencies: Record<string, string[]>;
}

function known(value: unknown): unknown {
  if (value === "[unknown]" || value === "[secret]") return UNKNOWN;
  if (Array.isArray(value)) return value.map(known);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, known(inner)]));
}

/** The expected plan of production, as a policy is shown it. */
const plan = (
  JSON.parse(fs.readFileSync(path.join(ROOT, "test/expected/prod.json"), "utf8")) as { resources: Planned[] }
).resources.map(({ urn, type, inputs, dependencies, propertyDependencies }): ResourceView => ({
  urn,
  type,
  name: urn.split("::").at(-1) ?? "",
  props: known(inputs) as Tree,
  unknownPaths: [],
  opts: { protect: false, ignoreChanges: [], aliases: [], additionalSecretOutputs: [] },
  dependencies,
  propertyDependencies,
}));

const stacks = readStacks(ROOT);
const prod = stacks.prod;
if (!prod) throw new Error("the project has no production stack");
const rule = statementRule(statementsOf(stacks));
const context: Context = {
  stack: "prod",
  project: "forma3d",
  environment: "prod",
  isDryRun: true,
  inventory: { environments: [] } as unknown as Context["inventory"],
  config: {},
};
const demands = statementOf(prod);

const judge = (resources: readonly ResourceView[], as: Partial<Context> = {}): readonly Violation[] => {
  const stack: StackView = { resources, byUrn: new Map(resources.map((one) => [one.urn, one])) };
  return rule.check(stack, { ...context, ...as }).filter(({ level }) => level !== "advisory");
};

const isOf = ({ type }: ResourceView, wanted: string): boolean =>
  type.replace(/\/v\w+(?=:)/, "").endsWith(wanted.includes(":") ? wanted : `:${wanted}`);

const valueAt = (tree: Tree, at: string): unknown =>
  at.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], tree);

/** A copy with one value changed. */
function changed(tree: Tree, at: string, value: unknown): Tree {
  const [head = "", ...rest] = at.split(".");
  const inner = (tree as Record<string, unknown>)[head];
  return {
    ...tree,
    [head]: rest.length === 0 ? value : changed(inner as Tree, rest.join("."), value),
  } as Tree;
}

const fulfils = (
  resource: ResourceView,
  { type, where = {}, args = [] }: (typeof demands)[number],
): boolean =>
  isOf(resource, type) &&
  Object.entries(where).every(([at, value]) => valueAt(resource.props, at) === value) &&
  args.every((word) => JSON.stringify(resource.props).includes(`"${word}"`));

describe("production is held against its stack file and the catalogues", () => {
  test("says something about every kind of thing the report asks for", () => {
    const types = new Set(demands.map(({ type }) => type));
    for (const type of [
      "monitor:MetricAlert",
      "monitor:ActivityLogAlert",
      "alertsmanagement:PrometheusRuleGroup",
      "monitor:ActionGroup",
      "CronJob",
      "cdn:Route",
      "cdn:AFDOrigin",
      "storage:StorageAccount",
    ]) {
      expect(types).toContain(type);
    }
    expect(demands.length).toBeGreaterThan(50);
  });

  test("the expected plan fulfils it", () => expect(judge(plan)).toEqual([]));

  test("and nothing of it can be left out", () => {
    const unseen = demands.filter((demand) => {
      const without = plan.filter((resource) => !fulfils(resource, demand));
      return (
        without.length === plan.length || !judge(without).some(({ message }) => message.includes(demand.what))
      );
    });
    expect(unseen).toEqual([]);
  });

  test("nor be otherwise than they say", () => {
    const unseen = demands.flatMap((demand) =>
      Object.keys(demand.is ?? {}).flatMap((at) => {
        const weakened = plan.map((resource) =>
          fulfils(resource, demand)
            ? { ...resource, props: changed(resource.props, at, "weaker") }
            : resource,
        );
        return judge(weakened).some(({ path: where }) => where === at) ? [] : [`${demand.what} ${at}`];
      }),
    );
    expect(unseen).toEqual([]);
  });

  test.each([
    ["enabled", false],
    ["expression", "vector(0) > 1"],
    ["for", "PT6H"],
    ["severity", 4],
    ["alert", "Other"],
  ])("nor can the %s of any alert over metrics be", (key, value) => {
    const groups = plan.filter((resource) => isOf(resource, "alertsmanagement:PrometheusRuleGroup"));
    expect(groups.length).toBeGreaterThan(5);
    for (const group of groups) {
      const rules = group.props.rules as Tree[];
      const index = rules.findIndex((one) => key in one && one[key] !== value);
      // A group of recordings has no alert.
      if (index < 0) continue;
      const props = {
        ...group.props,
        rules: rules.map((one, at) => (at === index ? { ...one, [key]: value } : one)),
      };
      const found = judge(plan.map((one) => (one === group ? { ...one, props } : one)));
      expect(found.map(({ urn }) => urn)).toEqual([group.urn]);
    }
  });

  test("each finding names the key that decides", () => {
    const [finding] = judge(
      plan.filter((resource) => !JSON.stringify(resource.props).includes('"recovery-prune"')),
    );
    expect(finding?.message).toBe("has not the recovery job prune (recovery.schedules.prune)");
  });

  test("also in a preview, which knows no outputs but the inputs beside them", () => {
    const asked = plan
      .filter((resource) => !JSON.stringify(resource.props).includes('"recovery-prune"'))
      .map((resource) => ({
        ...resource,
        inputs: resource.props,
        // Azure reports this of every server, copied from another or not.
        props: { ...resource.props, sourceServerResourceId: UNKNOWN } as Tree,
      }));
    expect(judge(asked).map(({ message }) => message)).toEqual([
      "has not the recovery job prune (recovery.schedules.prune)",
    ]);
  });

  test("a stack nobody made a statement for, and a part of one, are not held against it", () => {
    expect(judge(plan.slice(0, 20))).toEqual([]);
    expect(judge([], { stack: "elsewhere" })).toEqual([]);
    expect(
      judge(
        plan.filter((one) => !isOf(one, "monitor:MetricAlert")),
        { stack: "elsewhere" },
      ),
    ).toEqual([]);
  });

  test("a region that is lost has no origins, and its clusters no rules", () => {
    const lost = {
      ...prod,
      regions: {
        primary: { ...prod.regions.primary, role: "lost" as const },
        ...(prod.regions.secondary && { secondary: { ...prod.regions.secondary, role: "serving" as const } }),
      },
    };
    const where = statementOf(lost).map((demand) => JSON.stringify(demand.where ?? {}));
    expect(where.filter((text) => text.includes(`"originName":"${prod.regions.primary.location}"`))).toEqual(
      [],
    );
    expect(
      where.some((text) => text.includes(`"originName":"${prod.regions.secondary?.location ?? ""}"`)),
    ).toBe(true);
  });
});
