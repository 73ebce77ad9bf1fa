/** Kinds of replication of a general-purpose account that offer the cool and cold tiers. */
export const STORAGE_SKUS = [
  "Standard_LRS",
  "Standard_ZRS",
  "Standard_GRS",
  "Standard_RAGRS",
  "Standard_RAGZRS",
] as const;

/** Those that keep every copy in one region. */
export const ONE_REGION_SKUS = ["Standard_ZRS", "Standard_LRS"] as const;

/** Tiers below hot, warmest first. */
export const ACCESS_TIERS = ["Cool", "Cold", "Archive"] as const;

/**
 * Days a tier is billed for at least, however soon a blob leaves it
 * (https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview).
 */
export const LEAST_BILLED_DAYS = { Cool: 30, Cold: 90, Archive: 180 } as const;

/** Hours until a blob of the archive tier can be read, standard priority (https://learn.microsoft.com/azure/storage/blobs/archive-rehydrate-overview). */
export const ARCHIVE_READ_HOURS = 15;

/**
 * Service endpoint by which a storage account of any region knows a subnet. Its firewall sees no public address of what comes from its
 * own region, and of a paired region none from a subnet with an endpoint: only a rule for the subnet lets those in
 * (https://learn.microsoft.com/azure/storage/common/storage-network-security-limitations#restrictions-for-ip-network-rules).
 */
export const STORAGE_SERVICE_ENDPOINT = "Microsoft.Storage.Global";
