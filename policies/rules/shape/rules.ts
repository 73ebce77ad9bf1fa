import { fault, type Cursor, type Outcome } from "../../../packages/isolation/read";
import type { ResourceRule, ResourceView, Rule, StackView, Value } from "../../../packages/isolation/rule";
import { about, resourceRule, stackRule, type Verdict } from "../define";
import { ANY_NAME, placeOf, programOf } from "./names";
import { leadingTo, pathsOf } from "./paths";
import { LIST, SENT } from "./list";
import { rightsOf } from "./rights";
import { sourcesOf } from "./sources";
import { lineOf, Stands } from "./standing";
import type { Shape, Shapes, TypeShape } from "./types";

const FRAMEWORK = { waf: ["OE:05", "SE:05"], mcsb: ["PV-1", "PV-2"], risks: ["R07", "R09"] } as const;
const PAGE =
  "https://learn.microsoft.com/azure/well-architected/operational-excellence/infrastructure-as-code-design";
const REMEDIATION =
  "Take it out; or, where it is meant, run npm run plan:update, which takes it into policies/shape.json, whose owners review the change.";

/** Whether two URNs are of one program. */
function isBeside(one: string, other: string): boolean {
  const [first, second] = [programOf(one), programOf(other)];
  return first.project === second.project && first.stack === second.stack;
}

/** What is wrong with the options of a resource. */
function options(
  resource: ResourceView,
  inputs: Cursor,
  shape: TypeShape,
  ignoredBy: ReadonlySet<string>,
): Outcome[] {
  const { opts, urn } = resource;
  const lacking = shape.additionalSecretOutputs.filter((one) => !opts.additionalSecretOutputs.includes(one));
  const ignored = opts.ignoreChanges.filter(
    (one) => !shape.ignoreChanges.includes(one) && !ignoredBy.has(`${lineOf(resource)} ${one}`),
  );
  const strange = opts.aliases.filter((one) => one.startsWith("urn:") && !isBeside(one, urn));
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

/** What is made of something once, when it is first asked for. */
function once<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    const made = known.get(key) ?? make(key);
    known.set(key, made);
    return made;
  };
}

function madeOf(shapes: Shapes): ResourceRule {
  const propertiesOf = once((shape: TypeShape) => new Set(shape.properties.flatMap(leadingTo)));
  const ignoredBy = once(({ standing }: Shape) => new Set(standing.ignoreChanges));
  return resourceRule(
    {
      id: "REC-054",
      name: "production-made-of",
      title: "Production is made of what its reviewed plan is made of",
      description:
        "Every resource of a production stack is of a type, has a name, and has properties and options, that its reviewed plan has: policies/shape.json lists them, as npm run plan:update derives them from plans with every role a region can have and every key that adds something.",
      why: "A property nobody has looked at (a stopped cluster, a proxy, a spot pool, a rule's exception), or a thing beside what is there (a second policy, a copy that takes its name), weakens what the statement says without touching any value it names.",
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
      const isPlanned =
        own.names.includes(ANY_NAME) || own.names.includes(placeOf(resource.name, { project, stack }));
      return [
        ...(isPlanned ? [] : fault(inputs, `is a resource that production's plan has not (${LIST})`)),
        ...unheardOf(resource, own, propertiesOf(own)).map((path) => ({
          path,
          message: `is a property that production's plan has not (${LIST})`,
        })),
        ...options(resource, inputs, own, ignoredBy(shape)),
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
    const targets = sourcesOf(stack, resource, property).filter(({ type }) => types.includes(type));
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
  const standsOf = once(({ standing }: Shape) => new Stands(standing));
  return stackRule(
    {
      id: "REC-055",
      name: "production-wired-as",
      title: "In production, what its reviewed plan has is there, and leads where it leads in that",
      description:
        "Who may what on what, what roles of its own consist of, which service account or deployment is taken for which identity, which pods may talk to whom, and which containers of which images they consist of, are lines of policies/shape.json; and what comes from a resource in the reviewed plan (the scope of a lock, the resource and workspace of a log, the server of a setting) comes from one of the same type, and from the same one while its regions are for what they are for now. What the plan has whichever keys the stack file has, is there.",
      why: "A lock on something else, a log that goes elsewhere, an identity with one right more and a container beside the others look like what they replaced.",
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
      const stands = standsOf(shape);
      return [
        ...stands.missing(stack),
        ...stands.misled(stack),
        ...rightsOf(stack)
          .filter(({ right }) => !rights.has(right))
          .map(({ right, resource }): Verdict =>
            about(resource, `gives or runs what production's plan does not (${LIST}): ${right}`),
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
