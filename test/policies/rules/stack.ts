import {
  type Context,
  type ResourceView,
  type Rule,
  type StackView,
  type Tree,
} from "../../../packages/isolation/rule";
import { AZURE } from "./azureFixture";
import { KUBERNETES } from "./kubernetesFixture";
import { PLATFORM } from "./platformFixture";

/** A resource of a fixture: inputs, and by name the resources it depends on. */
export interface Sketch {
  name: string;
  type: string;
  props: Record<string, unknown>;
  protect?: boolean;
  ignoreChanges?: string[];
  /** Resources each property's value came from. */
  sources?: Record<string, string[]>;
  waitsFor?: string[];
  /** Cluster the object is deployed to, where there are several. */
  cluster?: string;
}

/** Changes of one resource: a path such as `sku.name` or `rules[0]["a.b"]` and its new value; undefined removes it. */
export type Change = Record<string, unknown>;

/** What makes a good stack bad. */
export interface Breakage {
  change?: Record<string, Change>;
  add?: Sketch[];
  remove?: string[];
  /** Options and dependencies of resources, replaced as given. */
  options?: Record<string, Partial<Pick<Sketch, "protect" | "ignoreChanges" | "sources" | "waitsFor">>>;
}

/** A rule, what breaks its promise, and everything it must say then: resource, path and message. */
export interface Case extends Breakage {
  rule: string;
  /** Production unless stated. */
  environment?: "nonProd";
  finds: [resource: string, path: string, message: string][];
}

/** Changes that turn the production fixture into one outside production. */
const SMALL: Breakage = {
  remove: ["replica", "replica-lock", "replica-log", "alert-lag"],
  options: {
    endpoint: { sources: { serverName: ["primary"] }, waitsFor: ["parameter-pgbouncer.default_pool_size"] },
  },
  change: {
    primary: {
      "sku.name": "Standard_D2ds_v5",
      "highAvailability.mode": "SameZone",
      "backup.geoRedundantBackup": "Disabled",
    },
    account: { "sku.name": "Standard_LRS" },
    cluster: { "agentPoolProfiles[0].count": 1 },
    "user-pool": { minCount: 1, maxCount: 3 },
    endpoint: { members: ["psql-shop-weu"] },
  },
};

type Environment = Context["environment"];

const URN = (type: string, name: string) => `urn:pulumi:test::shop::${type}::${name}`;

function parse(path: string): (string | number)[] {
  return [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, plain]) => quoted ?? (index === undefined ? (plain ?? "") : Number(index)),
  );
}

function put(
  target: Record<string | number, unknown>,
  [head = "", ...rest]: (string | number)[],
  value: unknown,
): void {
  if (rest.length === 0) {
    if (value === undefined) delete target[head];
    else target[head] = value;
    return;
  }
  target[head] ??= typeof rest[0] === "number" ? [] : {};
  put(target[head] as Record<string | number, unknown>, rest, value);
}

/** A deep copy; unknown values are symbols, which structuredClone refuses. */
function copy<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)])) as T;
}

function broken(sketches: readonly Sketch[], breakage: Breakage): Sketch[] {
  const kept = sketches.filter(({ name }) => !breakage.remove?.includes(name)).map(copy);
  const all = [...kept, ...(breakage.add ?? []).map(copy)].map((sketch) => ({
    ...sketch,
    ...breakage.options?.[sketch.name],
  }));
  for (const [name, change] of Object.entries(breakage.change ?? {})) {
    const target = all.find((sketch) => sketch.name === name);
    if (!target) throw new Error(`the fixture has no resource called ${name}`);
    for (const [path, value] of Object.entries(change)) put(target.props, parse(path), copy(value));
  }
  return all;
}

function providerOf(name: string): NonNullable<ResourceView["provider"]> {
  const type = "pulumi:providers:kubernetes";
  return { urn: URN(type, name), type, name, props: {} };
}

function viewOf(sketch: Sketch, urnOf: (name: string) => string): ResourceView {
  return {
    urn: URN(sketch.type, sketch.name),
    type: sketch.type,
    name: sketch.name,
    props: sketch.props as Tree,
    unknownPaths: [],
    opts: {
      protect: sketch.protect ?? false,
      ignoreChanges: sketch.ignoreChanges ?? [],
      aliases: [],
      additionalSecretOutputs: [],
    },
    ...(sketch.cluster !== undefined && { provider: providerOf(sketch.cluster) }),
    dependencies: (sketch.waitsFor ?? []).map(urnOf),
    propertyDependencies: Object.fromEntries(
      Object.entries(sketch.sources ?? {}).map(([key, names]) => [key, names.map(urnOf)]),
    ),
  };
}

/** The good stack of an environment, broken as asked. */
export function stackWith(environment: Environment, breakage: Breakage = {}): StackView {
  const good = [...AZURE, ...PLATFORM, ...KUBERNETES];
  const base = environment === "prod" ? good : broken(good, SMALL);
  const sketches = broken(base, breakage);
  const types = new Map(sketches.map(({ name, type }) => [name, type]));
  const resources = sketches.map((sketch) => viewOf(sketch, (name) => URN(types.get(name) ?? "gone", name)));
  return { resources, byUrn: new Map(resources.map((resource) => [resource.urn, resource])) };
}

export interface Seen {
  resource: string;
  path: string;
  message: string;
  level?: "advisory";
}

/** What a rule says about a stack. */
export function judge(rule: Rule, stack: StackView, environment: Environment, isDryRun = true): Seen[] {
  const context: Context = {
    stack: "test",
    project: "shop",
    environment,
    isDryRun,
    inventory: { environments: [] } as unknown as Context["inventory"],
    config: {},
  };
  if (rule.appliesTo !== "any" && rule.appliesTo !== environment) return [];
  const found =
    rule.scope === "stack"
      ? rule.check(stack, context)
      : stack.resources
          .filter(({ type }) =>
            (rule.types ?? [/./]).some((wanted) =>
              typeof wanted === "string" ? wanted === type : wanted.test(type),
            ),
          )
          .flatMap((resource) =>
            rule.check(resource, context).map((violation) => ({ urn: resource.urn, ...violation })),
          );
  return found.map(({ urn, path, message, level }) => ({
    resource: urn?.split("::").at(-1) ?? "",
    path,
    message,
    ...(level && { level }),
  }));
}
