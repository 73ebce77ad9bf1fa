import { azureName } from "./kinds";
import { Cursor } from "./read";
import { UNKNOWN, type ResourceView, type StackView, type Value } from "./rule";

/** Resources by type pattern and by name in Azure, kept for as long as the stack is looked at. */
interface Index {
  readonly byType: Map<string, readonly ResourceView[]>;
  byName?: ReadonlyMap<string, readonly ResourceView[]>;
}

const indexes = new WeakMap<StackView, Index>();

function indexOf(stack: StackView): Index {
  const index = indexes.get(stack) ?? { byType: new Map() };
  indexes.set(stack, index);
  return index;
}

/** Resources of some types, in the order they were registered. */
export function ofType(stack: StackView, ...types: RegExp[]): readonly ResourceView[] {
  const { byType } = indexOf(stack);
  const key = types.map(({ source }) => source).join("\n");
  const known = byType.get(key);
  if (known) return known;
  const found = stack.resources.filter(({ type }) => types.some((pattern) => pattern.test(type)));
  byType.set(key, found);
  return found;
}

function named(stack: StackView, name: string): readonly ResourceView[] {
  const index = indexOf(stack);
  if (!index.byName) {
    const byName = new Map<string, ResourceView[]>();
    for (const resource of stack.resources) {
      const azure = azureName(resource);
      if (azure === undefined) continue;
      const others = byName.get(azure);
      if (others) others.push(resource);
      else byName.set(azure, [resource]);
    }
    index.byName = byName;
  }
  return index.byName.get(name) ?? [];
}

export function cursor(resource: ResourceView): Cursor {
  return new Cursor(resource.props);
}

/** Texts in a value: itself, or those of a list or of the ids in a list or map. */
function texts(value: Value | undefined): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return (value as readonly Value[]).flatMap(texts);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** Whether a text names a resource: its short name, or an ARM id that ends with it or goes on below it. */
function names(text: string, target: ResourceView): boolean {
  const name = azureName(target);
  if (name === undefined) return false;
  const lower = text.toLowerCase();
  if (lower === name) return true;
  return lower.includes("/providers/") && lower.split("/").includes(name);
}

/**
 * Whether a top-level property of one resource leads to another: because its value came from it, or, where the
 * value is a plain text, because it names it.
 */
export function leadsTo(resource: ResourceView, property: string, target: ResourceView): boolean {
  if (resource.propertyDependencies[property]?.includes(target.urn)) return true;
  return texts(resource.props[property]).some((text) => names(text, target));
}

/** Resources of some types a property leads to: those its value came from, or else those it names. */
export function linked(
  stack: StackView,
  resource: ResourceView,
  property: string,
  ...types: RegExp[]
): ResourceView[] {
  const fits = ({ type }: ResourceView) => types.some((pattern) => pattern.test(type));
  const sources = (resource.propertyDependencies[property] ?? [])
    .flatMap((urn) => stack.byUrn.get(urn) ?? [])
    .filter(fits);
  if (sources.length > 0) return sources;
  const words = texts(resource.props[property])
    .map((text) => text.toLowerCase())
    .flatMap((text) => (text.includes("/providers/") ? text.split("/") : [text]));
  return [...new Set(words.flatMap((word) => named(stack, word)))].filter(fits);
}

/** Whether one resource waits for another, directly or through others. */
export function waitsFor(stack: StackView, from: ResourceView, target: ResourceView): boolean {
  const seen = new Set<string>([from.urn]);
  const queue: ResourceView[] = [from];
  for (let next = queue.pop(); next; next = queue.pop()) {
    for (const urn of next.dependencies) {
      if (urn === target.urn) return true;
      const dependency = stack.byUrn.get(urn);
      if (!dependency || seen.has(urn)) continue;
      seen.add(urn);
      queue.push(dependency);
    }
  }
  return false;
}

/** Whether a server was made from another: it then has no standby and no backups of its own. */
export function isReplica(server: ResourceView): boolean {
  const { createMode, sourceServerResourceId, replicationRole } = server.props;
  return (
    createMode === "Replica" ||
    (typeof replicationRole === "string" && /AsyncReplica$/i.test(replicationRole)) ||
    (sourceServerResourceId !== undefined &&
      sourceServerResourceId !== null &&
      sourceServerResourceId !== "") ||
    "sourceServerResourceId" in server.propertyDependencies
  );
}

/**
 * Whether labels satisfy a Kubernetes label selector. An unknown or empty part of the selector selects nothing
 * here, except that an empty selector of a NetworkPolicy (`{}`) selects every pod.
 */
export function selects(selector: Cursor, labels: Cursor, emptySelectsAll = false): boolean {
  const exact = selector.at("matchLabels").entries();
  const expressions = selector.at("matchExpressions").items();
  if (exact.length === 0 && expressions.length === 0) {
    return emptySelectsAll && typeof selector.value === "object" && selector.value !== null;
  }
  return (
    exact.every(([key, wanted]) => wanted.value !== UNKNOWN && labels.at(key).value === wanted.value) &&
    expressions.every((expression) => matches(expression, labels))
  );
}

function matches(expression: Cursor, labels: Cursor): boolean {
  const label = labels.at(expression.at("key").text ?? "");
  const values = expression.at("values").texts();
  switch (expression.at("operator").text) {
    case "In":
      return label.text !== undefined && values.includes(label.text);
    case "NotIn":
      return label.text === undefined || !values.includes(label.text);
    case "Exists":
      return label.present;
    case "DoesNotExist":
      return !label.present;
    default:
      return false;
  }
}

/** Whether two objects are in one namespace; an unknown namespace may be any. */
export function sameNamespace(a: Cursor, b: Cursor): boolean {
  const [left, right] = [a, b].map((object) => object.at("metadata", "namespace"));
  if (left?.unknown || right?.unknown) return true;
  return (left?.text ?? "default") === (right?.text ?? "default");
}
