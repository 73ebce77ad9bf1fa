import { cursor, linked, ofType } from "../../packages/isolation/graph";
import { azure, FEDERATED_CREDENTIAL, ROLE_ASSIGNMENT } from "../../packages/isolation/kinds";
import { fault, type Cursor, type Outcome } from "../../packages/isolation/read";
import {
  UNKNOWN,
  type ResourceRule,
  type ResourceView,
  type Rule,
  type StackView,
  type Tree,
  type Value,
} from "../../packages/isolation/rule";
import { about, resourceRule, stackRule, type Verdict } from "./define";

/** What production's plan has of one type. */
export interface TypeShape {
  /** Deepest paths any of them has: `spec.rules[].host`; `*` stands for any key of a map of texts. */
  readonly properties: readonly string[];
  /** Types a property comes from wherever it is given, by property. */
  readonly from: Readonly<Record<string, readonly string[]>>;
  /** Whether each of them has the option `protect`. */
  readonly protect: boolean;
  /** Whether any of them goes before it is replaced. */
  readonly deleteBeforeReplace: boolean;
  /** Paths any of them ignores. */
  readonly ignoreChanges: readonly string[];
  /** Outputs each of them keeps secret. */
  readonly additionalSecretOutputs: readonly string[];
}

/** What one production stack consists of, whatever it is called and however often it has a thing. */
export interface Shape {
  readonly types: Readonly<Record<string, TypeShape>>;
  /** Who may what on what, and who is taken for whom: see {@link rightsOf}. */
  readonly rights: readonly string[];
}

/** Shapes by `project/stack`. */
export type Shapes = ReadonlyMap<string, Shape>;

/** Maps whose keys are texts for people or selectors, or names of files. */
const FREE_MAPS = /(?:^|\.)(?:tags|labels|matchLabels|data|binaryData|notifications|userAssignedIdentities)$/;

/** Components, the stack and what the engine adds: nothing of theirs is sent to a cloud. */
const SENT = /^(?:azure-native|kubernetes|random|pulumi:providers:)/;

/** Every path of a tree that something stands at, those that lead there among them. Left out: what is null. */
function* pathsOf(value: Value | undefined, path = ""): Generator<string> {
  if (value === null || value === undefined) return;
  if (path !== "") yield path;
  if (value === UNKNOWN || typeof value !== "object") return;
  if (Array.isArray(value)) {
    for (const inner of value as readonly Value[]) yield* pathsOf(inner, `${path}[]`);
    return;
  }
  const isFree = FREE_MAPS.test(path);
  for (const [key, inner] of Object.entries(value as Tree)) {
    const step = isFree ? "*" : /[.[\]]/.test(key) ? `["${key}"]` : key;
    yield* pathsOf(inner, path === "" ? step : step.startsWith("[") ? `${path}${step}` : `${path}.${step}`);
  }
}

const STEPS = /(?:\.|^)[^.[\]]+|\["[^"]+"\]|\[\]/g;

/** A path and all that lead to it. */
function leadingTo(path: string): string[] {
  let sofar = "";
  return [...path.matchAll(STEPS)].map(([step]) => (sofar += step));
}

/** Those paths of which none leads to another. */
export function deepest(paths: readonly string[]): string[] {
  const inner = new Set(paths.flatMap((path) => leadingTo(path).slice(0, -1)));
  return [...new Set(paths)].filter((path) => !inner.has(path)).sort();
}

/** A resource's name without its environment and its place, which are other words elsewhere. */
const stemOf = ({ name }: ResourceView, { resources: [root] }: StackView): string => {
  const [, , stack = "", , project = ""] = (root?.urn ?? "").split(":");
  const product = project.split("-")[0] ?? project;
  return name.replace(`${product}-${stack}-`, "").replace(/^(?:primary|secondary)(?=-)/, "*");
};

const ANY = /./;
const comesFrom = (stack: StackView, resource: ResourceView, property: string): string => {
  const stems = linked(stack, resource, property, ANY).map((one) => stemOf(one, stack));
  return [...new Set(stems)].sort().join(" ") || "listed";
};

/** The end of a text that is the same in every environment: a role's GUID, a service account or deployment environment. */
const endOf = (value: Value | undefined, separator: string, parts: number): string =>
  typeof value === "string" ? value.split(separator).slice(-parts).join(separator) : "";

const texts = (value: Value | undefined): string[] =>
  Array.isArray(value) ? (value as readonly Value[]).filter((one) => typeof one === "string") : [];

