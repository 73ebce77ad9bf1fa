import type { Model } from "../../../packages/emulated-azure/model/types";
import { stringAt } from "../../../packages/emulated-azure/model/paths";
import type { PlannedResource } from "../../../packages/offline-engine/resource";
import { STACK_TYPE } from "../../../packages/wire/urn";
import { Tree } from "../../../packages/emulated-azure/model/types";

/** `dbforpostgresql:Server` of `azure-native:dbforpostgresql:Server`; the group of a Kubernetes kind is dropped. */
export function shortType(type: string): string {
  const [pkg = "", module = "", kind = ""] = type.split(":");
  if (pkg === "azure-native") return `${module}:${kind}`;
  if (type.startsWith("pulumi:providers:")) return `provider:${kind}`;
  return kind;
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The name a resource has where it lives, or its logical name while that is not known or is only a number. */
export function displayName(resource: PlannedResource, model: Model): string {
  if (!resource.custom || resource.type.startsWith("pulumi:")) return resource.name;
  const property = nameProperty(resource.type, model);
  const name = property && stringAt(resource.inputs, property);
  const namespace = stringAt(resource.inputs, "metadata.namespace");
  if (!name || GUID.test(name)) return resource.name;
  return namespace ? `${namespace}/${name}` : name;
}

function nameProperty(type: string, model: Model): string | undefined {
  try {
    return model.resource(type).name?.property;
  } catch {
    return undefined;
  }
}

/** Azure region; undefined for what has none. */
export function regionOf(inputs: Tree): string | undefined {
  return stringAt(inputs, "location");
}

/** Size or tier, however the type spells it, with the number of copies. */
export function skuOf(inputs: Tree): string | undefined {
  const sku =
    stringAt(inputs, "sku.name") ?? stringAt(inputs, "vmSize") ?? stringAt(inputs, "properties.sku.name");
  const replicas = inputs["spec"] && (inputs["spec"] as Tree)["replicas"];
  const copies = typeof replicas === "number" ? `×${replicas}` : undefined;
  return sku ?? copies;
}

/** What a reader wants to know of a resource beside its name: region, size, and how the program holds it. */
export function factsOf(resource: PlannedResource): string[] {
  return [
    regionOf(resource.inputs),
    skuOf(resource.inputs),
    resource.protect && "protected",
    resource.options.retainOnDelete && "retained",
    resource.external && "read",
  ].filter((fact): fact is string => typeof fact === "string" && fact !== "");
}

export function isStack(resource: { readonly type: string }): boolean {
  return resource.type === STACK_TYPE;
}
