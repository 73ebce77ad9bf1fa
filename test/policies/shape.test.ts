import { shapeOf } from "../../apps/gates/shape/record";
import type { Context, ResourceView, StackView, Tree } from "../../packages/isolation/rule";
import { shapesOf } from "../../policies/pack/statement/shapes";
import { type Shape, shapeRules } from "../../policies/rules/shape";
import { readStacks } from "../../stacks/files";
import { expectedPlan } from "./support/expectedPlan";
import { ROOT } from "./support/names";
import { PREVIEW_OF_PROD } from "./support/previewOfProd";

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
  const context: Context = { ...PREVIEW_OF_PROD, project };
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

const mayReach = (workload: string, cidr: string, port: number): string =>
  `{matchLabels:{app.kubernetes.io/name:"${workload}"}} may reach {ipBlock:{cidr:"${cidr}"}} at [{port:${port},protocol:"TCP"}]`;

/**
 * Rights that a key or another role of a region adds: jobs read the keys of another provider's store and reach it, runners of one's
 * own read their app's, what runs where a region serves asks the database from there, and the status page is of another provider.
 */
const BY_KEYS = [
  ...["backup", "copy", "drill", "metrics", "operator", "prune", "verify"].map((job) =>
    mayReach(job, "203.0.113.0/24", 443),
  ),
  ...["migration", "roles"].map((job) => mayReach(job, "10.20.16.0/24", 5432)),
  ...["copy", "metrics", "prune", "verify"].map(
    (job) => `*-identities-${job} has 4633458b-17de-408a-b874-0445c86b69e6 on *-vault-vault`,
  ),
  "control-runners-identity has 4633458b-17de-408a-b874-0445c86b69e6 on control-home-group",
  "*-status-page-deployment runs status-page of ghcr.io/twin/gatus",
];

type Change = (resource: ResourceView) => Partial<ResourceView>;

/** The plan with one resource, by the end of its name, in another form. */
const changed = (project: Project, name: string, change: Change): readonly ResourceView[] => {
  const target = PLANS[project].find((one) => one.name.endsWith(name) && !one.type.startsWith("forma3d:"));
  if (!target) throw new Error(`no resource ${name}`);
  return PLANS[project].map((one) => (one === target ? { ...one, ...change(one) } : one));
};

/** What a resource is called in the other region. */
const elsewhere = (name: string): string =>
  name
    .replace(/^alerts-database-/, "alerts-standby-")
    .replace(
      /database-(primary|replica)/,
      (_, one) => `database-${one === "primary" ? "replica" : "primary"}`,
    )
    .replace("to-replica-server", "to-primary-server")
    .replace(/^secondary-/, "primary-");

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

/** A Deployment of which the containers are others. */
const running =
  (change: (containers: readonly Tree[]) => readonly Tree[]): Change =>
  (one) => {
    const { template, ...rest } = one.props.spec as { template: { spec: { containers: Tree[] } } };
    const spec = { ...template.spec, containers: change(template.spec.containers) };
    return put({ spec: { ...rest, template: { ...template, spec } } as unknown as Tree })(one);
  };

