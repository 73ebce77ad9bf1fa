import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const costCases: readonly Case[] = [
  {
    rule: "nonprod-database-size",
    environment: "nonProd",
    change: { primary: { "sku.name": "Standard_E64ds_v5", "storage.storageSizeGB": 4096 } },
    finds: [
      [
        "primary",
        "sku.name",
        'must be "Standard_B1ms" or "Standard_B2s" or "Standard_B2ms" or "Standard_D2ds_v4" or "Standard_D2ds_v5", but is "Standard_E64ds_v5"',
      ],
      ["primary", "storage.storageSizeGB", "must be at most 128 GiB, but is 4096"],
    ],
  },
  {
    rule: "nonprod-database-size",
    environment: "nonProd",
    change: { primary: { "highAvailability.mode": "ZoneRedundant", "backup.geoRedundantBackup": "Enabled" } },
    finds: [
      ["primary", "highAvailability.mode", 'must not be ZoneRedundant, but is "ZoneRedundant"'],
      ["primary", "backup.geoRedundantBackup", 'must not be Enabled, but is "Enabled"'],
    ],
  },
  {
    rule: "nonprod-single-server",
    environment: "nonProd",
    add: [
      { name: "another", type: "azure-native:dbforpostgresql:Server", props: { serverName: "psql-two" } },
    ],
    finds: [["another", "", "must not be a second database server"]],
  },
  {
    rule: "nonprod-node-size",
    environment: "nonProd",
    change: { "user-pool": { vmSize: "Standard_D64ds_v5", maxCount: 50 } },
    finds: [
      [
        "user-pool",
        "vmSize",
        'must be "Standard_B2ms" or "Standard_B4ms" or "Standard_D2ds_v5" or "Standard_D2s_v5" or "Standard_D4ds_v5", but is "Standard_D64ds_v5"',
      ],
      ["user-pool", "maxCount", "must be at most 3 nodes, but is 50"],
    ],
  },
  {
    rule: "nonprod-node-size",
    environment: "nonProd",
    change: { cluster: { "sku.tier": "Premium", "agentPoolProfiles[0].count": 5 } },
    finds: [
      ["cluster", "agentPoolProfiles[0].count", "must be at most 3 nodes, but is 5"],
      ["cluster", "sku.tier", 'must not be Premium, but is "Premium"'],
    ],
  },
  {
    rule: "nonprod-storage-redundancy",
    environment: "nonProd",
    change: { account: { "sku.name": "Standard_RAGRS" } },
    finds: [["account", "sku.name", 'must be "Standard_LRS" or "Standard_ZRS", but is "Standard_RAGRS"']],
  },
  {
    rule: "nonprod-pod-count",
    environment: "nonProd",
    change: { scaler: { "spec.maxReplicas": 40 } },
    finds: [["scaler", "spec.maxReplicas", "must be at most 6 pods, but is 40"]],
  },
  {
    rule: "nonprod-log-retention",
    environment: "nonProd",
    change: { workspace: { retentionInDays: 90 } },
    finds: [["workspace", "retentionInDays", "must be at most 31 days, but is 90"]],
  },
];
