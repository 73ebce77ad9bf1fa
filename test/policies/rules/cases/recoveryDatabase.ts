import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const recoveryDatabaseCases: readonly Case[] = [
  {
    rule: "postgres-geo-redundant-backup",
    change: { primary: { "backup.geoRedundantBackup": "Disabled" } },
    finds: [["primary", "backup.geoRedundantBackup", 'must be "Enabled", but is "Disabled"']],
  },
  {
    rule: "postgres-geo-redundant-backup",
    change: { primary: { backup: undefined } },
    finds: [["primary", "backup.geoRedundantBackup", 'must be "Enabled", but is absent']],
  },
  {
    rule: "postgres-backup-retention",
    change: { primary: { "backup.backupRetentionDays": 34 } },
    finds: [["primary", "backup.backupRetentionDays", "must be at least 35 days, but is 34"]],
  },
  {
    rule: "postgres-backup-retention",
    change: { primary: { "backup.backupRetentionDays": undefined } },
    finds: [["primary", "backup.backupRetentionDays", "must be at least 35 days, but is absent"]],
  },
  {
    rule: "postgres-backup-retention",
    change: { primary: { "backup.backupRetentionDays": "35" } },
    finds: [["primary", "backup.backupRetentionDays", 'must be at least 35 days, but is "35"']],
  },
  {
    rule: "postgres-backup-retention",
    change: { replica: { createMode: "Update", "backup.backupRetentionDays": 7 } },
    finds: [["replica", "backup.backupRetentionDays", "must be at least 35 days, but is 7"]],
  },
  {
    rule: "postgres-standby",
    change: { primary: { "highAvailability.mode": "Disabled" } },
    finds: [["primary", "highAvailability.mode", 'must be "ZoneRedundant" or "SameZone", but is "Disabled"']],
  },
  {
    rule: "postgres-standby",
    change: { primary: { highAvailability: undefined } },
    finds: [["primary", "highAvailability.mode", 'must be "ZoneRedundant" or "SameZone", but is absent']],
  },
  {
    rule: "postgres-standby",
    change: { replica: { createMode: "Update", "highAvailability.mode": "Disabled" } },
    finds: [["replica", "highAvailability.mode", 'must be "ZoneRedundant" or "SameZone", but is "Disabled"']],
  },
  {
    rule: "postgres-maintenance-window-set",
    change: { replica: { createMode: "Update", "maintenanceWindow.customWindow": "Disabled" } },
    finds: [["replica", "maintenanceWindow.customWindow", 'must be "Enabled", but is "Disabled"']],
  },
  {
    rule: "postgres-zone-redundant-standby",
    change: { primary: { "highAvailability.mode": "SameZone" } },
    finds: [["primary", "highAvailability.mode", 'must be "ZoneRedundant", but is "SameZone"']],
  },
  {
    rule: "postgres-autogrow",
    change: { replica: { "storage.autoGrow": "Disabled" } },
    finds: [["replica", "storage.autoGrow", 'must be "Enabled", but is "Disabled"']],
  },
  {
    rule: "postgres-autogrow",
    change: { primary: { "storage.autoGrow": undefined } },
    finds: [["primary", "storage.autoGrow", 'must be "Enabled", but is absent']],
  },
  {
    rule: "postgres-production-tier",
    change: { primary: { sku: { name: "Standard_B2s", tier: "Burstable" } } },
    finds: [["primary", "sku.tier", 'must be "GeneralPurpose" or "MemoryOptimized", but is "Burstable"']],
  },
  {
    rule: "postgres-supported-version",
    change: { primary: { version: "14" } },
    finds: [["primary", "version", 'must be "15" or "16" or "17", but is "14"']],
  },
  {
    rule: "postgres-supported-version",
    change: { primary: { version: "18" } },
    finds: [["primary", "version", 'must be "15" or "16" or "17", but is "18"']],
  },
  {
    rule: "postgres-maintenance-window-set",
    change: { primary: { maintenanceWindow: undefined } },
    finds: [["primary", "maintenanceWindow.customWindow", 'must be "Enabled", but is absent']],
  },
  {
    rule: "postgres-drift-ignored",
    options: { primary: { ignoreChanges: ["availabilityZone"] } },
    finds: [
      ["primary", "highAvailability.standbyAvailabilityZone", "must be listed in ignoreChanges"],
      ["primary", "storage.storageSizeGB", "must be listed in ignoreChanges"],
    ],
  },
  {
    rule: "postgres-drift-ignored",
    options: { replica: { ignoreChanges: ["availabilityZone", "highAvailability", "storage"] } },
    finds: [["replica", "sourceServerResourceId", "must be listed in ignoreChanges"]],
  },
  {
    rule: "postgres-replica-elsewhere",
    remove: ["replica", "replica-lock", "replica-log", "alert-lag"],
    options: { endpoint: { waitsFor: ["parameter-pgbouncer.default_pool_size"] } },
    finds: [["primary", "", "must have a read replica in another region"]],
  },
  {
    rule: "postgres-replica-elsewhere",
    change: { replica: { location: "West Europe" } },
    finds: [["primary", "", "must have a read replica in another region"]],
  },
  {
    rule: "postgres-replica-fit",
    change: { replica: { "sku.name": "Standard_D2ds_v5" } },
    finds: [["replica", "sku.name", 'must be "Standard_D4ds_v5", but is "Standard_D2ds_v5"']],
  },
  {
    rule: "postgres-replica-fit",
    change: { replica: { "storage.storageSizeGB": 64 } },
    finds: [["replica", "storage.storageSizeGB", "must be at least 128 GiB, but is 64"]],
  },
  {
    rule: "postgres-virtual-endpoint-present",
    remove: ["endpoint"],
    finds: [["primary", "", "must have a virtual endpoint"]],
  },
  {
    rule: "postgres-children-serialised",
    options: { "parameter-log_connections": { waitsFor: ["primary"] } },
    finds: [["parameter-log_connections", "", "must wait for orders, which changes the same server"]],
  },
  {
    rule: "postgres-children-serialised",
    options: { endpoint: { waitsFor: ["primary", "replica"] } },
    finds: [["endpoint", "", "must wait for orders, which changes the same server"]],
  },
  {
    rule: "postgres-pgbouncer-enabled-first",
    options: { "parameter-pgbouncer.default_pool_size": { waitsFor: ["parameter-azure.extensions"] } },
    finds: [
      [
        "parameter-pgbouncer.default_pool_size",
        "",
        "must wait for the parameter pgbouncer.enabled of its server",
      ],
    ],
  },
  {
    rule: "postgres-pgbouncer-enabled-first",
    remove: ["parameter-pgbouncer.enabled"],
    finds: [
      [
        "parameter-pgbouncer.default_pool_size",
        "",
        "must wait for the parameter pgbouncer.enabled of its server",
      ],
    ],
  },
];
