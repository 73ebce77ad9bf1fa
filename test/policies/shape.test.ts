import fs from "node:fs";
import path from "node:path";
import { load } from "js-yaml";
import { mergeShapes, widened } from "../../apps/gates/shape/merge";
import { OPTIONS } from "../../apps/gates/shape/options";
import { shapeOf } from "../../apps/gates/shape/record";
import type { Context, ResourceView, StackView, Tree } from "../../packages/isolation/rule";
import { shapesOf } from "../../policies/pack/statement/shapes";
import { type Shape, shapeRules, type TypeShape } from "../../policies/rules/shape";
import { readStacks } from "../../stacks/files";
import { stackFileSchema } from "../../stacks/reference";
import { planStack } from "../support/plan";
import { expectedPlan } from "./support/expectedPlan";
import { ROOT } from "./support/names";

jest.setTimeout(120_000);

const stacks = readStacks(ROOT);
const PLANS = {
  forma3d: expectedPlan("prod.json"),
  "forma3d-control": expectedPlan("control/prod.json"),
} as const;
type Project = keyof typeof PLANS;

const whole = (resources: readonly ResourceView[]): StackView => ({
  resources,
  byUrn: new Map(resources.map((one) => [one.urn, one])),
});

/** Findings as `rule name path`. */
function found(resources: readonly ResourceView[], project: Project, shapes = shapesOf(stacks)): string[] {
  const context: Context = {
    stack: "prod",
    project,
    environment: "prod",
    isDryRun: true,
    inventory: { environments: [] } as unknown as Context["inventory"],
    config: {},
  };
  const stack = whole(resources);
  const nameOf = (urn = ""): string => urn.split("::").at(-1) ?? "";
  return shapeRules(shapes).flatMap((rule) =>
    (rule.scope === "stack"
      ? rule.check(stack, context)
      : resources
          .filter(({ type }) => rule.types?.some((wanted) => new RegExp(wanted).test(type)))
          .flatMap((one) => rule.check(one, context).map((violation) => ({ ...violation, urn: one.urn })))
    ).map(({ urn, path }) => `${rule.id} ${nameOf(urn)} ${path}`.trim()),
  );
}

/** Jobs that work on backups read the keys of another provider's store, where there is one. */
const FOR_ANOTHER_PROVIDER = ["copy", "metrics", "prune", "verify"].map(
  (job) => `*-identities-${job} has 4633458b-17de-408a-b874-0445c86b69e6 on *-vault-vault`,
);

type Change = (resource: ResourceView) => Partial<ResourceView>;

/** The plan with one resource, by the end of its name, in another form. */
const changed = (project: Project, name: string, change: Change): readonly ResourceView[] => {
  const target = PLANS[project].find((one) => one.name.endsWith(name) && !one.type.startsWith("forma3d:"));
  if (!target) throw new Error(`no resource ${name}`);
  return PLANS[project].map((one) => (one === target ? { ...one, ...change(one) } : one));
};

const put =
  (props: Tree): Change =>
  (one) => ({ props: { ...one.props, ...props } });

/** The same, written down instead of taken from a resource. */
const literally =
  (props: Tree): Change =>
  (one) => ({
    props: { ...one.props, ...props },
    propertyDependencies: Object.fromEntries(
      Object.entries(one.propertyDependencies).filter(([key]) => !(key in props)),
    ),
  });

const opts =
  (options: Partial<ResourceView["opts"]>): Change =>
  (one) => ({ opts: { ...one.opts, ...options } });

/** One resource more, beside one of the same provider. */
const joined = (project: Project, type: string, props: Tree): readonly ResourceView[] => [
  ...PLANS[project],
  {
    urn: `urn:pulumi:prod::${project}::${type}::another`,
    type,
    name: "another",
    props,
    unknownPaths: [],
    opts: { protect: true, ignoreChanges: [], aliases: [], additionalSecretOutputs: [] },
    dependencies: [],
    propertyDependencies: {},
  },
];

