import { azureName } from "./kinds";
import { Cursor, isText } from "./read";
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
  return new Cursor(resource.props, "", false, resource.urn);
}

/** Texts in a value: itself, or those of a list or of the ids in a list or map. */
function texts(value: Value | undefined): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return (value as readonly Value[]).flatMap(texts);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** Names in a text: itself, or those an ARM id leads through, without the groups every resource is in. */
function words(text: string): string[] {
  const lower = text.toLowerCase();
  const provider = lower.indexOf("/providers/");
  if (provider >= 0) return lower.slice(provider).split("/");
  return [lower.slice(lower.lastIndexOf("/") + 1)];
}

/**
 * Resources of some types a top-level property leads to: those its value came from, or, where it came from none,
 * those its text names.
 */
export function linked(
  stack: StackView,
  resource: ResourceView,
  property: string,
  ...types: RegExp[]
): ResourceView[] {
  const sources = resource.propertyDependencies[property] ?? [];
  const targets =
    sources.length > 0
      ? sources.flatMap((urn) => stack.byUrn.get(urn) ?? [])
      : texts(resource.props[property])
          .flatMap(words)
          .flatMap((word) => named(stack, word));
  return [...new Set(targets)].filter(({ type }) => types.some((pattern) => pattern.test(type)));
}

/** Everything of some types that a property of these resources leads to. */
export function targetsOf(
  stack: StackView,
  resources: readonly ResourceView[],
  property: string,
  ...types: RegExp[]
): ReadonlySet<ResourceView> {
  return new Set(resources.flatMap((resource) => linked(stack, resource, property, ...types)));
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

/**
 * How many of a group stand one after another up to and including each member, along the longest line of
 * dependencies. All different exactly when the group forms one chain.
 */
export function chainDepths(stack: StackView, group: readonly ResourceView[]): Map<ResourceView, number> {
  const members = new Set(group.map(({ urn }) => urn));
  const depths = new Map<string, number>();
  const visiting = new Set<string>();
  const settleDepth = (start: string) => {
    const path = [start];
    for (let urn = path.at(-1); urn !== undefined; urn = path.at(-1)) {
      visiting.add(urn);
      const before = stack.byUrn.get(urn)?.dependencies ?? [];
      const open = before.find((dependency) => !depths.has(dependency) && !visiting.has(dependency));
      if (open !== undefined) {
        path.push(open);
        continue;
      }
      const deepest = Math.max(0, ...before.map((dependency) => depths.get(dependency) ?? 0));
      depths.set(urn, deepest + (members.has(urn) ? 1 : 0));
      path.pop();
    }
  };
  for (const { urn } of group) if (!depths.has(urn)) settleDepth(urn);
  return new Map(group.map((member) => [member, depths.get(member.urn) ?? 0]));
}

/** Whether a server was made from another: it then has no standby and no backups of its own. */
export function isReplica(server: ResourceView): boolean {
  const { createMode, sourceServerResourceId: source, replicationRole } = server.props;
  // A preview knows no output: that Azure might report a source says nothing; that the program asks for one does.
  const asked = server.inputs ?? server.props;
  const given = source === UNKNOWN ? asked.sourceServerResourceId : source;
  return (
    createMode === "Replica" ||
    (typeof replicationRole === "string" && /AsyncReplica$/i.test(replicationRole)) ||
    (given !== undefined && given !== null && given !== "") ||
    "sourceServerResourceId" in server.propertyDependencies
  );
}

/** A server made as a replica and promoted since: the program then says so, because Azure takes no other word for it. */
export function isPromoted(server: ResourceView): boolean {
  return isReplica(server) && isText("Update")(cursor(server).at("createMode").value);
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

/** Whether two objects are in one cluster: deployed with one provider. One whose provider is not told may be. */
export function sameCluster(a: ResourceView, b: ResourceView): boolean {
  return !a.provider || !b.provider || a.provider.urn === b.provider.urn;
}
