import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const armStorageCases: readonly Case[] = [
  {
    rule: "storage-lifecycle-shape",
    change: { lifecycle: { managementPolicyName: "backups" } },
    finds: [["lifecycle", "managementPolicyName", 'must be "default", but is "backups"']],
  },
  {
    rule: "storage-lifecycle-shape",
    change: {
      lifecycle: {
        "policy.rules[0].definition.actions.version.delete": { daysAfterModificationGreaterThan: 30 },
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.version.delete.daysAfterCreationGreaterThan",
        "must be at least 0 days, counted from creation, but is absent",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-shape",
    change: {
      lifecycle: {
        "policy.rules[0].definition.actions.baseBlob.tierToCold.daysAfterModificationGreaterThan": 30,
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.tierToCold.daysAfterModificationGreaterThan",
        "must be more than 30 days, the age of tierToCool, but is 30 for tierToCold",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-shape",
    change: { lifecycle: { "policy.rules[0].definition.actions.baseBlob.delete": {} } },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.delete",
        "must have exactly one of daysAfterModificationGreaterThan, daysAfterCreationGreaterThan, daysAfterLastAccessTimeGreaterThan, but has 0",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-shape",
    change: {
      lifecycle: {
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterLastTierChangeGreaterThan": 7,
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterLastTierChangeGreaterThan",
        "must be left out of every action but tierToArchive",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-shape",
    change: {
      lifecycle: {
        "policy.rules[0].definition.filters.prefixMatch": ["/scratch"],
        "policy.rules[0].name": undefined,
        "policy.rules[0].type": "Expire",
      },
    },
    finds: [
      ["lifecycle", "policy.rules[0].name", "must be set, but is absent"],
      ["lifecycle", "policy.rules[0].type", 'must be "Lifecycle", but is "Expire"'],
      [
        "lifecycle",
        "policy.rules[0].definition.filters.prefixMatch[0]",
        'must start with the container\'s name, but is "/scratch"',
      ],
    ],
  },
  {
    rule: "storage-lifecycle-shape",
    change: {
      lifecycle: {
        "policy.rules[0].definition.filters.prefixMatch": [
          "c0/",
          "c1/",
          "c2/",
          "c3/",
          "c4/",
          "c5/",
          "c6/",
          "c7/",
          "c8/",
          "c9/",
          "c10/",
        ],
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.filters.prefixMatch",
        "must have at most 10 prefixes, but is a list of 11",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-shape",
    change: { lifecycle: { "policy.rules[0].definition.filters.blobTypes": ["appendBlob"] } },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.tierToCool",
        "must be left out for append blobs, which have no tiers",
      ],
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.tierToCold",
        "must be left out for append blobs, which have no tiers",
      ],
    ],
  },
  {
    rule: "storage-lifecycle-shape",
    change: { lifecycle: { "policy.rules": [] } },
    finds: [["lifecycle", "policy.rules", "must have 1 to 100 rules, but is an empty list"]],
  },
  {
    rule: "storage-archive-redundancy",
    change: {
      account: { "sku.name": "Standard_RAGZRS" },
      lifecycle: {
        "policy.rules[0].definition.actions.baseBlob.tierToArchive": {
          daysAfterModificationGreaterThan: 200,
        },
      },
    },
    finds: [
      [
        "lifecycle",
        "policy.rules[0].definition.actions.baseBlob.tierToArchive",
        "must be left out: the account's Standard_RAGZRS has no archive tier",
      ],
    ],
  },
  {
    rule: "storage-blob-service-shape",
    change: { blobs: { blobServicesName: "main", "deleteRetentionPolicy.days": 400 } },
    finds: [
      ["blobs", "blobServicesName", 'must be "default", but is "main"'],
      ["blobs", "deleteRetentionPolicy.days", "must be 1 to 365 days, but is 400"],
    ],
  },
  {
    rule: "storage-blob-service-shape",
    change: {
      blobs: {
        "restorePolicy.days": 30,
        "changeFeed.enabled": false,
        isVersioningEnabled: false,
        "deleteRetentionPolicy.allowPermanentDelete": true,
      },
    },
    finds: [
      ["blobs", "isVersioningEnabled", "must be true for restorePolicy, but is false"],
      ["blobs", "changeFeed.enabled", "must be true for restorePolicy, but is false"],
      [
        "blobs",
        "deleteRetentionPolicy.allowPermanentDelete",
        "must not be true with restorePolicy, but is true",
      ],
      ["blobs", "restorePolicy.days", "must be at least 1, and less than deleteRetentionPolicy.days"],
    ],
  },
  {
    rule: "storage-immutability-shape",
    change: { "daily-immutability": { immutabilityPeriodSinceCreationInDays: 0 } },
    finds: [
      ["daily-immutability", "immutabilityPeriodSinceCreationInDays", "must be 1 to 146000 days, but is 0"],
    ],
  },
  {
    rule: "storage-immutability-shape",
    change: {
      "daily-immutability": { allowProtectedAppendWrites: true, allowProtectedAppendWritesAll: true },
    },
    finds: [
      [
        "daily-immutability",
        "allowProtectedAppendWritesAll",
        "must not be true beside allowProtectedAppendWrites, but is true",
      ],
    ],
  },
  {
    rule: "storage-account-shape",
    change: { account: { accessTier: "Archive", isSftpEnabled: true } },
    finds: [
      ["account", "accessTier", 'must be "Hot" or "Cool" or "Cold" or "Premium", but is "Archive"'],
      ["account", "isHnsEnabled", "must be true for isSftpEnabled, but is absent"],
    ],
  },
  {
    rule: "storage-account-shape",
    change: { account: { isHnsEnabled: true, immutableStorageWithVersioning: { enabled: true } } },
    finds: [["account", "isHnsEnabled", "must not be true with immutableStorageWithVersioning, but is true"]],
  },
  {
    rule: "backup-instance-shape",
    change: {
      "backup-instance": {
        "properties.dataSourceInfo.datasourceType": "Microsoft.DBforPostgreSQL/flexibleServers/databases",
        "properties.dataSourceInfo.resourceID": undefined,
      },
    },
    finds: [
      [
        "backup-instance",
        "properties.dataSourceInfo.datasourceType",
        'must be "Microsoft.DBforPostgreSQL/flexibleServers", but is "Microsoft.DBforPostgreSQL/flexibleServers/databases"',
      ],
      ["backup-instance", "properties.dataSourceInfo.resourceID", "must be set, but is absent"],
    ],
  },
  {
    rule: "backup-instance-shape",
    change: { "backup-instance": { "properties.dataSourceSetInfo": undefined } },
    finds: [
      [
        "backup-instance",
        "properties.dataSourceSetInfo.datasourceType",
        'must be "Microsoft.DBforPostgreSQL/flexibleServers", but is absent',
      ],
      ["backup-instance", "properties.dataSourceSetInfo.resourceID", "must be set, but is absent"],
    ],
  },
  {
    rule: "backup-policy-shape",
    change: {
      "backup-policy": {
        "properties.datasourceTypes": ["Microsoft.DBforPostgreSQL/flexibleServers/databases"],
        "properties.policyRules[0].trigger.schedule.repeatingTimeIntervals": [
          "R/2026-01-04T02:00:00+00:00/P1D",
        ],
      },
    },
    finds: [
      [
        "backup-policy",
        "properties.datasourceTypes[0]",
        'must be "Microsoft.DBforPostgreSQL/flexibleServers", but is "Microsoft.DBforPostgreSQL/flexibleServers/databases"',
      ],
      [
        "backup-policy",
        "properties.policyRules[0].trigger.schedule.repeatingTimeIntervals[0]",
        'must repeat weekly (…/P1W), but is "R/2026-01-04T02:00:00+00:00/P1D"',
      ],
    ],
  },
];