const SUBSCRIPTION = `/subscriptions/${stacks.prod?.azure.subscriptionId ?? ""}`;
const ELSEWHERE = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/elsewhere`;
const OWNER = `${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635`;

describe("production is made of what its reviewed plan is made of", () => {
  test.each(["forma3d", "forma3d-control"] as const)(
    "policies/shape.json is what %s is planned as",
    (project) => {
      const recorded = shapesOf(stacks).get(`${project}/prod`);
      const { types, rights } = shapeOf(whole(PLANS[project]));
      expect(rights).toEqual(recorded?.rights.filter((right) => !FOR_ANOTHER_PROVIDER.includes(right)));
      for (const [type, shape] of Object.entries(types)) {
        expect({ type, ...recorded?.types[type] }).toMatchObject({
          type,
          properties: expect.arrayContaining([...shape.properties]) as string[],
          ignoreChanges: shape.ignoreChanges,
          additionalSecretOutputs: shape.additionalSecretOutputs,
        });
      }
      expect(found(PLANS[project], project)).toEqual([]);
    },
  );

  test("what is nobody's plan is not held against one", () => {
    expect(found(PLANS.forma3d, "forma3d", new Map())).toEqual([]);
  });

  test.each<[string, string, Change]>([
    ["known by an update, and by no plan", "-monitor-grafana", put({ properties: { apiKey: "Disabled" } })],
    ["given to one update by its variable", "-primary-kubernetes", put({ enablePatchForce: true })],
    ["ignored, and found by a refresh", "-database-primary", put({ replicationRole: "Primary" })],
  ])("what is %s is not strange", (_, name, change) => {
    expect(found(changed("forma3d", name, change), "forma3d")).toEqual([]);
  });

  test.each<[string, Project, string, Change, string[]]>([
    [
      "a property",
      "forma3d",
      "-primary-cluster-cluster",
      put({ powerState: { code: "Stopped" } }),
      ["REC-054 ? powerState"],
    ],
    [
      "an inner property",
      "forma3d",
      "-edge-firewall",
      (one) => put({ managedRules: { managedRuleSets: [{ exclusions: [{ selector: "*" }] }] } })(one),
      ["REC-054 ? managedRules.managedRuleSets[].exclusions"],
    ],
    ["no protection", "forma3d", "-registry-registry", opts({ protect: false }), ["REC-054 ?"]],
    ["an early end", "forma3d", "-database-primary", opts({ deleteBeforeReplace: true }), ["REC-054 ?"]],
    [
      "an ignored property",
      "forma3d",
      "-database-primary-lock",
      opts({ ignoreChanges: ["level"] }),
      ["REC-054 ? level"],
    ],
    ["everything ignored", "forma3d", "-database-primary", opts({ ignoreChanges: ["*"] }), ["REC-054 ? *"]],
    [
      "a life in another stack",
      "forma3d",
      "-database-primary",
      opts({ aliases: ["urn:pulumi:staging::forma3d::a:b:C::d"] }),
      ["REC-054 ?"],
    ],
    [
      "a log that goes elsewhere",
      "forma3d",
      "-primary-vault-diagnostics",
      literally({ workspaceId: ELSEWHERE }),
      ["REC-055 ? workspaceId"],
    ],
    [
      "the same, with the old trace",
      "forma3d",
      "-primary-vault-diagnostics",
      put({ workspaceId: ELSEWHERE }),
      ["REC-055 ? workspaceId"],
    ],
    [
      "a lock on nothing of its own",
      "forma3d-control",
      "-home-account-lock",
      literally({ scope: ELSEWHERE }),
      ["REC-055 ? scope"],
    ],
    [
      "an identity of another purpose",
      "forma3d-control",
      "-preview-github",
      (one) => ({
        propertyDependencies: {
          ...one.propertyDependencies,
          resourceName: PLANS["forma3d-control"]
            .filter(({ name }) => name.endsWith("-deploy-identity"))
            .map(({ urn }) => urn),
        },
      }),
      ["REC-055 ?"],
    ],
    [
      "a stronger role",
      "forma3d",
      "-primary-cluster-on-images",
      put({ roleDefinitionId: OWNER }),
      ["REC-055 ?"],
    ],
    [
      "a role that may more",
      "forma3d",
      "-writer-role",
      put({ permissions: [{ actions: ["*"], dataActions: [] }] }),
      ["REC-055 ?"],
    ],
  ])("%s it has not is refused", (_, project, name, change, expected) => {
    const resources = changed(project, name, change);
    const target = resources.find((one, at) => one !== PLANS[project][at])?.name ?? "";
    expect(found(resources, project)).toEqual(expected.map((one) => one.replace("?", target)));
  });

  test.each<[string, Project, string, Tree]>([
    ["a type", "forma3d", "azure-native:storage:StorageAccountStaticWebsite", { accountName: "a" }],
    [
      "a right",
      "forma3d-control",
      "azure-native:authorization:RoleAssignment",
      { principalId: "p", roleDefinitionId: OWNER, scope: SUBSCRIPTION },
    ],
    [
      "a binding",
      "forma3d",
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
      {
        roleRef: { kind: "ClusterRole", name: "edit" },
        subjects: [{ kind: "Group", name: "system:authenticated" }],
      },
    ],
  ])("%s more is refused", (_, project, type, props) => {
    expect(found(joined(project, type, props), project)).not.toEqual([]);
  });

  test("what follows another server, or lies in a lost region, may be left alone only then", () => {
    const { prod } = stacks;
    if (!prod?.regions.secondary) throw new Error("prod has no second region");
    const alone = changed("forma3d", "-database-primary", opts({ ignoreChanges: ["*"] }));
    const lost = { ...prod.regions.primary, role: "lost" as const };
    const regions = { primary: lost, secondary: { ...prod.regions.secondary, role: "serving" as const } };
    expect(found(alone, "forma3d", shapesOf({ prod: { ...prod, regions } }))).toEqual([]);
    expect(found(alone, "forma3d")).toHaveLength(1);
  });
});

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
    const set = OPTIONS.flatMap(Object.keys);
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
    properties: ["name"],
    from: {},
    protect: true,
    deleteBeforeReplace: false,
    ignoreChanges: [],
    additionalSecretOutputs: [],
    ...more,
  });
  const shape = (types: Shape["types"], rights: readonly string[] = []): Shape => ({ types, rights });

  test("an option opens types, properties and rights, and nothing of what is there", () => {
    const standing = shape({ server: type({ properties: ["name", "net"], from: { net: ["subnet"] } }) }, [
      "a",
    ]);
    const other = shape(
      {
        server: type({
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
            properties: ["key.id", "name", "net"],
            from: { net: ["subnet"], key: ["vault"] },
          }),
          copy: type({}),
        },
        ["a", "b"],
      ),
    );
  });

  test("what a region's role changes is open to each role", () => {
    const other = shape({
      server: type({ properties: ["name", "net"], protect: false, ignoreChanges: ["net"] }),
    });
    expect(mergeShapes([shape({ server: type({}) }), other])).toEqual(other);
  });
});
