import fc from "../support/property";
import {
  UNKNOWN,
  type ResourceView,
  type Rule,
  type StackView,
  type Tree,
} from "../../packages/isolation/rule";
import { rules } from "../../policies/rules";
import { UNKNOWN_AT_PREVIEW, UNKNOWN_AT_UPDATE } from "../../packages/isolation/read";
import { CASES } from "./rules/cases";
import { KUBERNETES } from "./rules/kubernetesFixture";
import { INNOCENT } from "./rules/silent";
import { judge, stackWith, type Breakage, type Case, type Seen, type Sketch } from "./rules/stack";

const byName = new Map(rules.map((rule) => [rule.name, rule]));

function ruleOf({ rule }: Case): Rule {
  const found = byName.get(rule);
  if (!found) throw new Error(`no rule is called ${rule}`);
  return found;
}

function environmentOf({ environment }: { environment?: "nonProd" }) {
  return environment ?? ("prod" as const);
}

const asTuples = (seen: readonly Seen[]) =>
  seen.map(({ resource, path, message }) => [resource, path, message]);

describe("a stack with nothing to object to", () => {
  test.each(["prod", "nonProd"] as const)("is passed by every rule in %s", (environment) => {
    const stack = stackWith(environment);
    for (const isDryRun of [true, false]) {
      expect(rules.flatMap((rule) => judge(rule, stack, environment, isDryRun))).toEqual([]);
    }
  });

  test.each(INNOCENT.map((innocent) => [innocent.because, innocent] as const))("%s", (_, innocent) => {
    const environment = environmentOf(innocent);
    const stack = stackWith(environment, innocent);
    const found = rules.flatMap((rule) =>
      judge(rule, stack, environment).map((seen) => [rule.name, seen.resource, seen.path, seen.message]),
    );
    expect(found).toEqual([]);
  });
});

describe("a broken promise is told in full and word for word", () => {
  test.each(CASES.map((one, index) => [one.rule, index, one] as const))("%s (%#)", (_, __, one) => {
    const environment = environmentOf(one);
    const stack = stackWith(environment, one);
    for (const isDryRun of [true, false]) {
      const found = judge(ruleOf(one), stack, environment, isDryRun);
      expect(asTuples(found)).toEqual(one.finds);
      expect(found.filter(({ level }) => level)).toEqual([]);
    }
  });

  test("and the same in every API version", () => {
    const versioned = ({ type }: ResourceView): string =>
      type
        .replace(/^(azure-native:[^:/]+):/, "$1/v20250801:")
        .replace(/^(kubernetes:[^:/]+)\/v\d+:/, "$1/v1beta1:");
    for (const one of CASES) {
      const environment = environmentOf(one);
      const resources = stackWith(environment, one).resources.map((resource) => {
        const type = versioned(resource);
        return { ...resource, type };
      });
      const stack = { resources, byUrn: new Map(resources.map((resource) => [resource.urn, resource])) };
      expect([one.rule, asTuples(judge(ruleOf(one), stack, environment))]).toEqual([one.rule, one.finds]);
    }
  });

  test("no message repeats what could be secret", () => {
    const told = CASES.flatMap((one) =>
      judge(ruleOf(one), stackWith(environmentOf(one), one), environmentOf(one)),
    );
    const secrets = /correct-horse|not-a-real|ghp_|PRIVATE KEY|AccountKey=/;
    expect(told.filter(({ message }) => secrets.test(message))).toEqual([]);
  });
});

/** Changes of one value each that break a rule by themselves. */
const SINGLE = CASES.flatMap((one) => {
  if (one.add ?? one.remove ?? one.options) return [];
  const environment = environmentOf(one);
  return Object.entries(one.change ?? {}).flatMap(([resource, change]) =>
    Object.entries(change)
      .filter(([, value]) => value !== undefined)
      .filter(([path, value]) => {
        const alone = stackWith(environment, { change: { [resource]: { [path]: value } } });
        return judge(ruleOf(one), alone, environment).length > 0;
      })
      .map(([path]) => ({ one, environment, resource, path })),
  );
});