/** Every right a stack gives and every identity it trusts somebody with, in one line each, and what gives it. */
export function rightsOf(stack: StackView): { right: string; resource: ResourceView }[] {
  const line = (type: RegExp, tell: (resource: ResourceView) => string) =>
    ofType(stack, type).map((resource) => ({ right: tell(resource), resource }));
  const rbac = (resource: ResourceView): string => {
    const object = cursor(resource);
    const called = (place: Cursor): string =>
      [place.at("kind").text, place.at("name").text].filter(Boolean).join(" ");
    const whom = object.at("subjects").items().map(called).sort().join(", ");
    return `${whom} has ${called(object.at("roleRef"))}`;
  };
  return [
    ...line(ROLE_ASSIGNMENT, (one) => {
      const given = linked(stack, one, "roleDefinitionId", azure("authorization", "RoleDefinition"));
      const role =
        given.length > 0
          ? comesFrom(stack, one, "roleDefinitionId")
          : endOf(one.props.roleDefinitionId, "/", 1);
      return `${comesFrom(stack, one, "principalId")} has ${role} on ${comesFrom(stack, one, "scope")}`;
    }),
    ...line(azure("authorization", "RoleDefinition"), (one) => {
      const [permission] = Array.isArray(one.props.permissions) ? (one.props.permissions as Tree[]) : [];
      const all = [...texts(permission?.actions), ...texts(permission?.dataActions)].sort();
      const count = Array.isArray(one.props.permissions) ? one.props.permissions.length : 0;
      return `${stemOf(one, stack)} is ${count} of ${all.join(", ")}`;
    }),
    ...line(
      FEDERATED_CREDENTIAL,
      (one) => `${comesFrom(stack, one, "resourceName")} is ${endOf(one.props.subject, ":", 2)}`,
    ),
    ...line(/^kubernetes:rbac\.authorization\.k8s\.io\/[^:]+:(?:Cluster)?RoleBinding$/, rbac),
  ];
}

const isSent = ({ type }: ResourceView): boolean => SENT.test(type);

/** What a plan consists of. */
export function shapeOf(stack: StackView): Shape {
  const types: Record<string, TypeShape> = {};
  for (const type of [...new Set(stack.resources.filter(isSent).map((one) => one.type))].sort()) {
    const all = stack.resources.filter((one) => one.type === type);
    const both = (lists: readonly (readonly string[])[]): string[] =>
      (lists[0] ?? []).filter((one) => lists.every((list) => list.includes(one))).sort();
    const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())].sort();
    types[type] = {
      properties: deepest(all.flatMap(({ props }) => [...pathsOf(props)])),
      from: Object.fromEntries(
        !type.startsWith("azure-native")
          ? []
          : union(all.map(({ props }) => Object.keys(props))).flatMap((property) => {
              const given = all.filter(
                ({ props }) => props[property] !== undefined && props[property] !== null,
              );
              const sources = given.map((one) =>
                linked(stack, one, property, ANY).map((other) => other.type),
              );
              return sources.every((list) => list.length > 0) ? [[property, union(sources)]] : [];
            }),
      ),
      protect: all.every(({ opts }) => opts.protect),
      deleteBeforeReplace: all.some(({ opts }) => opts.deleteBeforeReplace === true),
      ignoreChanges: union(all.map(({ opts }) => opts.ignoreChanges)),
      additionalSecretOutputs: both(all.map(({ opts }) => opts.additionalSecretOutputs)),
    };
  }
  return { types, rights: [...new Set(rightsOf(stack).map(({ right }) => right))].sort() };
}

const LIST = "policies/shape.json";
const FRAMEWORK = { waf: ["OE:05", "SE:05"], mcsb: ["PV-1", "PV-2"], risks: ["R07", "R09"] } as const;
const PAGE =
  "https://learn.microsoft.com/azure/well-architected/operational-excellence/infrastructure-as-code-design";
const REMEDIATION =
  "Take it out; or, where it is meant, run npm run plan:update, which takes it into policies/shape.json, whose owners review the change.";

const placeOf = (urn: string): string => {
  const [, , stack = "", , project = ""] = urn.split(":");
  return `${project}/${stack}`;
};

/** What is wrong with the options of a resource. */
function options({ opts, urn }: ResourceView, inputs: Cursor, shape: TypeShape): Outcome[] {
  const lacking = shape.additionalSecretOutputs.filter((one) => !opts.additionalSecretOutputs.includes(one));
  const ignored = opts.ignoreChanges.filter((one) => !shape.ignoreChanges.includes(one));
  const strange = opts.aliases.filter((one) => one.startsWith("urn:") && placeOf(one) !== placeOf(urn));
  return [
    ...(shape.protect && !opts.protect ? fault(inputs, "must have the option protect") : []),
    ...(opts.deleteBeforeReplace === true && !shape.deleteBeforeReplace
      ? fault(
          inputs,
          "must not have the option deleteBeforeReplace, which takes it away before there is another",
        )
      : []),
    ...ignored.map((path) => ({
      path,
      message: `must not be ignored: ${LIST} has no such path in ignoreChanges`,
    })),
    ...lacking.map((path) => ({ path, message: "must be in additionalSecretOutputs" })),
    ...(strange.length > 0 ? fault(inputs, "must not have an alias in another stack") : []),
  ];
}

/** What a person gives one update by a variable, as docs/changing.md says of a region that was lost. */
const OF_ONE_UPDATE: Readonly<Record<string, readonly string[]>> = {
  "pulumi:providers:kubernetes": ["enablePatchForce"],
};

/** Whether a path is one of some, or lies below one. */
const isWithin = (path: string, others: readonly string[]): boolean =>
  others.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));

