import type { PlannedResource } from "../../../packages/offline-engine/resource";
import type { Model } from "../../../packages/emulated-azure/model/types";
import { providerUrn } from "../../../packages/wire/urn";
import { displayName, isStack, regionOf, shortType, skuOf } from "./names";

/** Resource types a reader looks for in a picture of the platform; everything else is part of what contains it. */
const LANDMARKS = new Set([
  "azure-native:cdn:Profile",
  "azure-native:containerservice:ManagedCluster",
  "azure-native:dashboard:Grafana",
  "azure-native:dbforpostgresql:Server",
  "azure-native:dbforpostgresql:VirtualEndpoint",
  "azure-native:frontdoor:Policy",
  "azure-native:keyvault:Vault",
  "azure-native:monitor:ActionGroup",
  "azure-native:monitor:AzureMonitorWorkspace",
  "azure-native:network:VirtualNetwork",
  "azure-native:operationalinsights:Workspace",
  "azure-native:storage:BlobContainer",
  "azure-native:storage:StorageAccount",
  "kubernetes:apps/v1:Deployment",
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:batch/v1:CronJob",
]);
const GLOBAL = "global";

interface Box {
  readonly id: string;
  readonly title: string;
  readonly region: string;
  readonly landmarks: readonly string[];
}

/** The component directly below the stack that a resource belongs to; undefined for the stack and for providers. */
function boxOf(
  resource: PlannedResource,
  byUrn: ReadonlyMap<string, PlannedResource>,
): PlannedResource | undefined {
  let here: PlannedResource | undefined = resource;
  while (here) {
    const parent = byUrn.get(here.parent);
    if (!parent) return undefined;
    if (isStack(parent)) return here.custom ? undefined : here;
    here = parent;
  }
  return undefined;
}

/** Region of a resource; what runs in a cluster is where the cluster is that its provider waits for. */
function placeOf(resource: PlannedResource, byUrn: ReadonlyMap<string, PlannedResource>): string | undefined {
  const own = regionOf(resource.inputs)?.toLowerCase();
  if (own !== undefined) return own === GLOBAL ? undefined : own;
  if (!resource.type.startsWith("kubernetes:")) return undefined;
  const provider = byUrn.get(providerUrn(resource.provider));
  const near = new Set((provider?.dependencies ?? []).map((urn) => byUrn.get(urn)?.parent));
  const cluster = [...byUrn.values()].find(
    ({ type, parent }) => type === "azure-native:containerservice:ManagedCluster" && near.has(parent),
  );
  return cluster && regionOf(cluster.inputs);
}

/** The one region everything in a box is in; boxes that span regions, or know none, are global. */
function commonRegion(
  members: readonly PlannedResource[],
  byUrn: ReadonlyMap<string, PlannedResource>,
): string {
  const regions = new Set(members.map((member) => placeOf(member, byUrn)).filter((r) => r !== undefined));
  const [only] = regions;
  return regions.size === 1 && only !== undefined ? only : GLOBAL;
}

function describe(members: readonly PlannedResource[], region: string, model: Model): string[] {
  const lines = members
    .filter((member) => LANDMARKS.has(member.type))
    .map((member) => {
      const own = regionOf(member.inputs)?.toLowerCase();
      const place = own !== undefined && own !== region && own !== GLOBAL ? own : undefined;
      const facts = [skuOf(member.inputs), place].filter(Boolean).join(", ");
      const name = `${shortType(member.type).replace(/^.*:/, "")} ${displayName(member, model)}`;
      return facts ? `${name} (${facts})` : name;
    });
  return [...new Set(lines)].sort();
}

/** Edges that no longer way round already implies. */
function reduce(edges: ReadonlyMap<string, ReadonlySet<string>>): [string, string][] {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(edges.get(from) ?? [])].some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, to, seen);
    });
  return [...edges].flatMap(([from, targets]) =>
    [...targets]
      .filter((to) => ![...targets].some((other) => other !== to && reaches(other, to)))
      .map((to): [string, string] => [from, to]),
  );
}

function quote(text: string): string {
  return text.replaceAll('"', "#quot;");
}

/**
 * The platform as a Mermaid flowchart: a box for each component with what it is known by, boxes of one region
 * together, and an arrow from what depends to what it depends on.
 */
export function renderMermaid(resources: readonly PlannedResource[], model: Model): string {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const members = new Map<string, PlannedResource[]>();
  const home = new Map<string, string>();
  for (const resource of resources) {
    const box = boxOf(resource, byUrn);
    if (!box) continue;
    home.set(resource.urn, box.urn);
    members.set(box.urn, [...(members.get(box.urn) ?? []), resource]);
  }
  const boxes = new Map<string, Box>();
  for (const urn of [...members.keys()].sort()) {
    const all = members.get(urn) ?? [];
    const region = commonRegion(all, byUrn);
    const landmarks = describe(all, region, model);
    if (landmarks.length === 0) continue;
    const title = byUrn.get(urn)?.name ?? "";
    boxes.set(urn, { id: `b${boxes.size}`, title, region, landmarks });
  }
  const edges = new Map<string, Set<string>>();
  for (const resource of resources) {
    const from = home.get(resource.urn);
    if (!from || !boxes.has(from)) continue;
    for (const dependency of resource.dependencies) {
      const to = home.get(dependency);
      if (to && to !== from && boxes.has(to)) edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  const regions = [...new Set([...boxes.values()].map((box) => box.region))].sort();
  const lines = ["flowchart LR"];
  regions.forEach((region, i) => {
    lines.push(`  subgraph r${i}["${region}"]`);
    for (const box of boxes.values()) {
      if (box.region !== region) continue;
      const text = [`<b>${box.title}</b>`, ...box.landmarks].map(quote).join("<br/>");
      lines.push(`    ${box.id}["${text}"]`);
    }
    lines.push("  end");
  });
  const idOf = (urn: string): string => boxes.get(urn)?.id ?? "";
  const arrows = reduce(edges).map(([from, to]) => `  ${idOf(from)} --> ${idOf(to)}`);
  return `${[...lines, ...arrows.sort()].join("\n")}\n`;
}