/** Here it is wrong that there is a value at all, so an unknown one is as wrong. */
const WRONG_BY_PRESENCE = new Set([
  "postgres-replica-shape administratorLoginPassword",
  "postgres-network-mode network.delegatedSubnetResourceId",
  "postgres-network-mode network.privateDnsZoneArmResourceId",
  "storage-lifecycle-shape policy.rules[0].definition.actions.baseBlob.delete.daysAfterLastTierChangeGreaterThan",
  "storage-archive-redundancy policy.rules[0].definition.actions.baseBlob.tierToArchive",
  "aks-cluster-profile securityProfile.nodeRestriction",
  "aks-maintenance-window maintenanceWindow.schedule.daily",
  "prometheus-rule-group-shape rules[1].alert",
  "log-alert-shape muteActionsDuration",
  "diagnostic-setting-shape logs[0].category",
  "data-collection-association-shape dataCollectionEndpointId",
]);

/** Here an unknown value may be any, and every value that it can turn out to be is judged when it is known. */
const HARMLESS_WHILE_UNKNOWN = new Set([
  // A text without a telling name: in an update the engine sends no unknown inputs.
  'configmap-no-secret data["tls.pem"]',
  'configmap-no-secret data["app.yaml"]',
  // Objects of one program are in its namespace, whose name a first preview does not know.
  "deployment-autoscaled metadata.namespace",
  "pod-network-policy metadata.namespace",
  // The issuer of a cluster that does not exist yet.
  "federated-credential-shape issuer",
]);

describe("while a value is unknown", () => {
  const unknown = ({ resource, path, environment }: (typeof SINGLE)[number]) =>
    stackWith(environment, { change: { [resource]: { [path]: UNKNOWN } } });

  test("there are enough cases to mean something", () => expect(SINGLE.length).toBeGreaterThan(250));

  test.each(SINGLE.map((single) => [single.one.rule, single.path, single] as const))(
    "%s does not stop a preview for %s",
    (rule, path, single) => {
      const found = judge(ruleOf(single.one), unknown(single), single.environment, true);
      const blocking = found.filter(({ level }) => level !== "advisory");
      if (WRONG_BY_PRESENCE.has(`${rule} ${path}`)) expect(blocking).not.toEqual([]);
      else expect(blocking).toEqual([]);
    },
  );

  test.each(SINGLE.map((single) => [single.one.rule, single.path, single] as const))(
    "%s stops an update for %s",
    (rule, path, single) => {
      const found = judge(ruleOf(single.one), unknown(single), single.environment, false);
      const blocking = found.filter(({ level }) => level !== "advisory");
      if (HARMLESS_WHILE_UNKNOWN.has(`${rule} ${path}`)) expect(blocking).toEqual([]);
      else expect(blocking).not.toEqual([]);
    },
  );

  test("the hint says which value, and the refusal does too", () => {
    const broken: Breakage = { change: { primary: { "backup.backupRetentionDays": UNKNOWN } } };
    const rule = byName.get("postgres-backup-retention") as Rule;
    const where = { resource: "primary", path: "backup.backupRetentionDays" };
    expect(judge(rule, stackWith("prod", broken), "prod", true)).toEqual([
      { ...where, message: UNKNOWN_AT_PREVIEW, level: "advisory" },
    ]);
    expect(judge(rule, stackWith("prod", broken), "prod", false)).toEqual([
      { ...where, message: UNKNOWN_AT_UPDATE },
    ]);
  });
});

