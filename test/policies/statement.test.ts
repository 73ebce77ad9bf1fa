import path from "node:path";
import {
  UNKNOWN,
  type Context,
  type ResourceView,
  type StackRule,
  type StackView,
  type Tree,
  type Value,
  type Violation,
} from "../../packages/isolation/rule";
import { statementOf, statementsOf } from "../../policies/pack/statement";
import { shapesOf } from "../../policies/pack/statement/shapes";
import { Waivers } from "../../policies/pack/waivers";
import { type Demand, STATEMENT_RULE, statementRule, typeOf } from "../../policies/rules/statement";
import { placesAt, says } from "../../policies/rules/expected";
import { Cursor } from "../../packages/isolation/read";
import { AZURE } from "../../packages/emulated-azure/model/azure";
import { controlPlane } from "../../policies/pack/statement/control";
import { Judge, tried } from "../../apps/gates/weaken/measure";
import { countUnseen, reportOn } from "../../apps/gates/weaken/weaken";
import { rules } from "../../policies/rules";
import { productionRules } from "../../policies/rules/production";
import { readInventory } from "../../stacks/inventory";
import { readStacks, stackPlatformNames } from "../../stacks/files";
import { planStack } from "../support/plan";
import { expectedPlan, viewsOf } from "./support/expectedPlan";
import { ROOT } from "./support/names";
import { PREVIEW_OF_PROD } from "./support/previewOfProd";
import { reviewed } from "./support/reviewed";

const plan = expectedPlan("prod.json");

const stacks = readStacks(ROOT);
const prod = stacks.prod;
if (!prod) throw new Error("the project has no production stack");
const rule = statementRule(statementsOf(stacks));
const statement = statementOf(prod);
/** Those that say what must be there; the others say how often something may be. */
const demands = statement.filter(({ most }) => most === undefined);

const judge = (
  resources: readonly ResourceView[],
  as: Partial<Context> = {},
  by: Pick<StackRule, "check"> = rule,
): readonly Violation[] => {
  const stack: StackView = { resources, byUrn: new Map(resources.map((one) => [one.urn, one])) };
  return by.check(stack, { ...PREVIEW_OF_PROD, ...as }).filter(({ level }) => level !== "advisory");
};

const armTypeOf = new Map(AZURE.resources.map(({ type, armType }) => [type, armType]));

/** As an update is shown it: with Azure's answer, whose `type` and `name` take the place of inputs of those words. */
const standing = plan.map((resource): ResourceView => {
  const type = armTypeOf.get(resource.type);
  return type === undefined
    ? resource
    : { ...resource, props: { ...resource.props, type, name: "as-it-is-called" } };
});

/** What makes a stack whole: its database and a Deployment. */
const HEART = plan.filter(
  ({ type, urn }) =>
    /dbforpostgresql:Server$|:Namespace$/.test(type) || urn.endsWith("primary-api-deployment"),
);

/** The part of the statement that is this one demand, over what it is about, and what that is there for. */
const judgeBy = (demand: Demand, resources: readonly ResourceView[]): readonly Violation[] =>
  judge(
    [
      ...resources,
      ...[...HEART, ...plan.filter((one) => demand.per && isOf(one, demand.per.type))].filter(
        ({ urn }, at, all) =>
          resources.every((one) => one.urn !== urn) && all.findIndex((one) => one.urn === urn) === at,
      ),
    ],
    {},
    statementRule(new Map([[`${PREVIEW_OF_PROD.project}/${PREVIEW_OF_PROD.stack}`, [demand]]])),
  );

const isOf = ({ type }: ResourceView, wanted: string): boolean =>
  type.replace(/\/v\w+(?=:)/, "").endsWith(wanted.includes(":") ? wanted : `:${wanted}`);

/** Something each expectation refuses one of. */
const WEAKER = [["weaker"], undefined, {}, { cidr: "0.0.0.0/0" }, 0];

