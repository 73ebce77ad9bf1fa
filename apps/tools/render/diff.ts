import { styleText } from "node:util";
import { matches, parsePath, withValue } from "../../../packages/emulated-azure/model/paths";
import { Model, Tree, UnknownTypeError, Value } from "../../../packages/emulated-azure/model/types";
import { nameOf, typeOf } from "../../../packages/wire/urn";
import type { Danger, PropertyChange, ResourceChange } from "./change";
import { compareTrees } from "./compare";
import { byGravity } from "./danger";
import { carriesPods, loss, refusal, refused, STOPPED } from "./losses";
import { shortType } from "./names";
import type { PlanDocument, ResourceDocument } from "./plan";
import { indented } from "../../../packages/command/terminal";

/** Inputs of providers that decide where everything they manage lives. */
const PROVIDER_HOMES = ["subscriptionId", "tenantId", "clusterIdentifier", "context"];
const SHOWN_CHARACTERS = 70;

function holdsData(type: string, model: Model): boolean {
  return known(() => model.resource(type).holdsData, false);
}

/** An earlier plan may hold types that no table knows any more; they are compared as plain data. */
function known<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UnknownTypeError) return otherwise;
    throw error;
  }
}

function immutable(type: string, model: Model): readonly string[] {
  return type.startsWith("pulumi:providers:")
    ? PROVIDER_HOMES
    : known(() => model.resource(type).immutable, []);
}

const near = (path: string, pattern: string): boolean => matches(path, pattern) || matches(pattern, path);

const ignores = ({ options }: ResourceDocument, place: string): boolean =>
  ((options["ignoreChanges"] as string[] | undefined) ?? []).some((pattern) => near(place, pattern));

/** A resource as the engine asks the cloud for it: what it is told to ignore stays as it was. */
function asked(before: ResourceDocument, after: ResourceDocument): ResourceDocument {
  const inputs = compareTrees(before.inputs, after.inputs)
    .filter(({ place }) => ignores(after, place))
    .reduce<Tree>(
      (tree, { place, before: was }) => withValue(tree, parsePath(place), was as Value | undefined),
      after.inputs as Tree,
    );
  return { ...after, inputs: inputs as ResourceDocument["inputs"] };
}

function properties(before: ResourceDocument, after: ResourceDocument, model: Model): PropertyChange[] {
  const fixed = immutable(after.type, model);
  const inputs = compareTrees(before.inputs, after.inputs).map(({ path, place, ...values }) => {
    const isIgnored = ignores(after, place);
    const replaces = !isIgnored && fixed.some((pattern) => near(place, pattern));
    return { path, ...values, replaces, ...(isIgnored && { ignored: true as const }) };
  });
  const settings = (document: ResourceDocument): Tree => ({
    ...document.options,
    protect: document.protect,
    ...(document.parent && { parent: document.parent }),
    ...(document.provider && { provider: document.provider }),
    ...(document.outputs && { outputs: document.outputs }),
  });
  const options = compareTrees(settings(before), settings(after)).map(({ path, before: was, after: is }) => ({
    path: `(${path})`,
    before: was,
    after: is,
    replaces: false,
  }));
  return [...inputs, ...options];
}

/** What a change endangers; undefined when it is nothing. */
function danger(
  kind: ResourceChange["kind"],
  before: ResourceDocument,
  after: ResourceDocument | undefined,
  model: Model,
  others: () => readonly Tree[],
): Danger | undefined {
  const data = holdsData(before.type, model);
  if ((kind === "replaced" || kind === "removed") && (before.protect || data))
    return endOf(kind, before, data);
  if (!after) return undefined;
  // What is replaced is made anew: nothing that exists is asked to change.
  const [failure] =
    kind === "replaced"
      ? []
      : known(
          () => model.resource(after.type).refusedUpdate?.(before.inputs, after.inputs, {}, others) ?? [],
          [],
        );
  if (failure) return refused(`${failure.property} ${failure.reason}`);
  if (before.protect && !after.protect) return { gravity: "open", text: "would no longer be protected" };
  return data && isRetained(before) && !isRetained(after)
    ? { gravity: "open", text: "would no longer be retained when deleted" }
    : undefined;
}

function endOf(kind: "replaced" | "removed", before: ResourceDocument, data: boolean): Danger {
  const what = [before.protect && "protected", data && "holds data"].filter(Boolean).join(", ");
  const happens =
    kind === "replaced"
      ? "would be replaced; what to do instead: docs/changing.md"
      : `would be removed${isRetained(before) ? ", though Azure keeps it" : ""}`;
  return { gravity: data ? "data" : "anew", text: `${what}: ${happens}` };
}

const isRetained = ({ options }: ResourceDocument): boolean => options["retainOnDelete"] === true;

