import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const armDatabaseCases: readonly Case[] = [
  {
    rule: "postgres-replica-shape",
    change: { replica: { "highAvailability.mode": "ZoneRedundant" } },
    finds: [["replica", "highAvailability.mode", 'must be "Disabled", but is "ZoneRedundant"']],
  },
  {
    rule: "postgres-replica-shape",
    change: { replica: { "backup.geoRedundantBackup": "Enabled", "sku.tier": "Burstable" } },
    finds: [
      ["replica", "backup.geoRedundantBackup", 'must be "Disabled", but is "Enabled"'],
      ["replica", "sku.tier", 'must be "GeneralPurpose" or "MemoryOptimized", but is "Burstable"'],
    ],
  },
  {
    rule: "postgres-replica-shape",
    change: {
      replica: {
        administratorLogin: "admin2",
        administratorLoginPassword: "not-a-real-password",
        pointInTimeUTC: "2026-01-01T00:00:00Z",
      },
    },
    finds: [
      [
        "replica",
        "pointInTimeUTC",
        'must be left out of a replica, which follows its source, but is "2026-01-01T00:00:00Z"',
      ],
      ["replica", "administratorLogin", 'must be left out of a replica, which inherits it, but is "admin2"'],
      [
        "replica",
        "administratorLoginPassword",
        "must be left out of a replica, which inherits the administrator",
      ],
    ],
  },
  {
    rule: "postgres-replica-shape",
    change: { primary: { createMode: "Replica" } },
    finds: [
      ["primary", "highAvailability.mode", 'must be "Disabled", but is "ZoneRedundant"'],
      ["primary", "backup.geoRedundantBackup", 'must be "Disabled", but is "Enabled"'],
      [
        "primary",
        "administratorLogin",
        'must be left out of a replica, which inherits it, but is "shop_admin"',
      ],
      [
        "primary",
        "administratorLoginPassword",
        "must be left out of a replica, which inherits the administrator",
      ],
    ],
  },
  {
    rule: "postgres-backup-window",
    change: { primary: { "backup.backupRetentionDays": 36 } },
    finds: [["primary", "backup.backupRetentionDays", "must be a whole number from 7 to 35, but is 36"]],
  },
  {
    rule: "postgres-backup-window",
    change: { primary: { "backup.backupRetentionDays": 6 } },
    finds: [["primary", "backup.backupRetentionDays", "must be a whole number from 7 to 35, but is 6"]],
  },
  {
    rule: "postgres-storage-step",
    change: { primary: { "storage.storageSizeGB": 100 } },
    finds: [
      [
        "primary",
        "storage.storageSizeGB",
        "must be one of 32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16384, 32767 GiB, but is 100",
      ],
    ],
  },
  {
    rule: "postgres-storage-step",
    change: { primary: { "storage.tier": "P4" } },
    finds: [["primary", "storage.tier", 'must be at least P10 for this size, but is "P4"']],
  },
  {
    rule: "postgres-storage-step",
    change: { primary: { "storage.type": "PremiumV2_LRS" } },
    finds: [
      ["primary", "storage.type", 'must be "Premium_LRS", but is "PremiumV2_LRS", which has no autogrow'],
    ],
  },
  {
    rule: "postgres-compute-size",
    change: { primary: { "sku.tier": "MemoryOptimized" } },
    finds: [["primary", "sku.tier", 'must be "GeneralPurpose", but is "MemoryOptimized"']],
  },
  {
    rule: "postgres-compute-size",
    change: { primary: { sku: { name: "Standard_B2s", tier: "Burstable" } } },
    finds: [["primary", "highAvailability.mode", 'must be "Disabled", but is "ZoneRedundant"']],
  },
  {
    rule: "postgres-compute-size",
    change: { primary: { "sku.name": "Standard_D4ads_v5" } },
    finds: [["primary", "sku.name", "must not be one of the AMD sizes, which westeurope does not offer"]],
  },
  {
    rule: "postgres-compute-size",
    change: { primary: { location: "swedensouth" } },
    finds: [["primary", "location", "must be a region that takes flexible servers"]],
  },
  {
    rule: "postgres-compute-size",
    change: { primary: { "sku.name": "Standard_F4s" } },
    finds: [
      [
        "primary",
        "sku.name",
        'must be a size of the B, D or E series that Azure offers, but is "Standard_F4s"',
      ],
    ],
  },
  {
    rule: "postgres-compute-size",
    change: {
      primary: { "sku.name": "Standard_D4ds_v6", "network.delegatedSubnetResourceId": "/subscriptions/x/y" },
    },
    finds: [
      [
        "primary",
        "sku.name",
        "must not be a version-6 size on a server that is integrated into a virtual network",
      ],
      [
        "primary",
        "sku.name",
        "must not be one of the Intel sizes of version 6, which westeurope does not offer",
      ],
    ],
  },
  {
    rule: "postgres-administrator",
    change: { primary: { administratorLogin: "azure_superuser" } },
    finds: [
      ["primary", "administratorLogin", 'must be a login Azure does not reserve, but is "azure_superuser"'],
    ],
  },
  {
    rule: "postgres-administrator",
    change: { primary: { administratorLogin: undefined, administratorLoginPassword: undefined } },
    finds: [
      ["primary", "administratorLogin", "must be set on a new server with password authentication"],
      ["primary", "administratorLoginPassword", "must be set on a new server with password authentication"],
    ],
  },
  {
    rule: "postgres-administrator",
    change: { primary: { "authConfig.passwordAuth": "Disabled" } },
    finds: [
      ["primary", "administratorLogin", "must be left out while authConfig.passwordAuth is off"],
      ["primary", "administratorLoginPassword", "must be left out while authConfig.passwordAuth is off"],
    ],
  },
  {
    rule: "postgres-create-mode",
    change: { primary: { createMode: "PointInTimeRestore" } },
    finds: [
      ["primary", "sourceServerResourceId", "must be set with createMode PointInTimeRestore"],
      ["primary", "pointInTimeUTC", "must be set with createMode PointInTimeRestore"],
    ],
  },
  {
    rule: "postgres-create-mode",
    change: { primary: { createMode: "Clone" } },
    finds: [
      [
        "primary",
        "createMode",
        'must be "Default" or "Create" or "Update" or "PointInTimeRestore" or "GeoRestore" or "ReviveDropped" or "Replica", but is "Clone"',
      ],
    ],
  },
  {
    rule: "postgres-create-mode",
    change: { primary: { createMode: "GeoRestore", sourceServerResourceId: "/subscriptions/x/y" } },
    finds: [["primary", "pointInTimeUTC", "must be set with createMode GeoRestore"]],
  },
  {
    rule: "postgres-network-mode",
    change: { primary: { "network.delegatedSubnetResourceId": "/subscriptions/x/y" } },
    finds: [
      ["primary", "network.privateDnsZoneArmResourceId", "must be set with a delegated subnet"],
      ["primary", "network.publicNetworkAccess", "must be left out with a delegated subnet"],
    ],
  },
  {
    rule: "postgres-network-mode",
    change: { primary: { "network.privateDnsZoneArmResourceId": "/subscriptions/x/y" } },
    finds: [
      ["primary", "network.privateDnsZoneArmResourceId", "must be left out without a delegated subnet"],
    ],
  },
  {
    rule: "postgres-region",
    change: { primary: { location: "westus2" } },
    finds: [
      [
        "primary",
        "location",
        'must be a region with a known pair for geo-redundant backups, but is "westus2"',
      ],
      ["primary", "location", 'must be a region with zones for a zone-redundant standby, but is "westus2"'],
    ],
  },
  {
    rule: "postgres-region",
    change: { primary: { location: "France South" } },
    finds: [
      [
        "primary",
        "location",
        'must be a region with zones for a zone-redundant standby, but is "France South"',
      ],
    ],
  },
  {
    rule: "postgres-customer-key",
    change: {
      primary: {
        dataEncryption: {
          type: "AzureKeyVault",
          primaryKeyURI: "https://kv/keys/a",
          primaryUserAssignedIdentityId: "/ids/A",
          geoBackupUserAssignedIdentityId: "/ids/a",
        },
      },
    },
    finds: [
      ["primary", "dataEncryption.geoBackupKeyURI", "must be set, but is absent"],
      [
        "primary",
        "dataEncryption.geoBackupUserAssignedIdentityId",
        "must be another identity than the primary's: one identity serves one purpose",
      ],
    ],
  },
  {
    rule: "postgres-version",
    change: { primary: { version: "12" } },
    finds: [["primary", "version", 'must be "15" or "16" or "17" or "18", but is "12"']],
  },
  {
    rule: "postgres-maintenance-window",
    change: {
      primary: {
        "maintenanceWindow.dayOfWeek": 7,
        "maintenanceWindow.startHour": 24,
        "maintenanceWindow.startMinute": 60,
      },
    },
    finds: [
      ["primary", "maintenanceWindow.dayOfWeek", "must be 0 to 6, but is 7"],
      ["primary", "maintenanceWindow.startHour", "must be 0 to 23, but is 24"],
      ["primary", "maintenanceWindow.startMinute", "must be 0 to 59, but is 60"],
    ],
  },
  {
    rule: "postgres-parameter-source",
    change: { "parameter-log_connections": { source: undefined, value: 1 } },
    finds: [
      ["parameter-log_connections", "value", "must be a string, but is 1"],
      ["parameter-log_connections", "source", 'must be "user-override", but is absent'],
    ],
  },
  {
    rule: "postgres-pgbouncer-tier",
    change: { primary: { "sku.tier": "Burstable" } },
    finds: [
      ["parameter-pgbouncer.enabled", "serverName", "must not be a Burstable server for pgbouncer.enabled"],
      [
        "parameter-pgbouncer.default_pool_size",
        "serverName",
        "must not be a Burstable server for pgbouncer.default_pool_size",
      ],
    ],
  },
  {
    rule: "postgres-virtual-endpoint",
    change: { endpoint: { endpointType: "ReadOnly", members: ["/subscriptions/x/flexibleServers/psql"] } },
    finds: [
      ["endpoint", "endpointType", 'must be "ReadWrite", but is "ReadOnly"'],
      [
        "endpoint",
        "members[0]",
        'must be the name of a server, but is "/subscriptions/x/flexibleServers/psql"',
      ],
    ],
  },
  {
    rule: "postgres-virtual-endpoint",
    change: { endpoint: { members: [] } },
    finds: [["endpoint", "members", "must name a server, but is an empty list"]],
  },
  {
    rule: "postgres-stable-api",
    add: [{ name: "admin", type: "azure-native:dbforpostgresql:Administrator", props: {} }],
    finds: [["admin", "", "must be the class of the generally available API, not of a preview"]],
  },
];
