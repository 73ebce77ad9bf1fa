import type { Sketch } from "./stack";

const TAGS = {
  product: "forma3d",
  environment: "prod",
  owner: "platform@forma3d.example",
  costCenter: "platform",
  dataClassification: "confidential",
  managedBy: "pulumi",
};

const SUBSCRIPTION = "/subscriptions/11111111-2222-4333-8444-555555555555";
const GROUP = `${SUBSCRIPTION}/resourceGroups/rg-shop`;

const IGNORED = [
  "availabilityZone",
  "highAvailability.standbyAvailabilityZone",
  "storage.storageSizeGB",
  "createMode",
  "sourceServerResourceId",
];

const shape = {
  sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
  storage: { storageSizeGB: 128, autoGrow: "Enabled", type: "Premium_LRS", tier: "P10" },
  network: { publicNetworkAccess: "Disabled" },
  tags: TAGS,
};

const database: Sketch[] = [
  {
    name: "primary",
    type: "azure-native:dbforpostgresql:Server",
    props: {
      ...shape,
      serverName: "psql-shop-weu",
      location: "westeurope",
      createMode: "Default",
      version: "17",
      administratorLogin: "shop_admin",
      administratorLoginPassword: "not-a-real-password",
      authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Enabled" },
      availabilityZone: "1",
      highAvailability: { mode: "ZoneRedundant", standbyAvailabilityZone: "2" },
      backup: { backupRetentionDays: 35, geoRedundantBackup: "Enabled" },
      maintenanceWindow: { customWindow: "Enabled", dayOfWeek: 0, startHour: 1, startMinute: 0 },
    },
    protect: true,
    ignoreChanges: IGNORED,
    sources: { resourceGroupName: ["group"] },
  },
  {
    name: "replica",
    type: "azure-native:dbforpostgresql:Server",
    props: {
      ...shape,
      serverName: "psql-shop-neu",
      location: "northeurope",
      sourceServerResourceId: `${GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-shop-weu`,
    },
    protect: true,
    ignoreChanges: IGNORED,
    sources: { sourceServerResourceId: ["primary"] },
    waitsFor: ["primary"],
  },
  {
    name: "orders",
    type: "azure-native:dbforpostgresql:Database",
    props: { databaseName: "orders", serverName: "psql-shop-weu" },
    protect: true,
    sources: { serverName: ["primary"] },
    waitsFor: ["primary"],
  },
  ...[
    ["require_secure_transport", "on"],
    ["ssl_min_protocol_version", "TLSv1.2"],
    ["log_connections", "on"],
    ["log_disconnections", "on"],
    ["log_checkpoints", "on"],
    ["metrics.collector_database_activity", "on"],
    ["azure.extensions", "pgcrypto,pg_trgm"],
    ["pgbouncer.enabled", "true"],
    ["pgbouncer.default_pool_size", "50"],
  ].map(([parameter = "", value = ""], index, all): Sketch => ({
    name: `parameter-${parameter}`,
    type: "azure-native:dbforpostgresql:Configuration",
    props: {
      configurationName: parameter,
      serverName: "psql-shop-weu",
      value,
      source: "user-override",
    },
    sources: { serverName: ["primary"] },
    waitsFor: ["primary", index === 0 ? "orders" : `parameter-${all[index - 1]?.[0] ?? ""}`],
  })),
  {
    name: "endpoint",
    type: "azure-native:dbforpostgresql:VirtualEndpoint",
    props: {
      virtualEndpointName: "shop-db",
      serverName: "psql-shop-weu",
      endpointType: "ReadWrite",
      members: ["psql-shop-neu"],
    },
    sources: { serverName: ["primary"] },
    waitsFor: ["parameter-pgbouncer.default_pool_size", "replica"],
  },
];