const told = (danger: Danger | undefined): Pick<ResourceChange, "danger" | "gravity"> => ({
  danger: danger?.text ?? "",
  ...(danger && { gravity: danger.gravity }),
});

/** What changes between two plans, by URN; aliases tell a renamed resource from a removed and an added one. */
export function diffPlans(before: PlanDocument, after: PlanDocument, model: Model): ResourceChange[] {
  const old = new Map(before.resources.map((resource) => [resource.urn, resource]));
  const changes: ResourceChange[] = [];
  // What is taken away in the same update is still there when the others are changed.
  const others =
    ({ urn, type }: ResourceDocument) =>
    (): Tree[] =>
      before.resources
        .filter((other) => other.type === type && other.urn !== urn)
        .map(({ inputs }) => inputs);
  for (const resource of after.resources) {
    const aliases = (resource.options["aliases"] as string[] | undefined) ?? [];
    const former = old.has(resource.urn) ? undefined : aliases.find((alias) => old.has(alias));
    const earlier = old.get(former ?? resource.urn);
    old.delete(former ?? resource.urn);
    if (!earlier) {
      changes.push({ kind: "added", urn: resource.urn, type: resource.type, properties: [], danger: "" });
      continue;
    }
    const changed = properties(earlier, resource, model);
    if (changed.length === 0 && former === undefined) continue;
    const all = former === undefined && changed.every(({ ignored }) => ignored);
    const kind = all ? "ignored" : changed.some((change) => change.replaces) ? "replaced" : "changed";
    const wanted = asked(earlier, resource);
    const toData = danger(kind, earlier, wanted, model, others(earlier));
    const stops = toData === undefined && kind === "replaced" && carriesPods(earlier);
    const ofUpdate =
      kind === "replaced" ? undefined : (loss(resource.urn, changed) ?? refusal(wanted, earlier, changed));
    changes.push({
      kind,
      urn: resource.urn,
      type: resource.type,
      ...(former && { formerUrn: former }),
      properties: changed,
      ...told(toData ?? (stops ? STOPPED : ofUpdate)),
      ...(stops && { stops }),
    });
  }
  for (const [urn, resource] of old) {
    changes.push({
      kind: "removed",
      urn,
      type: resource.type,
      properties: [],
      ...told(danger("removed", resource, undefined, model, others(resource))),
    });
  }
  return changes.sort((a, b) => (a.urn < b.urn ? -1 : 1));
}

const MARKS = { added: "+", removed: "-", changed: "~", replaced: "±", ignored: "=" } as const;
const COLOURS = {
  added: "green",
  removed: "yellow",
  changed: "blue",
  replaced: "magenta",
  ignored: "dim",
} as const;
const KINDS = ["added", "changed", "replaced", "removed"] as const;

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 3)}...` : text;
}

function propertyText({ path, before, after, replaces, ignored }: PropertyChange): string {
  const change =
    before === undefined
      ? `added ${show(after)}`
      : after === undefined
        ? `removed ${show(before)}`
        : `${show(before)} → ${show(after)}`;
  const note = replaces
    ? styleText("magenta", "  (replaces)")
    : ignored
      ? ", ignored: Azure owns it, what exists keeps its value"
      : "";
  return `${path}: ${change}${note}`;
}

/** How many changes of each kind there are. */
export function countChanges(changes: readonly ResourceChange[]): string {
  const of = (kind: ResourceChange["kind"]): number =>
    changes.filter((change) => change.kind === kind).length;
  return [
    ...KINDS.map((kind) => `${of(kind)} ${kind}`),
    ...(of("ignored") > 0 ? [`${of("ignored")} ignored`] : []),
  ].join(", ");
}

/**
 * The changes as text: a line for each resource, and one below it for each property, those that must not happen first
 * and in red.
 * @param columns width at which lines are broken between words; absent for a text that programs read.
 */
export function renderDiff(changes: readonly ResourceChange[], columns = Infinity): string {
  if (changes.length === 0) return "no change";
  const worst = [...changes].sort(byGravity);
  const lines = worst.flatMap((change) => {
    const { kind, urn, formerUrn } = change;
    const colour = change.danger ? "red" : COLOURS[kind];
    const renamed = formerUrn ? ` (was ${nameOf(formerUrn)})` : "";
    const title = `${MARKS[kind]} ${kind} ${shortType(typeOf(urn))} ${nameOf(urn)}${renamed}`;
    return [
      ...indented(change.danger ? `${title}  ← ${change.danger}` : title, columns, "", "    ").map((line) =>
        styleText(colour, line),
      ),
      ...change.properties.flatMap((property) => indented(propertyText(property), columns, "    ", "  ")),
    ];
  });
  return [countChanges(changes), ...lines].join("\n");
}
