/** Kubernetes objects that decide about traffic. */
const NETWORK_KINDS =
  /^(?:NetworkPolicy|CiliumNetworkPolicy|CiliumClusterwideNetworkPolicy|GlobalNetworkPolicy|AdminNetworkPolicy|BaselineAdminNetworkPolicy|AuthorizationPolicy)(?:Patch)?$/;

/** Resources that decide about traffic, by type token. */
const NETWORK_TYPES =
  /^azure-native[^:]*:network[^:]*:|^azure-native[^:]*:storage[^:]*:StorageAccount$|^kubernetes:[^:]*:(?:NetworkPolicy|Cilium(?:Clusterwide)?NetworkPolicy|GlobalNetworkPolicy|AdminNetworkPolicy|BaselineAdminNetworkPolicy|AuthorizationPolicy)(?:Patch)?$/;

/** Whether resources of this type decide about traffic. */
export const isNetworkType = (type: string): boolean => NETWORK_TYPES.test(type);

const text = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : "");

/** Whether a nested object is a Kubernetes network object, e.g. an item of a List. */
export function judgesAddressesElsewhere(value: object): boolean {
  const { kind, apiVersion } = value as { kind?: unknown; apiVersion?: unknown };
  return typeof kind === "string" && typeof apiVersion === "string" && NETWORK_KINDS.test(kind);
}

/**
 * Whether an object of a network resource turns traffic away, so that naming an address keeps it out.
 * Anything but a plain refusal counts as letting through.
 */
export function refusesTraffic(value: object): boolean {
  const { access, action, nextHopType } = value as {
    access?: unknown;
    action?: unknown;
    nextHopType?: unknown;
  };
  const verb = typeof action === "object" && action !== null ? (action as { type?: unknown }).type : action;
  return text(access) === "deny" || text(verb) === "deny" || text(nextHopType) === "none";
}
