import { styleText } from "node:util";
import type { Model } from "../../../packages/emulated-azure/model/types";
import type { PlannedResource } from "../../../packages/offline-engine/resource";
import { wrapWords } from "../../../packages/command/terminal";
import { displayName, factsOf, isStack, regionOf, shortType, skuOf } from "./names";

/** Like resources that say no more than their name are listed together from this number on. */
const GROUP_FROM = 4;

/** Types of which there are many in a component, and whose names say nothing a reader of the tree looks for. */
const FOLDED = new Set([
  "azure-native:authorization:RoleAssignment",
  "azure-native:dbforpostgresql:Configuration",
  "azure-native:keyvault:Secret",
  "azure-native:managedidentity:FederatedIdentityCredential",
]);

interface Node {
  readonly label: string;
  readonly children: readonly Node[];
}

function label(resource: PlannedResource, model: Model): string {
  const facts = factsOf(resource);
  const type = resource.custom
    ? styleText("cyan", shortType(resource.type))
    : styleText("bold", resource.type);
  const detail = facts.length > 0 ? styleText("dim", `  ${facts.join(" · ")}`) : "";
  return `${type} ${displayName(resource, model)}${detail}`;
}

function isPlain(resource: PlannedResource, children: readonly PlannedResource[]): boolean {
  return (
    children.length === 0 &&
    resource.custom &&
    regionOf(resource.inputs) === undefined &&
    skuOf(resource.inputs) === undefined
  );
}

/** Names of a group; logical ones when those in the cloud are the same for several. */
function distinctNames(group: readonly PlannedResource[], model: Model): string[] {
  const names = group.map((one) => displayName(one, model));
  return new Set(names).size === names.length ? names : group.map((one) => one.name);
}

function wrap(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (line !== "" && line.length + word.length + 2 > width) {
      lines.push(`${line},`);
      line = word;
    } else line = line === "" ? word : `${line}, ${word}`;
  }
  return [...lines, line];
}

function build(
  parent: PlannedResource,
  childrenOf: ReadonlyMap<string, readonly PlannedResource[]>,
  model: Model,
  depth: number,
  columns: number,
): Node {
  const children = childrenOf.get(parent.urn) ?? [];
  const plain = children.filter((child) => isPlain(child, childrenOf.get(child.urn) ?? []));
  const grouped = new Map<string, PlannedResource[]>();
  for (const child of plain) grouped.set(child.type, [...(grouped.get(child.type) ?? []), child]);
  const nodes: Node[] = [];
  for (const child of children) {
    const group = plain.includes(child) ? (grouped.get(child.type) ?? []) : [];
    if (group.length < GROUP_FROM) nodes.push(build(child, childrenOf, model, depth + 1, columns));
    else if (group[0] === child) {
      const room = columns - 3 * (depth + 2);
      const names = FOLDED.has(child.type) ? [] : wrap(distinctNames(group, model), room);
      nodes.push({
        label: `${styleText("cyan", shortType(child.type))} ×${group.length}`,
        children: names.map((line) => ({ label: line, children: [] })),
      });
    }
  }
  return { label: label(parent, model), children: nodes };
}

function print(node: Node, lines: string[], indent: string, columns: number): void {
  node.children.forEach((child, i) => {
    const last = i === node.children.length - 1;
    const below = indent + (last ? "   " : "│  ");
    const [first = "", ...rest] = wrapWords(child.label, columns - below.length);
    const inside = child.children.length > 0 ? "│  " : "   ";
    lines.push(
      `${indent}${last ? "└─ " : "├─ "}${first}`,
      ...rest.map((line) => `${below}${inside}${line.trimStart()}`),
    );
    print(child, lines, below, columns);
  });
}

/** The plan as a tree: components, the resources in them, and for each its name, region and size. */
export function renderTree(resources: readonly PlannedResource[], model: Model, columns: number): string {
  const ordered = [...resources].sort((a, b) =>
    a.type === b.type ? compare(a.name, b.name) : compare(a.type, b.type),
  );
  const childrenOf = new Map<string, PlannedResource[]>();
  for (const resource of ordered) {
    childrenOf.set(resource.parent, [...(childrenOf.get(resource.parent) ?? []), resource]);
  }
  const lines: string[] = [];
  for (const root of childrenOf.get("") ?? []) {
    const node = build(root, childrenOf, model, 0, columns);
    lines.push(isStack(root) ? styleText("bold", root.name) : node.label);
    print(node, lines, "", columns);
  }
  return lines.join("\n");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How many resources of each type there are, most first. */
export function renderCounts(resources: readonly PlannedResource[]): string {
  const counts = new Map<string, number>();
  for (const { type } of resources) counts.set(type, (counts.get(type) ?? 0) + 1);
  const rows = [...counts].sort(([a, n], [b, m]) => m - n || compare(a, b));
  const width = Math.max(...rows.map(([, count]) => String(count).length));
  return rows.map(([type, count]) => `  ${String(count).padStart(width)}  ${type}`).join("\n");
}
