/** How resources that decide about traffic turn it away. */
export interface Refusal {
  /** Whether an object of the resource turns traffic away, so that naming somebody else keeps him out. */
  readonly refuses: (object: object) => boolean;
  /** Properties whose addresses are kept out, or left to the rules on network paths. */
  readonly exempt: ReadonlySet<string>;
}

const lower = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : "");

/** A property that refuses does so only where the type has it: elsewhere Azure drops it and the traffic passes. */
const byAccess: Refusal = {
  refuses: (object) => lower((object as { access?: unknown }).access) === "deny",
  exempt: new Set(),
};
const byAction: Refusal = {
  refuses: (object) => {
    const { action } = object as { action?: unknown };
    const verb = typeof action === "object" && action !== null ? (action as { type?: unknown }).type : action;
    return lower(verb) === "deny";
  },
  exempt: new Set(),
};
const byNextHop: Refusal = {
  refuses: (object) => lower((object as { nextHopType?: unknown }).nextHopType) === "none",
  exempt: new Set(),
};
const KUBERNETES_EXEMPT = new Set([
  "except",
  "ipBlock",
  "egressDeny",
  "ingressDeny",
  "notNets",
  "excludedCIDRs",
]);
const byException: Refusal = { refuses: () => false, exempt: KUBERNETES_EXEMPT };
const byBoth: Refusal = { refuses: byAction.refuses, exempt: KUBERNETES_EXEMPT };
/** A set of addresses lets nobody through: the rules that use it do, and ISO-024 judges it by them. */
const bySet: Refusal = { refuses: () => true, exempt: new Set() };

const AZURE: readonly (readonly [RegExp, Refusal])[] = [
  [/:IpGroup$/, bySet],
  [/:(?:NetworkSecurityGroup|SecurityRule|DefaultSecurityRule|\w*AdminRule\w*)$/, byAccess],
  [/:(?:AzureFirewall|FirewallPolicy\w*)$/, byAction],
  [/:(?:Route|RouteTable)$/, byNextHop],
];

const WITH_ACTION =
  /^(?:AdminNetworkPolicy|BaselineAdminNetworkPolicy|ClusterNetworkPolicy|AuthorizationPolicy)(?:Patch)?$/;
const WITH_EXCEPTION =
  /^(?:NetworkPolicy|CiliumNetworkPolicy|CiliumClusterwideNetworkPolicy|CiliumEgressGatewayPolicy)(?:Patch)?$/;
const SETS = /^(?:CiliumCIDRGroup|NetworkSet|GlobalNetworkSet)(?:Patch)?$/;
/** Policies of Calico say per rule what they do; those of Kubernetes have no such property. */
const CALICO = /projectcalico\.org/;
const CALICO_POLICY = /NetworkPolicy(?:Patch)?$/;

function ofKind(kind: string, group: string): Refusal | undefined {
  if (SETS.test(kind)) return bySet;
  if (WITH_ACTION.test(kind) || (CALICO.test(group) && CALICO_POLICY.test(kind))) return byBoth;
  return WITH_EXCEPTION.test(kind) ? byException : undefined;
}

/** How resources of a type refuse; undefined for types that decide nothing about traffic. */
export function refusalOf(type: string): Refusal | undefined {
  if (/^azure-native[^:]*:network[^:]*:/.test(type)) {
    return AZURE.find(([pattern]) => pattern.test(type))?.[1];
  }
  return /^kubernetes:[^:]*:/.test(type) ? ofKind(type.slice(type.lastIndexOf(":") + 1), type) : undefined;
}

/** The same for a nested Kubernetes object, e.g. an item of a List. */
export function refusalOfObject(value: object): Refusal | undefined {
  const { kind, apiVersion } = value as { kind?: unknown; apiVersion?: unknown };
  return typeof kind === "string" && typeof apiVersion === "string" ? ofKind(kind, apiVersion) : undefined;
}
