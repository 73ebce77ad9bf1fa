import type { networking } from "@pulumi/kubernetes/types/input";
import { selectorOf } from "./labels";

/** The other end of allowed traffic. Hosts cannot be named: Kubernetes policies know addresses and pods only. */
export type Peer =
  | { cidr: string; except?: readonly string[] }
  | { workload: string }
  | { namespace: string; labels?: Record<string, string> };

/** Traffic one workload may have, with a name that says what for. */
export interface NamedTraffic {
  name: string;
  peers: readonly Peer[];
  ports: readonly number[];
  /** Default TCP. */
  protocols?: readonly ("TCP" | "UDP")[];
}

/** Addresses that are not the public internet: private networks, link-local (instance metadata), Azure's platform. */
const NOT_PUBLIC = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "168.63.129.16/32",
] as const;

/** Name resolution by the cluster's own DNS service. */
export const DNS: NamedTraffic = {
  name: "dns",
  peers: [{ namespace: "kube-system", labels: { "k8s-app": "kube-dns" } }],
  ports: [53],
  protocols: ["UDP", "TCP"],
};

/** Metrics fetched by the agents of managed Prometheus, from this port. */
export function scraping(port: number): NamedTraffic {
  return {
    name: "metrics",
    peers: [{ namespace: "kube-system", labels: { rsName: "ama-metrics" } }],
    ports: [port],
  };
}

/**
 * Where Microsoft Entra issues tokens (Microsoft 365 endpoint set 56,
 * https://learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges). Microsoft announces changes
 * 30 days ahead; a missing range shows as sign-ins that time out.
 */
export const ENTRA: NamedTraffic = {
  name: "entra",
  peers: ["20.20.32.0/19", "20.190.128.0/18", "20.231.128.0/19", "40.126.0.0/18"].map((cidr) => ({ cidr })),
  ports: [443],
};

/** Any host of the public internet, on these ports. Never a private network, this platform's or another's. */
export function publicInternet(name: string, ...ports: number[]): NamedTraffic {
  return { name, peers: [{ cidr: "0.0.0.0/0", except: NOT_PUBLIC }], ports };
}

/** A block of addresses, on these ports. */
export function addresses(name: string, cidr: string, ...ports: number[]): NamedTraffic {
  return { name, peers: [{ cidr }], ports };
}

/** Pods of other workloads of the same namespace, on these ports. */
export function workloads(name: string, names: readonly string[], ...ports: number[]): NamedTraffic {
  return { name, peers: names.map((workload) => ({ workload })), ports };
}

function peer(end: Peer): networking.v1.NetworkPolicyPeer {
  if ("cidr" in end) return { ipBlock: { cidr: end.cidr, ...(end.except && { except: [...end.except] }) } };
  if ("workload" in end) return { podSelector: { matchLabels: selectorOf(end.workload) } };
  return {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": end.namespace } },
    ...(end.labels && { podSelector: { matchLabels: end.labels } }),
  };
}

function ports({ ports: numbers, protocols = ["TCP"] }: NamedTraffic): networking.v1.NetworkPolicyPort[] {
  return protocols.flatMap((protocol) => numbers.map((port) => ({ protocol, port })));
}

/** Spec of a policy that allows one workload the listed traffic and nothing else. */
export function trafficPolicy(
  workload: string,
  traffic: { ingress: readonly NamedTraffic[]; egress: readonly NamedTraffic[] },
): networking.v1.NetworkPolicySpec {
  return {
    podSelector: { matchLabels: selectorOf(workload) },
    policyTypes: ["Ingress", "Egress"],
    // The server stores an empty list as none, and every apply of one would count as a change.
    ...(traffic.ingress.length > 0 && {
      ingress: traffic.ingress.map((entry) => ({ from: entry.peers.map(peer), ports: ports(entry) })),
    }),
    ...(traffic.egress.length > 0 && {
      egress: traffic.egress.map((entry) => ({ to: entry.peers.map(peer), ports: ports(entry) })),
    }),
  };
}

/** The names of the allowed traffic, for a policy's annotations: Kubernetes' own rules carry none. */
export function trafficNames(traffic: {
  ingress: readonly NamedTraffic[];
  egress: readonly NamedTraffic[];
}): Record<string, string> {
  const list = (entries: readonly NamedTraffic[]) => entries.map(({ name }) => name).join(", ") || "none";
  return { "forma3d.com/ingress": list(traffic.ingress), "forma3d.com/egress": list(traffic.egress) };
}
