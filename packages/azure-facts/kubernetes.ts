/**
 * Minor versions AKS offers, oldest first, as of November 2026
 * (https://learn.microsoft.com/azure/aks/supported-kubernetes-versions). A cluster on one that has left the list keeps
 * running and can only be upgraded.
 */
export const KUBERNETES_VERSIONS = ["1.34", "1.35", "1.36", "1.37"] as const;

/** Nodes of one pool, at most (https://learn.microsoft.com/azure/aks/quotas-skus-regions). */
export const MAX_POOL_NODES = 1000;

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