describe("production is made of what its reviewed plan is made of", () => {
  test.each(["forma3d", "forma3d-control"] as const)(
    "policies/shape.json is what %s is planned as",
    (project) => {
      const recorded = shapesOf(stacks).get(`${project}/prod`);
      const { types, rights } = shapeOf(whole(PLANS[project]));
      expect(rights).toEqual(recorded?.rights.filter((right) => !BY_KEYS.includes(right)));
      for (const [type, shape] of Object.entries(types)) {
        expect({ type, ...recorded?.types[type] }).toMatchObject({
          type,
          names: expect.arrayContaining([...shape.names]) as string[],
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
      ["REC-055 ? resourceName", "REC-055 ?"],
    ],
    [
      "a stronger role",
      "forma3d",
      "-primary-cluster-on-images",
      put({ roleDefinitionId: OWNER }),
      ["REC-055 ?"],
    ],
    [
      "somebody else to talk to",
      "forma3d",
      "-primary-metrics-traffic",
      (one) =>
        put({
          spec: {
            ...(one.props.spec as Tree),
            egress: [{ to: [{ ipBlock: { cidr: "203.0.113.0/24" } }], ports: [{ port: 443 }] }],
          },
        })(one),
      ["REC-055 ?"],
    ],
    [
      "a container beside the others",
      "forma3d",
      "-primary-dashboard-deployment",
      running((all) => [...all, { ...all[0], name: "helper" }]),
      ["REC-055 ?"],
    ],
    [
      "an image from elsewhere",
      "forma3d",
      "-primary-dashboard-deployment",
      running((all) =>
        all.map((one) => ({ ...one, image: `docker.io/elsewhere/dashboard@sha256:${"1".repeat(64)}` })),
      ),
      ["REC-055 ?"],
    ],
    [
      "a variable",
      "forma3d",
      "-primary-operator-job",
      (one) =>
        put({
          spec: {
            jobTemplate: {
              spec: {
                template: { spec: { containers: [{ env: [{ name: "NODE_OPTIONS", value: "-r ./a.js" }] }] } },
              },
            },
          },
        })(one),
      ['REC-054 ? spec.jobTemplate.spec.template.spec.containers[].env["NODE_OPTIONS"]'],
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
    [
      "a policy",
      "forma3d",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      { spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] } },
    ],
  ])("%s more is refused", (_, project, type, props) => {
    expect(found(joined(project, type, props), project)).not.toEqual([]);
  });

  test.each<[string, string, string[]]>([
    ["a server's alerts", "alerts-database-server-not-alive", ["scopes"]],
    ["a lock", "database-primary-lock", ["scope"]],
    ["a private endpoint", "primary-to-replica-server-endpoint", ["privateLinkServiceConnections"]],
    ["an identity's trust", "secondary-federation-backup", ["resourceName", "issuer"]],
    ["the logs of a server", "database-replica-diagnostics", ["resourceUri"]],
  ])("%s may not be the other region's", (_, name, properties) => {
    for (const property of properties) {
      const twin = PLANS.forma3d.find((one) => one.name.endsWith(elsewhere(name)));
      if (!twin) throw new Error(`no ${elsewhere(name)}`);
      const led = changed("forma3d", name, (one) => ({
        props: { ...one.props, [property]: twin.props[property] ?? null },
        propertyDependencies: {
          ...one.propertyDependencies,
          [property]: twin.propertyDependencies[property] ?? [],
        },
      }));
      expect(found(led, "forma3d")).toContain(`REC-055 forma3d-prod-${name} ${property}`);
    }
  });

  test.each(["secondary-federation-backup", "secondary-identities-api", "governance-secondary-baseline"])(
    "%s may not be missing",
    (name) => {
      const left = PLANS.forma3d.filter((one) => !one.name.endsWith(`-${name}`));
      expect(left).toHaveLength(PLANS.forma3d.length - 1);
      expect(found(left, "forma3d").filter((one) => one.endsWith(` ${name}`))).toHaveLength(1);
    },
  );

  test("what its regions are for decides which server may be left alone, and which one alerts watch", () => {
    const { prod } = stacks;
    if (!prod?.regions.secondary) throw new Error("prod has no second region");
    const { primary, secondary } = prod.regions;
    const as = (first: "serving" | "lost", second: "serving" | "lost"): Shape => {
      const regions = { primary: { ...primary, role: first }, secondary: { ...secondary, role: second } };
      const shape = shapesOf({ prod: { ...prod, regions } }).get("forma3d/prod");
      if (!shape) throw new Error("nothing is recorded of prod");
      return shape;
    };
    const left = ({ standing }: Shape): string[] =>
      standing.ignoreChanges.filter((one) => one.startsWith("Server "));
    const watched = ({ standing }: Shape): string[] =>
      standing.wiring.filter((one) => one.startsWith("MetricAlert alerts-database-server-not-alive scopes"));
    expect(left(as("lost", "serving"))).toEqual(["Server database-primary *"]);
    expect(left(as("serving", "lost"))).toEqual(["Server database-replica *"]);
    expect(watched(as("lost", "serving"))).toEqual([
      "MetricAlert alerts-database-server-not-alive scopes: Server database-replica",
    ]);
    const alone = (name: string): readonly ResourceView[] =>
      changed("forma3d", name, opts({ ignoreChanges: ["*"] }));
    const of = new Map([["forma3d/prod", as("lost", "serving")]]);
    const refused = (name: string): string[] =>
      found(alone(name), "forma3d", of).filter((one) => one.startsWith("REC-054"));
    expect(refused("-database-primary")).toEqual([]);
    expect(refused("-database-replica")).toEqual(["REC-054 forma3d-prod-database-replica *"]);
  });

  test("a stack whose regions are for what no plan was made for is held against no single resource", () => {
    const { prod } = stacks;
    if (!prod) throw new Error("the project has no production stack");
    const { secondary: _, ...regions } = prod.regions;
    expect(shapesOf({ prod: { ...prod, regions } }).get("forma3d/prod")?.standing).toEqual({
      resources: [],
      wiring: [],
      ignoreChanges: [],
    });
  });
});
