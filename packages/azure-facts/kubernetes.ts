/**
 * Application id of AKS's API servers in Entra, the same for all clusters and tenants: tokens for a cluster are made out to it
 * (https://azure.github.io/kubelogin/concepts/aks.html).
 */
export const AKS_SERVER_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630";

/**
 * Minor versions AKS makes clusters of, oldest first, as of December 2026: each for a year from its general availability there
 * (https://learn.microsoft.com/azure/aks/supported-kubernetes-versions). A cluster on one that has left the list, as 1.34 did with
 * November 2026, keeps running and can only be upgraded.
 */
export const KUBERNETES_VERSIONS = ["1.35", "1.36", "1.37"] as const;

/**
 * Last day a minor version is mended (https://kubernetes.io/releases): AKS takes its patches from there, and ends its own
 * support within weeks. Absent: not announced.
 */
export const KUBERNETES_ENDS: Readonly<Partial<Record<(typeof KUBERNETES_VERSIONS)[number], string>>> = {
  "1.35": "2027-02-28",
  "1.36": "2027-06-28",
};

/** Nodes of one pool, at most (https://learn.microsoft.com/azure/aks/quotas-skus-regions). */
export const MAX_POOL_NODES = 1000;

/** Thousandths of a CPU AKS keeps on a node of so many CPUs or more, the largest first. */
const KEPT_CPU: readonly (readonly [cpus: number, milli: number])[] = [
  [64, 740],
  [32, 420],
  [16, 260],
  [8, 180],
  [4, 140],
  [2, 100],
];

const MIB = 1024;
/** MiB under which the kubelet evicts pods. */
const EVICTION_MIB = 100;

/**
 * What pods find on a node at most: its CPUs and memory less what AKS keeps for itself, as of Kubernetes 1.29
 * (https://learn.microsoft.com/azure/aks/node-resource-reservations). What runs on every node takes its part of it.
 * @param maxPods pods the node may hold.
 */
export function allocatable(
  { vCpus, memoryGiB }: { vCpus: number; memoryGiB: number },
  maxPods: number,
): { milliCpus: number; memoryMiB: number } {
  const [, kept = 0] = KEPT_CPU.find(([cpus]) => vCpus >= cpus) ?? [];
  const memory = memoryGiB * MIB;
  return {
    milliCpus: vCpus * 1000 - kept,
    memoryMiB: Math.floor(memory - Math.min(20 * maxPods + 50, memory / 4) - EVICTION_MIB),
  };
}

/** Ranges that may be let in to a public API server, at most (https://learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges). */
export const MAX_AUTHORIZED_RANGES = 200;

/** Prefix of the block of pod addresses the overlay gives every node (https://learn.microsoft.com/azure/aks/azure-cni-overlay). */
export const BLOCK_BITS_PER_NODE = 24;

/** A service block must be smaller than this prefix (https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning). */
export const LARGEST_SERVICE_PREFIX = 12;

/** Blocks AKS uses itself: neither nodes, pods nor services may have addresses there (same page). */
export const AKS_RESERVED_BLOCKS = [
  "169.254.0.0/16",
  "172.30.0.0/16",
  "172.31.0.0/16",
  "192.0.2.0/24",
] as const;