const valueAt = (tree: Tree, at: string): unknown => placesAt(new Cursor(tree), at)[0]?.value;

/** A copy with each value a path leads to changed, where there is one. */
function changed(value: unknown, [step, ...rest]: readonly string[], by: unknown): unknown {
  if (step === undefined) return by;
  const [, name = "", index = ""] = /^([^[]*)(\[.*)?$/.exec(step) ?? [];
  const quoted = /^\["(.*)"\]$/.exec(index)?.[1];
  const keys = [name, ...(index === "" ? [] : quoted === undefined ? ["[]"] : [quoted])];
  if (keys.length > 1) return changed(value, [...keys, ...rest], by);
  if (step === "[]")
    return Array.isArray(value) ? value.map((one: unknown) => changed(one, rest, by)) : value;
  if (typeof value !== "object" || value === null || !(step in value)) return value;
  return { ...value, [step]: changed((value as Record<string, unknown>)[step], rest, by) };
}

const fulfils = (
  resource: ResourceView,
  { type, where = {}, args = [] }: (typeof demands)[number],
): boolean =>
  isOf(resource, type) &&
  Object.entries(where).every(([at, value]) => says(valueAt(resource.props, at) as Value, value)) &&
  args.every((word) => JSON.stringify(resource.props).includes(`"${word}"`));

describe("production is held against its stack file and the catalogues", () => {
  test("asks for no alert on a replica while the stack file says why there is none, and for everything else", () => {
    const { replica: _none, ...database } = prod.database;
    const without = statementOf({
      ...prod,
      database: { ...database, withoutReplica: "a major version is raised this week" },
    });
    const named = (all: readonly Demand[]) => all.map(({ what }) => what);
    const gone = named(statement).filter((what) => !named(without).includes(what));
    expect(gone).toEqual([
      ...[
        "StandbyServerNotAlive",
        "StandbyStorageAlmostFull",
        "StandbyCpuHigh",
        "ReplicaLagging",
        "ReplicaLagEndangersRpo",
      ].map((alert) => `the alert ${alert}`),
      "the database server that follows",
    ]);
    // What is asked of each server is asked of the one there is.
    expect(without).toHaveLength(statement.length - gone.length);
  });

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

  test("says what was reviewed, demand by demand", () => {
    const said = Object.fromEntries(statementsOf(stacks));
    expect(JSON.parse(JSON.stringify(said))).toEqual(JSON.parse(reviewed("statement.json")));
  });

  test("the expected plan fulfils it", () => expect(judge(plan)).toEqual([]));

  test("so does what stands, as every update after the first is shown it", () => {
    expect(standing.filter(({ props }) => "type" in props).length).toBeGreaterThan(100);
    expect(judge(standing)).toEqual([]);
  });

  test("and nothing of it can be left out", () => {
    const unseen = demands
      .filter(({ is, each, count, members }) => is ?? members ?? count ?? !each)
      // Without these two the stack is no whole one, which is another rule's.
      .filter(({ type }) => !/^(?:dbforpostgresql:Server|Namespace)$/.test(type))
      .filter((demand) => {
        const about = plan.filter((resource) => isOf(resource, demand.type));
        const without = about.filter((resource) => !fulfils(resource, demand));
        // What is about several of a kind at once ends as soon as there are too few of them.
        const fewer = about.slice(0, (demand.count ?? 1) - 1);
        const left = demand.where || demand.args ? without : fewer;
        return (
          left.length === about.length ||
          !judgeBy(demand, left).some(
            ({ path, message }) => path === demand.what || message.includes(demand.key),
          )
        );
      });
    expect(unseen).toEqual([]);
  });

  test("nor be otherwise than they say", () => {
    const unseen = demands.flatMap((demand) => {
      const one = { ...demand, count: 1 };
      const [first, ...others] = plan.filter(
        (resource) => fulfils(resource, demand) && judgeBy(one, [resource]).length === 0,
      );
      return Object.keys({ ...demand.is, ...demand.each }).flatMap((at) => {
        const steps = at.replace(/\?$/, "").split(/\.(?![^[]*\])/);
        if (!first) return [];
        const weaker = WEAKER.map((value): ResourceView => {
          const props = changed(first.props, steps, value) as Tree;
          return { ...first, props };
        });
        // A path that is nowhere holds for what comes later.
        if (weaker.every(({ props }) => JSON.stringify(props) === JSON.stringify(first.props))) return [];
        const isSeen = weaker.some(
          (weak) => judgeBy(demand, [weak, ...others.slice(0, (demand.count ?? 1) - 1)]).length > 0,
        );
        return isSeen ? [] : [`${demand.what} ${at}`];
      });
    });
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
    const about = statementRule(
      new Map([["forma3d/prod", statement.filter((one) => typeOf(one).test(groups[0]?.type ?? ""))]]),
    );
    for (const group of groups) {
      const rules = group.props.rules as Tree[];
      const index = rules.findIndex((one) => key in one && one[key] !== value);
      // A group of recordings has no alert.
      if (index < 0) continue;
      const props = {
        ...group.props,
        rules: rules.map((one, at) => (at === index ? { ...one, [key]: value } : one)),
      };
      const found = judge(
        plan.map((one) => (one === group ? { ...one, props } : one)),
        {},
        about,
      );
      expect(found.map(({ urn }) => urn)).toEqual([group.urn]);
    }
  });

  test("nor run in two regions at once what only one may run", () => {
    const twice = plan.map((one) =>
      one.urn.endsWith("secondary-recovery-prune")
        ? { ...one, props: changed(one.props, ["spec", "suspend"], false) as Tree }
        : one,
    );
    expect(judge(twice).map(({ message }) => message)).toEqual([
      "is there 2 times, and may be 1 (recovery.schedules.prune, regions)",
    ]);
    expect(statement.length - demands.length).toBeGreaterThan(6);
  });

  test.each([
    ["primary-recovery-hourly", { command: ["true"] }, {}],
    ["primary-recovery-copy", { args: ["copy", "--help"] }, {}],
    ["primary-recovery-verify", {}, { serviceAccountName: "api" }],
    ["primary-readiness-job", { command: ["true"] }, {}],
    ["primary-api-deployment", { command: ["sleep", "infinity"] }, {}],
    ["primary-api-deployment", {}, { serviceAccountName: "prune" }],
  ])("nor does %s start anything else, or as somebody else", (name, container, pod) => {
    const target = plan.find(({ urn }) => urn.endsWith(name));
    if (!target) throw new Error(`the plan has no ${name}`);
    const steps = [
      ...(name.includes("deployment") ? [] : ["spec", "jobTemplate"]),
      ...["spec", "template", "spec"],
    ];
    const spec = valueAt(target.props, steps.join(".")) as { containers: Tree[] };
    const containers = spec.containers.map((one) => ({ ...one, ...container }));
    const props = changed(target.props, steps, { ...spec, ...pod, containers }) as Tree;
    const found = judge(plan.map((one) => (one === target ? { ...one, props } : one)));
    expect(found.map(({ urn }) => urn)).toContain(target.urn);
  });

  const ENDPOINT = "spec.podMetricsEndpoints";
  const GROUP = `/subscriptions/${prod.azure.subscriptionId}/resourceGroups/rg/providers/Microsoft.Insights/actionGroups/ag-forma3d-prod-p4`;
  const CONTAINERS = "spec.template.spec.containers";
  const JOBS = `spec.jobTemplate.${CONTAINERS}`;
  const ownCopy = (image: string): string =>
    `${stackPlatformNames(prod).imageRegistry.loginServer}/${image.replace(/@.*/, "")}`;
  const [OTHER, RUNNER] = [
    `${ownCopy(prod.workloads.api.image)}@sha256:${"4f5a".repeat(16)}`,
    ownCopy(prod.recovery.image),
  ];
  const withSetting = (setting: Tree) => (all: Tree[]) =>
    all.map((one) => ({ ...one, env: [...(one.env as Tree[]), setting] }));
  const replaced = (name: string, value: string) => (all: Tree[]) =>
    all.map((one) => ({
      ...one,
      env: (one.env as Tree[]).map((setting) => (setting.name === name ? { name, value } : setting)),
    }));
  const DROP = { action: "drop", sourceLabels: ["__name__"], regex: ".+" };

  test.each<[string, string, (value: never) => unknown]>([
    ["primary-scrape-monitoring", ENDPOINT, ([one]: Tree[]) => [{ ...one, metricRelabelings: [DROP] }]],
    ["primary-scrape-api", ENDPOINT, ([one]: Tree[]) => [{ ...one, path: "/elsewhere" }]],
    [
      "primary-scrape-probes",
      ENDPOINT,
      (all: Tree[]) => all.map((one) => ({ ...one, params: { module: ["tcp"], target: ["http://api/"] } })),
    ],
    ["primary-scrape-settings", "data.default-targets-metrics-keep-list", () => 'kubestate = "up"'],
    [
      "alerts-primary-forma3d-critical",
      "rules",
      (all: Tree[]) => [...all.map((one) => ({ ...one, expression: "vector(0) > 1" })), ...all],
    ],
    ["alerts-primary-forma3d-critical", "clusterName", () => "aks-forma3d-prod-neu"],
    ["alerts-database-server-not-alive", "actions", () => [{ actionGroupId: GROUP }]],
    ["alerts-access-granted", "scopes", () => [GROUP]],
    [
      "alerts-mute-cluster-upgrade",
      "properties.schedule.recurrences",
      ([one]: Tree[]) => [{ ...one, startTime: "00:00:00", endTime: "23:59:59" }],
    ],
    ["alerts-slack-workflow", "definition.actions.post.inputs.uri", () => "https://example.org/post"],
    [
      "edge-firewall",
      "customRules.rules",
      (all: Tree[]) =>
        all.map((one) => ({
          ...one,
          matchConditions: [{ ...(one.matchConditions as Tree[])[0], matchValue: ["^never$"] }],
        })),
    ],
    ["edge-api-westeurope-origin", "priority", () => 5],
    ["primary-api-deployment", CONTAINERS, (all: Tree[]) => all.map((one) => ({ ...one, image: OTHER }))],
    ["primary-api-deployment", CONTAINERS, ([one]: Tree[]) => [{ ...one, image: prod.workloads.api.image }]],
    [
      "primary-recovery-hourly",
      JOBS,
      (all: Tree[]) => all.map((one) => ({ ...one, image: `${RUNNER}@sha256:0` })),
    ],
    [
      "primary-gateway-deployment",
      CONTAINERS,
      (all: Tree[]) => all.map((one) => ({ ...one, image: `${RUNNER}:1` })),
    ],
    ["outside-status-app", "template.containers", ([one]: Tree[]) => [{ ...one, image: OTHER }]],
    ["primary-api-deployment", CONTAINERS, withSetting({ name: "NODE_ENV", value: "development" })],
    ["primary-api-deployment", CONTAINERS, withSetting({ name: "NODE_ENV", valueFrom: {} })],
    [
      "primary-api-deployment",
      CONTAINERS,
      ([one]: Tree[]) => [{ ...one, env: (one?.env as Tree[]).filter(({ name }) => name !== "NODE_ENV") }],
    ],
    [
      "primary-operator-job",
      "spec.jobTemplate.spec.template.spec.volumes",
      (all: Tree[]) => all.slice(0, -1),
    ],
    ["primary-cluster-cluster", "agentPoolProfiles", ([one]: Tree[]) => [{ ...one, osDiskSizeGB: 32 }]],
    ["primary-cluster-cluster", "location", () => prod.regions.secondary?.location],
    ["primary-operator-job", JOBS, replaced("RPO_TARGET", "6m")],
    ["primary-recovery-hourly", JOBS, replaced("RECOVERY_IMAGE", OTHER)],
    ["primary-cluster-apps", "osDiskSizeGB", () => 64],
    ["primary-cluster-apps", "vmSize", () => "Standard_B2s"],
    ["primary-cluster-apps", "orchestratorVersion", () => "1.30"],
    ["database-primary", "storage.storageSizeGB", () => 64],
    ["database-replica", "sku.name", () => "Standard_B1ms"],
  ])("nor can %s be otherwise in %s", (name, path, change) => {
    const target = plan.find(({ urn, type }) => urn.endsWith(`-${name}`) && !type.startsWith("forma3d:"));
    if (!target) throw new Error(`the plan has no ${name}`);
    const steps = path.split(".");
    const value = steps.reduce<unknown>((at, step) => (at as Tree)[step], target.props);
    const props = changed(target.props, steps, change(value as never)) as Tree;
    const about = statementRule(
      new Map([["forma3d/prod", statement.filter((one) => typeOf(one).test(target.type))]]),
    );
    const found = judge(
      plan.map((one) => (one === target ? { ...one, props } : one)),
      {},
      about,
    );
    expect(found.map(({ urn }) => urn)).toContain(target.urn);
  });

  test("a tag beside a digest decides nothing, and another digest leads to the key that names it", () => {
    const about = (image: (was: string) => string) =>
      judge(
        plan.map((one) => {
          if (!one.urn.endsWith("primary-api-deployment")) return one;
          const [container] = valueAt(one.props, CONTAINERS) as [Tree & { image: string }];
          const containers = [{ ...container, image: image(container.image) }];
          return { ...one, props: changed(one.props, CONTAINERS.split("."), containers) as Tree };
        }),
      ).map(({ path, message }) => `${path} ${message}`);
    expect(about((was) => was.replace("@", ":1.2@"))).toEqual([]);
    const [told, ...others] = about((was) => was.replace(/.{8}$/, "01234567"));
    expect(told).toMatch(
      /^spec\.template\.spec\.containers\[0\]\.image must be as workloads\.api\.image says .*@sha256:/,
    );
    expect(others).toEqual([]);
  });

  test("each finding names the key that decides", () => {
    const [finding] = judge(
      plan.filter((resource) => !JSON.stringify(resource.props).includes('"recovery-prune"')),
    );
    expect(finding?.path).toBe("the recovery job prune");
    expect(finding?.message).toBe("is missing (recovery.schedules.prune)");
  });

  test("a waiver of one thing that is missing covers no other at the same resource", () => {
    const GONE = ["the recovery job prune", "the alert DatabaseServerNotAlive"];
    const found = judge(
      plan.filter(
        ({ props, urn }) =>
          !JSON.stringify(props).includes('"recovery-prune"') &&
          !urn.endsWith("alerts-database-server-not-alive"),
      ),
    ).filter(({ path }) => GONE.includes(path));
    expect(new Set(found.map(({ urn }) => urn)).size).toBe(1);
    const resource = found[0]?.urn ?? "";
    const waivers = new Waivers(
      [
        {
          rule: STATEMENT_RULE,
          resource,
          path: "the recovery job prune",
          reason: "it is written anew this week",
          owner: "a@b.example",
          expires: "2026-01-31",
        },
      ],
      "2026-01-01",
    );
    const left = found.filter((one) => !waivers.covering({ ...one, ruleId: STATEMENT_RULE, urn: resource }));
    expect(left.map(({ path }) => path)).toEqual(["the alert DatabaseServerNotAlive"]);
  });

  test("no two demands are called the same, or a waiver of one would cover the other", () => {
    for (const all of statementsOf(stacks).values()) {
      const names = all.map(({ what }) => what);
      expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    }
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
    expect(judge(asked).map(({ path, message }) => [path, message])).toEqual([
      ["the recovery job prune", "is missing (recovery.schedules.prune)"],
      ["the recovery job prune in each region", "is there 0 times of 2 (recovery.schedules.prune)"],
    ]);
  });

  test("a stack nobody made a statement for is held against none, and one that has little of its own against it all", () => {
    expect(judge(plan.slice(0, 20)).length).toBeGreaterThan(100);
    expect(judge([], { stack: "elsewhere" })).toEqual([]);
    expect(
      judge(
        plan.filter((one) => !isOf(one, "monitor:MetricAlert")),
        { stack: "elsewhere" },
      ),
    ).toEqual([]);
  });

  test("the clusters of a region that is lost have no rules, and its origins stay", () => {
    const { secondary } = prod.regions;
    const lost = {
      ...prod,
      regions: {
        primary: { ...prod.regions.primary, role: "lost" as const },
        ...(secondary && { secondary: { ...secondary, role: "serving" as const } }),
      },
    };
    const where = statementOf(lost).map((demand) => JSON.stringify(demand.where ?? {}));
    const saying = (text: string): string[] => where.filter((one) => one.includes(text));
    expect(saying('"ruleGroupName":"forma3d-critical-aks-forma3d-prod-neu"')).toHaveLength(1);
    expect(saying("-aks-forma3d-prod-weu")).toEqual([]);
    expect(saying(`"originName":"${prod.regions.primary.location}"`)).toHaveLength(2);
    expect(saying(`"originName":"${secondary?.location ?? ""}"`)).toHaveLength(2);
  });
});

/** A sample of what `npm run gate:weaken` tries with everything. */
describe("no single change that weakens production goes unseen", () => {
  const judgeOf = new Judge(
    plan,
    (type) => [
      ...rules,
      ...productionRules({
        statements: new Map(
          [...statementsOf(stacks)].map(([of, all]) => [of, all.filter((one) => typeOf(one).test(type))]),
        ),
        shapes: shapesOf(stacks),
      }),
    ],
    readInventory(ROOT),
    {},
  );
  const SAMPLED = [
    "primary-namespace-default-deny",
    "primary-gateway-disruption",
    "secondary-blackbox-disruption",
    "primary-vault-diagnostics",
    "primary-cluster-insights-rule",
    "primary-network-nodes",
    "primary-namespace-quota",
  ];

  test.each(SAMPLED)("%s", (name) => {
    const resource = plan.find(({ urn }) => urn.endsWith(`-${name}`));
    const report = reportOn(tried(resource ? [resource] : [], judgeOf));
    expect(report.tried).toBeGreaterThan(4);
    expect(report.refused).toBeGreaterThan(0);
    expect(report.unseen).toEqual([]);
  });

  test("what is on no line of the reviewed list counts as harmful", () => {
    const change = { path: "spec.unheardOf", how: "disable" as const, props: {} };
    const one = { ...change, urn: "u", type: "kubernetes:policy/v1:PodDisruptionBudget", refusedBy: [] };
    expect(countUnseen(reportOn([one]))).toBe(1);
    expect(
      countUnseen(
        reportOn([
          { ...one, refusedBy: ["REC-052"] },
          { ...one, path: "tags.owner" },
        ]),
      ),
    ).toBe(0);
  });
});

/** Runners as an environment may have them; the range has the address the emulated Azure gives. */
const RUNNERS = (() => {
  const image =
    "ghcr.io/forma3d/runner@sha256:4d967a4e3e0d6b1a4f3c1dd2be1f0c9a7d5c2e8b6f90a1b3c4d5e6f708192a3b";
  const jobs = { image, app: { id: 812345, installationId: 51234567 } };
  return {
    controlPlane: { runners: { jobs: { ...jobs, group: 1 } } },
    changes: { "controlPlane.runners": { jobs }, "cluster.authorizedIpRanges": ["203.0.113.0/24"] },
  };
})();

describe.each<[string, { controlPlane?: object; changes?: Record<string, unknown> }]>([
  ["as it is", {}],
  ["with runners of its own", RUNNERS],
])(
  "what production is deployed from is held against its statement, too: %s",
  (_, { controlPlane: more, changes }) => {
    const of = { project: "forma3d-control" };
    const wanted = controlPlane({
      ...prod,
      ...(changes && {
        cluster: { ...prod.cluster, authorizedIpRanges: changes["cluster.authorizedIpRanges"] as string[] },
      }),
      controlPlane: { ...prod.controlPlane, ...more },
    });
    const rule = statementRule(new Map([["forma3d-control/prod", wanted]]));
    const about = ({ type }: Demand) => control.filter((resource) => isOf(resource, type));
    const found = (resources: readonly ResourceView[]): string[] =>
      judge(resources, of, rule).map(({ path, message }) => `${path}: ${message}`);
    let control: readonly ResourceView[];
    beforeAll(async () => {
      const root = path.join(ROOT, "control");
      control = changes
        ? viewsOf((await planStack("prod", { root, resolve: true, config: changes })).resources)
        : expectedPlan("control/prod.json");
    });

    test("the expected plan fulfils it, and one without any account of the state has lost them", () => {
      expect(wanted.length).toBeGreaterThan(more ? 25 : 15);
      expect(found(control)).toEqual([]);
      const without = found(control.filter((one) => !isOf(one, "storage:StorageAccount")));
      expect(
        without.filter((text) => /^the account of the state in \w+: is missing/.test(text)),
      ).toHaveLength(2);
    });

    test("and nothing of it can be left out", () => {
      const unseen = wanted.filter((demand) => {
        const gone = about(demand).filter((one) => !demand.where || fulfils(one, demand));
        const isSeen = gone.some((one) =>
          found(control.filter((other) => other !== one)).some((text) => text.includes(demand.what)),
        );
        return !isSeen;
      });
      expect(unseen).toEqual([]);
    });

    test.each([
      ["preview-github", "resourceName", "id-forma3d-prod-deploy"],
      ["home-account-lock", "scope", "/subscriptions/x/resourceGroups/other"],
      ["copy-state", "accountName", "stforma3dprodctlneu"],
      ["copy-key", "vaultName", "kv-forma3d-prod-cneu"],
      ["copy-deploy-keyVaultCryptoUser", "scope", "/subscriptions/x"],
      ["copy-copy-storageBlobDataContributor", "principalId", "9b1c2d3e-4f5a-4b6c-8d7e-0f1a2b3c4d5e"],
    ])("nor lead elsewhere: %s in %s", (name, property, value) => {
      const led = control.map((one): ResourceView => {
        if (!one.urn.endsWith(`-control-${name}`)) return one;
        const { [property]: _, ...others } = one.propertyDependencies;
        return { ...one, props: { ...one.props, [property]: value }, propertyDependencies: others };
      });
      expect(found(led)).not.toEqual([]);
    });

    test("nor be otherwise than it says", () => {
      const unseen = wanted.flatMap((demand) =>
        Object.keys({ ...demand.is, ...demand.each }).flatMap((at) => {
          const steps = at.replace(/\?$/, "").split(/\.(?![^[]*\])/);
          const [first] = about(demand).filter(
            (one) =>
              fulfils(one, demand) &&
              judge(
                [...control.filter((other) => isOf(other, "storage:StorageAccount")), one],
                of,
                statementRule(new Map([["forma3d-control/prod", [{ ...demand, count: 1 }]]])),
              ).length === 0,
          );
          const weaker = WEAKER.map((value) => {
            const props = first && (changed(first.props, steps, value) as Tree);
            return control.map((one) => (one === first && props ? { ...one, props } : one));
          });
          // A path that is nowhere holds for what comes later.
          if (!first || weaker.every((one) => JSON.stringify(one) === JSON.stringify(control))) return [];
          return weaker.some((one) => found(one).length > 0) ? [] : [`${demand.what} ${at}`];
        }),
      );
      expect(unseen).toEqual([]);
    });
  },
);