/** One of the two accounts; the second one's resources end in `-copy`. */
const backupAccount = (location: string, accountName: string, end = ""): Sketch[] => [
  {
    name: `account${end}`,
    type: "azure-native:storage:StorageAccount",
    props: {
      accountName,
      location,
      sku: { name: "Standard_ZRS" },
      accessTier: "Hot",
      minimumTlsVersion: "TLS1_2",
      enableHttpsTrafficOnly: true,
      allowBlobPublicAccess: false,
      allowSharedKeyAccess: false,
      allowCrossTenantReplication: false,
      allowedCopyScope: "PrivateLink",
      isLocalUserEnabled: false,
      publicNetworkAccess: "Disabled",
      networkRuleSet: { defaultAction: "Deny" },
      tags: TAGS,
    },
    protect: true,
  },
  {
    name: `blobs${end}`,
    type: "azure-native:storage:BlobServiceProperties",
    props: {
      accountName,
      blobServicesName: "default",
      isVersioningEnabled: true,
      changeFeed: { enabled: true },
      deleteRetentionPolicy: { enabled: true, days: 30, allowPermanentDelete: false },
      containerDeleteRetentionPolicy: { enabled: true, days: 30 },
      restorePolicy: { enabled: true, days: 29 },
    },
    sources: { accountName: [`account${end}`] },
  },
  ...["daily", "scratch"].map((container): Sketch => ({
    name: `${container}${end}`,
    type: "azure-native:storage:BlobContainer",
    props: { accountName, containerName: container, publicAccess: "None" },
    protect: true,
    sources: { accountName: [`account${end}`] },
  })),
  {
    name: `daily-immutability${end}`,
    type: "azure-native:storage:BlobContainerImmutabilityPolicy",
    props: {
      accountName,
      containerName: "daily",
      immutabilityPeriodSinceCreationInDays: 30,
      allowProtectedAppendWrites: false,
    },
    sources: { containerName: [`daily${end}`] },
  },
  {
    name: `lifecycle${end}`,
    type: "azure-native:storage:ManagementPolicy",
    props: {
      accountName,
      managementPolicyName: "default",
      policy: {
        rules: [
          {
            name: "scratch",
            enabled: true,
            type: "Lifecycle",
            definition: {
              filters: { blobTypes: ["blockBlob"], prefixMatch: ["scratch/"] },
              actions: {
                baseBlob: {
                  tierToCool: { daysAfterModificationGreaterThan: 30 },
                  tierToCold: { daysAfterModificationGreaterThan: 90 },
                  delete: { daysAfterModificationGreaterThan: 1096 },
                },
                version: { delete: { daysAfterCreationGreaterThan: 30 } },
              },
            },
          },
        ],
      },
    },
    sources: { accountName: [`account${end}`] },
  },
];

const backups: Sketch[] = [
  ...backupAccount("westeurope", "stshopbackups"),
  ...backupAccount("northeurope", "stshopbackupsneu", "-copy"),
];

const longTerm: Sketch[] = [
  {
    name: "backup-instance",
    type: "azure-native:dataprotection:BackupInstance",
    props: {
      properties: Object.fromEntries(
        ["dataSourceInfo", "dataSourceSetInfo"].map((key) => [
          key,
          {
            datasourceType: "Microsoft.DBforPostgreSQL/flexibleServers",
            resourceID: `${GROUP}/providers/a/b/c`,
          },
        ]),
      ),
    },
  },
  {
    name: "backup-policy",
    type: "azure-native:dataprotection:BackupPolicy",
    props: {
      properties: {
        datasourceTypes: ["Microsoft.DBforPostgreSQL/flexibleServers"],
        policyRules: [
          { trigger: { schedule: { repeatingTimeIntervals: ["R/2026-01-04T02:00:00+00:00/P1W"] } } },
        ],
      },
    },
  },
];

const secrets: Sketch[] = [
  ...["westeurope", "northeurope"].map((location): Sketch => ({
    name: `vault-${location}`,
    type: "azure-native:keyvault:Vault",
    props: {
      vaultName: `kv-shop-${location.slice(0, 2)}`,
      location,
      properties: {
        tenantId: "99999999-8888-4777-8666-555555555555",
        sku: { family: "A", name: "standard" },
        enableRbacAuthorization: true,
        enableSoftDelete: true,
        softDeleteRetentionInDays: 90,
        enablePurgeProtection: true,
        publicNetworkAccess: "disabled",
        networkAcls: { defaultAction: "Deny" },
      },
      tags: TAGS,
    },
    protect: true,
  })),
  {
    name: "secret",
    type: "azure-native:keyvault:Secret",
    props: {
      secretName: "session-secret",
      properties: { value: "not-a-real-secret", contentType: "key", attributes: { expires: 1_790_000_000 } },
    },
  },
];

