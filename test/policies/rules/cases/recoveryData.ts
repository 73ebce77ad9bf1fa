import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const recoveryDataCases: readonly Case[] = [
  {
    rule: "data-protected",
    options: { primary: { protect: false } },
    finds: [["primary", "", "must have the option protect"]],
  },
  {
    rule: "data-protected",
    options: { daily: { protect: false }, "vault-westeurope": { protect: false } },
    finds: [
      ["daily", "", "must have the option protect"],
      ["vault-westeurope", "", "must have the option protect"],
    ],
  },
  {
    rule: "data-locked",
    remove: ["primary-lock"],
    finds: [["primary", "", "must have a CanNotDelete lock"]],
  },
  {
    rule: "data-locked",
    change: { "account-lock": { level: "NotSpecified" } },
    finds: [["account", "", "must have a CanNotDelete lock"]],
  },
  {
    rule: "data-locked",
    options: { "vault-westeurope-lock": { sources: { scope: ["group"] } } },
    finds: [["vault-westeurope", "", "must have a CanNotDelete lock"]],
  },
  {
    rule: "dns-zone-unlocked",
    add: [
      {
        name: "zone-lock",
        type: "azure-native:authorization:ManagementLockByScope",
        props: { level: "CanNotDelete" },
        sources: { scope: ["zone"] },
      },
    ],
    finds: [["zone-lock", "scope", "must not be a private DNS zone or a group that holds one"]],
  },
  {
    rule: "dns-zone-unlocked",
    add: [
      {
        name: "zone-lock",
        type: "azure-native:authorization:ManagementLockByScope",
        props: {
          level: "ReadOnly",
          scope:
            "/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/privateDnsZones/any.example/A/db",
        },
      },
    ],
    finds: [["zone-lock", "scope", "must not be a private DNS zone or a group that holds one"]],
  },
  {
    rule: "dns-zone-unlocked",
    add: [
      {
        name: "group-lock",
        type: "azure-native:authorization:ManagementLockAtResourceGroupLevel",
        props: { level: "CanNotDelete", resourceGroupName: "rg-shop" },
        sources: { resourceGroupName: ["group"] },
      },
    ],
    finds: [["group-lock", "scope", "must not be a private DNS zone or a group that holds one"]],
  },
  {
    rule: "dns-zone-unlocked",
    add: [
      {
        name: "zone-lock",
        type: "azure-native:authorization:ManagementLockAtResourceLevel",
        props: { level: "CanNotDelete", resourceType: "privateDnsZones", resourceName: "elsewhere.example" },
      },
    ],
    finds: [["zone-lock", "scope", "must not be a private DNS zone or a group that holds one"]],
  },
  {
    rule: "backups-in-two-regions",
    change: { "account-copy": { location: "West Europe" } },
    finds: [
      ["account", "location", "must be another region than that of another storage account"],
      ["account-copy", "location", "must be another region than that of another storage account"],
    ],
  },
  {
    // A second account is not enough: it has to hold the same.
    rule: "backups-in-two-regions",
    change: { "daily-copy": { containerName: "scratch2" } },
    finds: [["daily", "", "must have one of the same name in a storage account of another region"]],
  },
  {
    rule: "storage-zone-redundant",
    change: { account: { "sku.name": "Standard_LRS" } },
    finds: [["account", "sku.name", 'must be "Standard_ZRS", but is "Standard_LRS"']],
  },
  {
    // Never failed over, so paid for nothing.
    rule: "storage-zone-redundant",
    change: { account: { "sku.name": "Standard_RAGRS" } },
    finds: [["account", "sku.name", 'must be "Standard_ZRS", but is "Standard_RAGRS"']],
  },
  {
    rule: "storage-versioning",
    change: { blobs: { isVersioningEnabled: undefined } },
    finds: [["blobs", "isVersioningEnabled", "must be true, but is absent"]],
  },
  {
    rule: "storage-soft-delete",
    change: { blobs: { "deleteRetentionPolicy.days": 7 } },
    finds: [["blobs", "deleteRetentionPolicy.days", "must be at least 30 days, but is 7"]],
  },
  {
    rule: "storage-soft-delete",
    change: { blobs: { containerDeleteRetentionPolicy: undefined } },
    finds: [
      ["blobs", "containerDeleteRetentionPolicy.enabled", "must be true, but is absent"],
      ["blobs", "containerDeleteRetentionPolicy.days", "must be at least 30 days, but is absent"],
    ],
  },
  {
    rule: "storage-soft-delete",
    change: { blobs: { "deleteRetentionPolicy.allowPermanentDelete": true } },
    finds: [
      [
        "blobs",
        "deleteRetentionPolicy.allowPermanentDelete",
        "must not be true, which deletes for good, but is true",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-keeps-promise",
    change: {
      lifecycle: {
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan": 90,
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan",
        "must be at least 1096 days, but is 90",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-keeps-promise",
    change: {
      lifecycle: {
        "policy.rules[0].definition.filters.prefixMatch": ["monthly/"],
        "policy.rules[0].definition.actions.baseBlob.delete": { daysAfterCreationGreaterThan: 364 },
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterCreationGreaterThan",
        "must be at least 365 days, but is 364",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-keeps-promise",
    change: {
      lifecycle: {
        "policy.rules[0].definition.filters": undefined,
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan": 1095,
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan",
        "must be at least 1096 days, but is 1095",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-keeps-promise",
    change: {
      lifecycle: { "policy.rules[0].definition.actions.version.delete.daysAfterCreationGreaterThan": 7 },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.version.delete.daysAfterCreationGreaterThan",
        "must be at least 30 days, but is 7",
      ],
    ],
  },
  {
    rule: "storage-immutability-period",
    change: { "daily-immutability": { immutabilityPeriodSinceCreationInDays: 29 } },
    finds: [
      ["daily-immutability", "immutabilityPeriodSinceCreationInDays", "must be at least 30 days, but is 29"],
    ],
  },
  {
    rule: "storage-immutability-period",
    change: { "daily-immutability": { allowProtectedAppendWritesAll: true } },
    finds: [["daily-immutability", "allowProtectedAppendWritesAll", "must not be true, but is true"]],
  },
  {
    rule: "storage-immutability-period",
    change: {
      daily: { containerName: "backups-hourly" },
      "daily-copy": { containerName: "backups-hourly" },
      "daily-immutability": { containerName: "backups-hourly", immutabilityPeriodSinceCreationInDays: 6 },
    },
    finds: [
      ["daily-immutability", "immutabilityPeriodSinceCreationInDays", "must be at least 7 days, but is 6"],
    ],
  },
  {
    // Called hourly as well, it still holds daily ones.
    rule: "storage-immutability-period",
    change: {
      daily: { containerName: "daily-hourly" },
      "daily-copy": { containerName: "daily-hourly" },
      "daily-immutability": { containerName: "daily-hourly", immutabilityPeriodSinceCreationInDays: 7 },
    },
    finds: [
      ["daily-immutability", "immutabilityPeriodSinceCreationInDays", "must be at least 30 days, but is 7"],
    ],
  },
  {
    rule: "storage-backups-immutable",
    remove: ["daily-immutability"],
    finds: [["daily", "", "must have an immutability policy"]],
  },
  {
    rule: "storage-lifecycle-can-act",
    change: { lifecycle: { "policy.rules[0].definition.filters.prefixMatch": ["daily/"] } },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.delete",
        "must be left out: container daily is immutable",
      ],
      [
        "lifecycle",
        "policy.rules[0].definition.actions.version.delete",
        "must be left out: container daily is immutable",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-can-act",
    change: { lifecycle: { "policy.rules[0].definition.filters.prefixMatch": undefined } },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.delete",
        "must be left out: container daily is immutable",
      ],
      [
        "lifecycle",
        "policy.rules[0].definition.actions.version.delete",
        "must be left out: container daily is immutable",
      ],
    ],
  },
  {
    rule: "storage-recovery-settings-present",
    remove: ["blobs"],
    finds: [["account", "", "must have BlobServiceProperties"]],
  },
  {
    rule: "storage-recovery-settings-present",
    remove: ["lifecycle"],
    finds: [["account", "", "must have a ManagementPolicy"]],
  },
  {
    rule: "vault-recoverable",
    change: { "vault-westeurope": { "properties.enablePurgeProtection": undefined } },
    finds: [["vault-westeurope", "properties.enablePurgeProtection", "must be true, but is absent"]],
  },
  {
    rule: "vault-recoverable",
    change: { "vault-westeurope": { "properties.softDeleteRetentionInDays": 7 } },
    finds: [["vault-westeurope", "properties.softDeleteRetentionInDays", "must be 90, but is 7"]],
  },
  {
    rule: "vault-in-each-region",
    remove: ["vault-northeurope", "vault-northeurope-lock", "vault-northeurope-log"],
    finds: [["replica", "", "must have a vault in its region"]],
  },
];
