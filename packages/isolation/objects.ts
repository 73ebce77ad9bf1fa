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

const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "";

function describe(object: Cursor, type: string): KubernetesObject {
  const [, module = "", last = ""] = type.split(":");
  const kind = object.at("kind").text ?? last;
  const group = groupOf(object.at("apiVersion").text ?? module).replace(/^core$/, "");
  return { kind: kind.replace(/(?:Patch|List)$/, ""), group, object };
}

/** Kubernetes objects a resource declares; none for other resources. Judged by what it says, not by its type token. */
export function kubernetesObjects(resource: ResourceView): KubernetesObject[] {
  const root = new Cursor(resource.props);
  const isKubernetes =
    /^kubernetes[^:]*:/.test(resource.type) || (root.at("kind").present && root.at("apiVersion").present);
  if (!isKubernetes || resource.type.startsWith("pulumi:")) return [];
  const items = root.at("items").items();
  const nested = items.filter((item) => item.at("kind").present || /List$/.test(resource.type));
  return nested.length > 0
    ? nested.map((item) => describe(item, resource.type.replace(/List$/, "")))
    : [describe(root, resource.type)];
}

/** Name and namespace of an object, where they are known. */
export function nameOf({ object }: KubernetesObject): { name?: string; namespace: string } {
  return {
    name: object.at("metadata", "name").text,
    namespace: object.at("metadata", "namespace").text ?? "default",
  };
}

const POD_SPEC_PATHS: readonly (readonly string[])[] = [
  ["spec", "template", "spec"],
  ["spec", "jobTemplate", "spec", "template", "spec"],
  ["template", "spec"],
  ["spec"],
];

/** Pod specifications an object holds, whatever its kind. */
export function podSpecs({ object }: KubernetesObject): Cursor[] {
  return POD_SPEC_PATHS.map((path) => object.at(...path)).filter((spec) => spec.at("containers").present);
}
