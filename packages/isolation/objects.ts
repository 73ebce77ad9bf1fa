import { placesWhere } from "./places";
import { Cursor } from "./read";
import type { ResourceView } from "./rule";

/** A Kubernetes object, wherever it was found: a resource of its own, an item of a list, a custom resource. */
export interface KubernetesObject {
  /** Without `Patch` and `List`. */
  readonly kind: string;
  /** API group without version, e.g. `apps`; empty for the core group. */
  readonly group: string;
  readonly object: Cursor;
}

/** Group of a Kubernetes `apiVersion`; empty for the core's. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "";

function describe(object: Cursor, type: string): KubernetesObject {
  const [, module = "", last = ""] = type.split(":");
  const kind = object.at("kind").text ?? last;
  const group = groupOf(object.at("apiVersion").text ?? module).replace(/^core$/, "");
  return { kind: kind.replace(/(?:Patch|List)$/, ""), group, object };
}

/** What a resource's properties were found to hold: a dozen rules ask the same. */
const known = new WeakMap<object, { type: string; objects: readonly KubernetesObject[] }>();

/** Kubernetes objects a resource declares; none for other resources. Judged by what it says, not by its type token. */
export function kubernetesObjects(resource: ResourceView): readonly KubernetesObject[] {
  const before = known.get(resource.props);
  if (before?.type === resource.type) return before.objects;
  const objects = declaredObjects(resource);
  known.set(resource.props, { type: resource.type, objects });
  return objects;
}

function declaredObjects(resource: ResourceView): KubernetesObject[] {
  const root = new Cursor(resource.props);
  const isKubernetes =
    /^kubernetes[^:]*:/.test(resource.type) || (root.at("kind").present && root.at("apiVersion").present);
  if (!isKubernetes || resource.type.startsWith("pulumi:")) return [];
  return unpacked(root, resource.type);
}

/** The objects of a list, and of the lists in it. */
function unpacked(root: Cursor, type: string): KubernetesObject[] {
  const nested = root
    .at("items")
    .items()
    .filter((item) => item.at("kind").present || /List$/.test(type));
  return nested.length > 0
    ? nested.flatMap((item) => unpacked(item, type.replace(/List$/, "")))
    : [describe(root, type)];
}

/** Name and namespace of an object, where they are known. */
export function nameOf({ object }: KubernetesObject): { name?: string; namespace: string } {
  return {
    name: object.at("metadata", "name").text,
    namespace: object.at("metadata", "namespace").text ?? "default",
  };
}

/**
 * Pod specifications an object holds, wherever: a Deployment's template, a ScaledJob's, an analysis that runs a Job.
 * What has a list of containers with an image is one; a Container of a custom resource's own schema has none.
 */
export function podSpecs({ object }: KubernetesObject): readonly Cursor[] {
  let found = specs.get(object);
  if (!found) specs.set(object, (found = podSpecsIn(object)));
  return found;
}

/** Found once for all rules that ask. */
const specs = new WeakMap<Cursor, readonly Cursor[]>();

function podSpecsIn(object: Cursor): Cursor[] {
  return placesWhere(object, (at) => "containers" in at).filter((place) => {
    const containers = place.at("containers").items();
    return (
      containers.length > 0 && containers.some((one) => one.at("image").present || one.at("name").present)
    );
  });
}

/** Labels of the pods a specification makes: those beside it, or the object's own where it is a pod. */
export function podLabels({ object }: KubernetesObject, spec: Cursor): Cursor {
  const steps = [...spec.path.slice(object.path.length).matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, plain]) => quoted ?? (index === undefined ? (plain ?? "") : Number(index)),
  );
  const beside = object.at(...steps.slice(0, -1), "metadata", "labels");
  return beside.present ? beside : object.at("metadata", "labels");
}