describe("the list of rules", () => {
  test("has a failing fixture for every one", () => {
    const broken = new Set(CASES.map(({ rule }) => rule));
    expect(rules.map(({ name }) => name).filter((name) => !broken.has(name))).toEqual([]);
  });

  test("has no identifier or name twice", () => {
    for (const key of ["id", "name", "title"] as const) {
      expect(new Set(rules.map((rule) => rule[key])).size).toBe(rules.length);
    }
  });

  test.each(rules.map((rule) => [rule.name, rule] as const))("describes %s completely", (_, rule) => {
    expect(rule.id).toMatch(/^(REC|WRK|SEC|COST|ARM)-\d{3}$/);
    expect(rule.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
    for (const text of [rule.description, rule.why, rule.remediation]) expect(text).toMatch(/^\S.*[.]$/);
    expect(rule.title).toMatch(/^[A-Z].*[^.]$/);
    expect(rule.url).toMatch(
      /^https:\/\/(learn\.microsoft\.com|kubernetes\.io|www\.pulumi\.com|azure\.microsoft\.com)\//,
    );
    const { risks, waf = [], mcsb = [], cis = [] } = rule.framework;
    expect([...risks, ...waf, ...mcsb, ...cis]).not.toEqual([]);
    for (const control of waf) expect(control).toMatch(/^(RE|SE|CO|OE|PE):\d\d$/);
    for (const control of mcsb) expect(control).toMatch(/^(NS|IM|PA|DP|AM|LT|PV|BR|DS)-\d+$/);
    expect(rule.level).toBe("mandatory");
  });

  test("lets configuration lower only cost, and the one promise Azure sometimes cannot keep", () => {
    const lowerable = rules.filter(({ levelCanBeLowered }) => levelCanBeLowered).map(({ name }) => name);
    const cost = rules.filter(({ appliesTo }) => appliesTo === "nonProd").map(({ name }) => name);
    expect(lowerable).toEqual(["postgres-zone-redundant-standby", ...cost]);
  });

  test("knows types in every API version", () => {
    const server = stackWith("prod", { change: { primary: { "backup.backupRetentionDays": 7 } } });
    const rule = byName.get("postgres-backup-retention") as Rule;
    for (const type of [
      "azure-native:dbforpostgresql/v20250801:Server",
      "azure-native_dbforpostgresql_v20250801:dbforpostgresql:Server",
    ]) {
      const resources = server.resources.map((one) => (one.name === "primary" ? { ...one, type } : one));
      expect(judge(rule, { resources, byUrn: new Map() }, "prod")).toHaveLength(1);
    }
  });
});

describe("a stack rule", () => {
  const rule = byName.get("deployment-replicas") as Rule;
  const empty = (resource: ResourceView): ResourceView => ({
    ...resource,
    props: {},
    inputs: resource.props,
  });
  const whole = (resources: ResourceView[]) => ({
    resources,
    byUrn: new Map(resources.map((resource) => [resource.urn, resource])),
  });

  test("judges by inputs what a preview has no outputs for", () => {
    const stack = stackWith("prod", { change: { api: { "spec.replicas": 1 } } });
    expect(judge(rule, whole(stack.resources.map(empty)), "prod", true)).toMatchObject([
      { resource: "api", message: "must be at least 3 pods, but is 1" },
    ]);
  });

  test("judges by outputs what an update has made", () => {
    const stack = stackWith("prod", { change: { api: { "spec.replicas": 1 } } });
    const asked = stackWith("prod").resources.find(({ name }) => name === "api") as ResourceView;
    const resources = stack.resources.map((one) =>
      one.name === "api" ? { ...one, inputs: asked.props } : one,
    );
    expect(judge(rule, whole(resources), "prod", false)).toHaveLength(1);
    expect(judge(rule, whole(resources.map((one) => ({ ...one }))), "prod", true)).toEqual([]);
  });
});

describe("outputs, which a preview can only guess at", () => {
  const wholeCases = CASES.filter((one) => ruleOf(one).scope === "stack");

  /** A stack as a preview shows it: everything a rule looks for and the program did not say is an output nobody knows yet. */
  function previewed(stack: StackView, rule: Rule, environment: "prod" | "nonProd"): StackView {
    const sought = new Map<string, Set<string>>();
    const resources = stack.resources.map((one) => {
      const keys = new Set<string>();
      sought.set(one.urn, keys);
      const note = (key: string | symbol): void => {
        if (typeof key === "string" && !(key in one.props)) keys.add(key);
      };
      const props = new Proxy(one.props, {
        get: (target, key) => (note(key), Reflect.get(target, key) as unknown),
        has: (target, key) => (note(key), Reflect.has(target, key)),
        getOwnPropertyDescriptor: (target, key) => (note(key), Reflect.getOwnPropertyDescriptor(target, key)),
      });
      return { ...one, props };
    });
    judge(rule, { resources, byUrn: new Map(resources.map((one) => [one.urn, one])) }, environment);
    const shown = stack.resources.map((one) => ({
      ...one,
      inputs: one.props,
      props: {
        ...one.props,
        ...Object.fromEntries([...(sought.get(one.urn) ?? [])].map((key) => [key, UNKNOWN])),
      } as Tree,
    }));
    return { resources: shown, byUrn: new Map(shown.map((one) => [one.urn, one])) };
  }

  test.each(wholeCases.map((one, index) => [one.rule, index, one] as const))(
    "%s is not silent for them (%#)",
    (_, __, one) => {
      const environment = environmentOf(one);
      const rule = ruleOf(one);
      const found = judge(rule, previewed(stackWith(environment, one), rule, environment), environment);
      expect(asTuples(found.filter(({ level }) => !level))).toEqual(one.finds);
    },
  );
});

describe("two clusters with the same objects, as in a failover", () => {
  const inCluster = (cluster: string): Sketch[] =>
    KUBERNETES.map((sketch) => ({ ...sketch, name: `${cluster}-${sketch.name}`, cluster }));
  const both: Breakage = {
    remove: KUBERNETES.map(({ name }) => name),
    add: [...inCluster("first"), ...inCluster("second")],
  };
  const found = (breakage: Breakage) => {
    const stack = stackWith("prod", breakage);
    return rules.flatMap((rule) => judge(rule, stack, "prod").map(({ resource }) => [rule.name, resource]));
  };

  test("are judged each by its own", () => expect(found(both)).toEqual([]));

  test.each([
    ["budget", "deployment-disruption-budget"],
    ["scaler", "deployment-autoscaled"],
  ])("lend each other no %s", (noun, rule) => {
    const add = both.add?.filter(({ name }) => name !== `second-${noun}`);
    expect(found({ ...both, add })).toEqual([[rule, "second-api"]]);
  });

  test("lend each other no network policy", () => {
    const add = both.add?.filter(({ name }) => name !== "second-traffic");
    const unguarded = ["second-api", "second-status", "second-backup"];
    expect(found({ ...both, add })).toEqual(
      unguarded.flatMap((name) => [1, 2].map(() => ["pod-network-policy", name])),
    );
  });
});

describe("rules withstand anything", () => {
  const value = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.constant(UNKNOWN),
      fc.boolean(),
      fc.integer(),
      fc.string(),
      fc.constantFrom("Enabled", "System", "10.0.0.0/8", "5m", "*", "/subscriptions/x/providers/a/b"),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.string({ maxLength: 8 }), tie("tree"), { maxKeys: 4 }),
    ),
  })).tree;

  test("no value makes one throw, wherever it stands", () => {
    const stack = stackWith("prod");
    fc.assert(
      fc.property(fc.nat(stack.resources.length - 1), value, fc.boolean(), (index, odd, isDryRun) => {
        const target = stack.resources[index] as ResourceView;
        const keys = Object.keys(target.props);
        const props = { ...target.props, [keys[index % Math.max(keys.length, 1)] ?? "x"]: odd } as Tree;
        const resources = stack.resources.map((one) => (one === target ? { ...one, props } : one));
        const broken = { resources, byUrn: new Map(resources.map((one) => [one.urn, one])) };
        for (const rule of rules) judge(rule, broken, "prod", isDryRun);
      }),
      { numRuns: 60 },
    );
  });

  test("dependencies in a circle and thousands of levels end", () => {
    const stack = stackWith("prod");
    const resources = stack.resources.map((one, index, all) => ({
      ...one,
      dependencies: [...one.dependencies, (all[(index + 1) % all.length] as ResourceView).urn],
    }));
    const circle = { resources, byUrn: new Map(resources.map((one) => [one.urn, one])) };
    for (const rule of rules) judge(rule, circle, "prod");
    let deep: Record<string, unknown> = { end: true };
    for (let level = 0; level < 5_000; level++) deep = { spec: deep };
    const odd = stack.resources.map((one) => ({ ...one, props: deep as Tree }));
    for (const rule of rules) judge(rule, { resources: odd, byUrn: new Map() }, "prod");
  });
});
