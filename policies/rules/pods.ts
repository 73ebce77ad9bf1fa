import { Cursor } from "../../packages/isolation/read";
import { kubernetes } from "../../packages/isolation/kinds";
import type { ResourceView } from "../../packages/isolation/rule";

/** Where each kind keeps the specification of its pods. */
const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  PodTemplate: ["template", "spec"],
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  ReplicationController: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

/** Kinds whose pods are meant to run until they are replaced. */
const LONG_RUNNING = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"];

export const WORKLOADS = kubernetes(...Object.keys(POD_SPECS));

/** Pods a Kubernetes object describes. */
export interface Pods {
  /** Kind of the object, e.g. `CronJob`. */
  readonly kind: string;
  readonly object: Cursor;
  readonly spec: Cursor;
  readonly labels: Cursor;
  /** Serves until it is replaced, as opposed to a job that ends. */
  readonly longRunning: boolean;
}

/** Kind of a Kubernetes object by its type token, and whether the resource is a list or a patch of them. */
export function kindOf(type: string): { kind: string; list: boolean; patch: boolean } {
  const last = type.slice(type.lastIndexOf(":") + 1);
  const kind = last.replace(/(List|Patch)$/, "");
  return { kind, list: last.endsWith("List"), patch: last.endsWith("Patch") };
}

/** Objects a resource holds: itself, or the items of a list. */
export function objects(resource: ResourceView): Cursor[] {
  const { list, patch } = kindOf(resource.type);
  const root = new Cursor(resource.props, "", patch, resource.urn);
  return list ? root.at("items").items() : [root];
}

const known = new WeakMap<ResourceView, readonly Pods[]>();

/** Pods described by a resource of a kind in {@link WORKLOADS}, its lists and patches. */
export function podsOf(resource: ResourceView): readonly Pods[] {
  const before = known.get(resource);
  if (before) return before;
  const found = describedPods(resource);
  // A list is looked at by each rule that asks: if it is unknown, that is noted for each.
  if (!kindOf(resource.type).list) known.set(resource, found);
  return found;
}

function describedPods(resource: ResourceView): Pods[] {
  const { kind } = kindOf(resource.type);
  const place = POD_SPECS[kind];
  if (!place) return [];
  return objects(resource).map((object) => {
    const spec = object.at(...place);
    const labels = object.at(...place.slice(0, -1), "metadata", "labels");
    return { kind, object, spec, labels, longRunning: LONG_RUNNING.includes(kind) };
  });
}

/** Containers that run side by side for the pod's whole life: its own, and init containers that keep running. */
export function runningContainers(spec: Cursor): Cursor[] {
  return [
    ...spec.at("containers").items(),
    ...spec
      .at("initContainers")
      .items()
      .filter((container) => container.at("restartPolicy").value === "Always"),
  ];
}

/** Every container of the pod. */
export function allContainers(spec: Cursor): Cursor[] {
  return ["containers", "initContainers", "ephemeralContainers"].flatMap((list) => spec.at(list).items());
}

/** Places in a pod that are unknown as a whole, so that nothing inside them can be judged. */
export function unknownParts(spec: Cursor): Cursor[] {
  if (spec.unknown) return [spec];
  return ["containers", "initContainers"]
    .map((list) => spec.at(list))
    .flatMap((list) => (list.unknown ? [list] : list.items().filter((item) => item.unknown)));
}

const CPU = /^(\d+(?:\.\d+)?)(m?)$/;
const BYTES = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/;
const FACTORS: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
};

/** A Kubernetes quantity as a number (cores or bytes); undefined when it is neither form. */
export function quantity(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const cpu = CPU.exec(value);
  if (cpu) return Number(cpu[1]) / (cpu[2] ? 1000 : 1);
  const bytes = BYTES.exec(value);
  return bytes ? Number(bytes[1]) * (FACTORS[bytes[2] ?? ""] ?? 1) : undefined;
}
