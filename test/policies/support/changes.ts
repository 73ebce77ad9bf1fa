import {
  type Context,
  UNKNOWN,
  type ResourceView,
  type Rule,
  type StackView,
  type Tree,
  type Value,
} from "../../../packages/isolation/rule";
import { UNKNOWN_AT_PREVIEW } from "../../../packages/isolation/read";
import { rules } from "../../../policies/rules";
import { judge, type Seen, stackWith } from "../rules/stack";

/** What is put in the place of a value; undefined leaves it out. */
type Change = readonly [how: string, value: Value | undefined];

/** Changes of one value that a rule may mind: its bounds, its spelling, its kind. */
function changesOf(value: Value): Change[] {
  const always: Change[] = [
    ["left out", undefined],
    ["unknown", UNKNOWN],
  ];
  if (typeof value === "number")
    return [
      ...always,
      ...[value - 1, value + 1, 0, String(value)].map((one): Change => [JSON.stringify(one), one]),
    ];
  if (typeof value === "boolean")
    return [...always, ...[!value, String(value)].map((one): Change => [JSON.stringify(one), one])];
  if (typeof value === "string")
    return [
      ...always,
      ["empty", ""],
      ["in capitals", value.toUpperCase()],
      ["with more behind", `${value}x`],
      ["with more before", `x${value}`],
      ["a number", 1],
    ];
  if (Array.isArray(value))
    return [
      ...always,
      ["empty", []],
      ["twice", [...(value as Value[]), ...(value as Value[])]],
      ["a text", "x"],
    ];
  return [...always, ["empty", {}], ["a text", "x"]];
}

/** Every value of a tree with its path, and the tree with another value in its place. */
export function* places(
  tree: Value,
  path = "",
): Generator<{ path: string; value: Value; put: (value: Value | undefined) => Value }> {
  if (typeof tree !== "object" || tree === null) return;
  const isList = Array.isArray(tree);
  for (const [key, value] of Object.entries(tree) as [string, Value][]) {
    const at = isList ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const put = (other: Value | undefined): Value => {
      if (isList) {
        return (tree as readonly Value[]).flatMap((one, index) =>
          index !== Number(key) ? [one] : other === undefined ? [] : [other],
        );
      }
      const { [key]: _, ...rest } = tree as Record<string, Value>;
      return other === undefined ? rest : { ...(tree as Tree), [key]: other };
    };
    yield { path: at, value, put };
    for (const inner of places(value, at)) yield { ...inner, put: (other) => put(inner.put(other)) };
  }
}

/** Options and dependencies of a resource, each taken away. */
const OPTIONS: readonly (readonly [
  how: string,
  changed: (resource: ResourceView) => Partial<ResourceView>,
])[] = [
  ["unprotected", ({ opts }) => ({ opts: { ...opts, protect: false } })],
  ["ignoring nothing", ({ opts }) => ({ opts: { ...opts, ignoreChanges: [] } })],
  ["waiting for nothing", () => ({ dependencies: [] })],
  ["written down", () => ({ propertyDependencies: {} })],
  ["of another type", ({ type }) => ({ type: `${type}Like` })],
];

/** A change of the good stack: what it is of, how it is called, and what becomes of the resource. */
interface Changed {
  readonly of: string;
  readonly id: string;
  readonly resource: ResourceView;
  readonly other: ResourceView | undefined;
}

function* changesIn(stack: StackView): Generator<Changed> {
  const seen = new Set<string>();
  for (const resource of stack.resources) {
    const short = resource.type.replace(/^(?:azure-native|kubernetes):/, "");
    for (const { path, value, put } of places(resource.props)) {
      for (const [how, other] of changesOf(value)) {
        // What is asked of the tags of one type is asked of those of all.
        const of = path.startsWith("tags") ? "tags" : short;
        const id = `${of} ${path} ${how}`;
        if (seen.has(id)) continue;
        seen.add(id);
        yield { of, id, resource, other: { ...resource, props: put(other) as Tree } };
      }
    }
    for (const [how, changed] of OPTIONS)
      yield {
        of: short,
        id: `${resource.name} ${how}`,
        resource,
        other: { ...resource, ...changed(resource) },
      };
    yield { of: short, id: `${resource.name} removed`, resource, other: undefined };
  }
}

const whole = (resources: readonly ResourceView[]): StackView => ({
  resources,
  byUrn: new Map(resources.map((one) => [one.urn, one])),
});

const line = (
  { id, resource }: Changed,
  { id: rule }: Rule,
  { resource: on, path, message, level }: Seen,
): string => {
  const place = [...(on === resource.name ? [] : [on]), ...(path === "" ? [] : [path])].join(" ");
  return `${id}: ${rule}${place && ` ${place}`}: ${message === UNKNOWN_AT_PREVIEW ? "unknown" : message}${level ? ` (${level})` : ""}`;
};

/**
 * Every single change of the good stack, by the type it is of, as what says what rules say of it in a preview: a line for
 * each finding. Outside production only the rules that are for there.
 */
export function singleChanges(environment: Context["environment"]): ReadonlyMap<string, () => string[]> {
  const stack = stackWith(environment);
  const asked = rules.filter(({ appliesTo }) => environment === "prod" || appliesTo === environment);
  const byType = new Map<string, Changed[]>();
  for (const changed of changesIn(stack))
    byType.set(changed.of, [...(byType.get(changed.of) ?? []), changed]);
  const told = (changed: Changed): string[] => {
    const { resource, other } = changed;
    const all = whole(stack.resources.flatMap((one) => (one === resource ? (other ?? []) : one)));
    const alone = whole(other ? [other] : []);
    return asked.flatMap((rule) =>
      judge(rule, rule.scope === "stack" ? all : alone, environment).map((seen) => line(changed, rule, seen)),
    );
  };
  return new Map([...byType].map(([type, changes]) => [type, () => changes.flatMap(told)]));
}