/**
 * The first path of each branch that is on no list. A property whose parts no plan knew is in the list as a whole, and an update knows
 * its parts; what is ignored is what a refresh found, and nothing of it is sent.
 */
function unheardOf(
  { type, props, opts }: ResourceView,
  { properties }: TypeShape,
  known: ReadonlySet<string>,
): string[] {
  const whole = properties.filter((one) => !/[.[]/.test(one));
  const open = [...whole, ...opts.ignoreChanges, ...(OF_ONE_UPDATE[type] ?? [])];
  if (open.includes("*")) return [];
  const strange: string[] = [];
  for (const path of new Set(pathsOf(props))) {
    if (isWithin(path, open)) continue;
    if (!known.has(path) && !isWithin(path, strange)) strange.push(path);
  }
  return strange;
}

function madeOf(shapes: Shapes): ResourceRule {
  const known = new WeakMap<TypeShape, ReadonlySet<string>>();
  const propertiesOf = (shape: TypeShape): ReadonlySet<string> => {
    const set = known.get(shape) ?? new Set(shape.properties.flatMap(leadingTo));
    known.set(shape, set);
    return set;
  };
  return resourceRule(
    {
      id: "REC-054",
      name: "production-made-of",
      title: "Production is made of what its reviewed plan is made of",
      description:
        "Every resource of a production stack is of a type, and has properties and options, that its reviewed plan has: policies/shape.json lists them, as npm run plan:update derives them from plans with every role a region can have and every key that adds something.",
      why: "A property nobody has looked at (a stopped cluster, a proxy, a spot pool, a rule's exception) weakens what the statement says without touching any value it names.",
      severity: "high",
      framework: FRAMEWORK,
      remediation: REMEDIATION,
      url: PAGE,
      appliesTo: "prod",
      types: [SENT],
    },
    (inputs, resource, { project, stack }) => {
      const shape = shapes.get(`${project}/${stack}`);
      if (!shape) return [];
      const own = shape.types[resource.type];
      if (!own) return fault(inputs, `is of a type that production's plan has not (${LIST})`);
      return [
        ...unheardOf(resource, own, propertiesOf(own)).map((path) => ({
          path,
          message: `is a property that production's plan has not (${LIST})`,
        })),
        ...options(resource, inputs, own),
      ];
    },
  );
}

/** Whether an id names what its value is said to come from, as far as the names of that are known. */
function names(text: Value | undefined, targets: readonly ResourceView[]): boolean {
  if (typeof text !== "string" || !text.includes("/providers/")) return true;
  const words = new Set(text.toLowerCase().split("/"));
  const known = targets.map((one) =>
    Object.entries(one.inputs ?? one.props).flatMap(([key, value]) =>
      /[nN]ame$/.test(key) && typeof value === "string" ? [value.toLowerCase()] : [],
    ),
  );
  return known.some((own) => own.length === 0 || own.some((name) => words.has(name)));
}

function misled(stack: StackView, resource: ResourceView, { from }: TypeShape): Outcome[] {
  const asked = resource.inputs ?? resource.props;
  return Object.entries(from).flatMap(([property, types]): Outcome[] => {
    const value = asked[property];
    if (value === undefined || value === null) return [];
    const targets = linked(stack, resource, property, ANY).filter(({ type }) => types.includes(type));
    return targets.length > 0 && names(value, targets)
      ? []
      : [
          {
            path: property,
            message: `must come from a resource of the stack: ${types.join(" or ")} (${LIST})`,
          },
        ];
  });
}

function wired(shapes: Shapes): Rule {
  return stackRule(
    {
      id: "REC-055",
      name: "production-wired-as",
      title: "In production, rights and references lead where its reviewed plan leads them",
      description:
        "Who may what on what, what roles of its own consist of, and which service account or deployment is taken for which identity, are lines of policies/shape.json; and what comes from a resource in the reviewed plan (the scope of a lock, the resource and workspace of a log, the server of a setting) comes from one of the same type.",
      why: "A lock on something else, a log that goes elsewhere and an identity with one right more look like what they replaced.",
      severity: "critical",
      framework: { ...FRAMEWORK, mcsb: ["PA-7", "PV-2"] },
      remediation: REMEDIATION,
      url: PAGE,
      appliesTo: "prod",
    },
    (stack, context) => {
      const shape = shapes.get(`${context.project}/${context.stack}`);
      if (!shape) return [];
      const rights = new Set(shape.rights);
      return [
        ...rightsOf(stack)
          .filter(({ right }) => !rights.has(right))
          .map(({ right, resource }): Verdict =>
            about(resource, `gives what production's plan does not (${LIST}): ${right}`),
          ),
        ...stack.resources.flatMap((resource): Verdict[] => {
          const own = shape.types[resource.type];
          const outcomes = own ? misled(stack, resource, own) : [];
          return outcomes.length > 0 ? [{ resource, outcomes }] : [];
        }),
      ];
    },
  );
}

/** Production is made of what its reviewed plan is made of, and put together as that is. */
export function shapeRules(shapes: Shapes): readonly Rule[] {
  return [madeOf(shapes), wired(shapes)];
}