const guards: Sketch[] = [
  "primary",
  "replica",
  "account",
  "account-copy",
  "vault-westeurope",
  "vault-northeurope",
].flatMap((target): Sketch[] => [
  {
    name: `${target}-lock`,
    type: "azure-native:authorization:ManagementLockByScope",
    props: { level: "CanNotDelete", lockName: "cannot-delete" },
    sources: { scope: [target] },
  },
  {
    name: `${target}-log`,
    type: "azure-native:monitor:DiagnosticSetting",
    props: {
      workspaceId: `${GROUP}/providers/Microsoft.OperationalInsights/workspaces/log-shop`,
      logs: [{ categoryGroup: "allLogs", enabled: true }],
    },
    sources: { resourceUri: [target] },
  },
]);

const network: Sketch[] = [
  {
    name: "group",
    type: "azure-native:resources:ResourceGroup",
    props: { resourceGroupName: "rg-shop", location: "westeurope", tags: TAGS },
  },
  {
    name: "network",
    type: "azure-native:network:VirtualNetwork",
    props: {
      virtualNetworkName: "vnet-shop",
      addressSpace: { addressPrefixes: ["10.10.0.0/16"] },
      tags: TAGS,
    },
  },
  ...[
    ["nodes", "10.10.0.0/20"],
    ["endpoints", "10.10.16.0/24"],
  ].map(([name = "", addressPrefix = ""]): Sketch => ({
    name: `subnet-${name}`,
    type: "azure-native:network:Subnet",
    props: {
      subnetName: name,
      virtualNetworkName: "vnet-shop",
      addressPrefix,
      privateLinkServiceNetworkPolicies: "Disabled",
    },
    sources: { virtualNetworkName: ["network"] },
  })),
  {
    name: "security-group",
    type: "azure-native:network:NetworkSecurityGroup",
    props: {
      securityRules: [
        {
          name: "nodes",
          direction: "Inbound",
          access: "Allow",
          sourceAddressPrefix: "10.10.0.0/20",
          destinationPortRanges: ["5432"],
        },
        { name: "rest", direction: "Inbound", access: "Deny", sourceAddressPrefix: "*" },
      ],
      tags: TAGS,
    },
  },
  {
    name: "zone",
    type: "azure-native:privatedns:PrivateZone",
    props: {
      privateZoneName: "privatelink.postgres.database.azure.com",
      location: "Global",
      resourceGroupName: "rg-shop",
      tags: TAGS,
    },
    sources: { resourceGroupName: ["group"] },
  },
  {
    name: "zone-link",
    type: "azure-native:privatedns:VirtualNetworkLink",
    props: { privateZoneName: "privatelink.postgres.database.azure.com", location: "Global" },
    sources: { privateZoneName: ["zone"] },
  },
  {
    name: "private-endpoint",
    type: "azure-native:network:PrivateEndpoint",
    props: {
      privateLinkServiceConnections: [
        { name: "server", privateLinkServiceId: `${GROUP}/providers/x/y/z`, groupIds: ["postgresqlServer"] },
      ],
      tags: TAGS,
    },
  },
];

const access: Sketch[] = [
  {
    name: "identity",
    type: "azure-native:managedidentity:UserAssignedIdentity",
    props: { resourceName: "id-shop-api", tags: TAGS },
  },
  ...["one", "two"].map((cluster): Sketch => ({
    name: `credential-${cluster}`,
    type: "azure-native:managedidentity:FederatedIdentityCredential",
    props: {
      resourceName: "id-shop-api",
      issuer: `https://oidc.example/${cluster}/`,
      subject: "system:serviceaccount:shop:api",
      audiences: ["api://AzureADTokenExchange"],
    },
    sources: { resourceName: ["identity"], issuer: ["cluster"] },
  })),
  {
    name: "role",
    type: "azure-native:authorization:RoleAssignment",
    props: {
      roleDefinitionId: `${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c`,
      scope: `${GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-shop`,
    },
  },
  {
    name: "role-definition",
    type: "azure-native:authorization:RoleDefinition",
    props: {
      permissions: [{ actions: ["Microsoft.Storage/storageAccounts/read"], dataActions: [] }],
    },
  },
];

/** A production environment in Azure with nothing to object to. */
export const AZURE: readonly Sketch[] = [
  ...network,
  ...database,
  ...backups,
  ...longTerm,
  ...secrets,
  ...guards,
  ...access,
];

export { GROUP, SUBSCRIPTION, TAGS };
