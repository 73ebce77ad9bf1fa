import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const armNamesCases: readonly Case[] = [
  {
    rule: "vault-irreversible-settings",
    change: {
      "vault-westeurope": { "properties.enablePurgeProtection": false, "properties.enableSoftDelete": false },
    },
    finds: [
      [
        "vault-westeurope",
        "properties.enablePurgeProtection",
        "must be true or left out: Azure accepts no false, but is false",
      ],
      [
        "vault-westeurope",
        "properties.enableSoftDelete",
        "must be true or left out: Azure accepts no false, but is false",
      ],
    ],
  },
  {
    rule: "vault-irreversible-settings",
    change: {
      "vault-westeurope": {
        "properties.softDeleteRetentionInDays": 91,
        "properties.sku.family": "B",
        "properties.tenantId": undefined,
      },
    },
    finds: [
      ["vault-westeurope", "properties.softDeleteRetentionInDays", "must be 7 to 90 days, but is 91"],
      ["vault-westeurope", "properties.sku.family", 'must be "A", but is "B"'],
      ["vault-westeurope", "properties.tenantId", "must be set, but is absent"],
    ],
  },
  {
    rule: "vault-secret-shape",
    change: { secret: { secretName: "session_secret", "properties.attributes": { exp: 1790000000 } } },
    finds: [
      ["secret", "secretName", 'must be 1 to 127 letters, digits and hyphens, but is "session_secret"'],
      ["secret", "properties.attributes.exp", "must be called expires here, or it has no effect"],
    ],
  },
  {
    rule: "vault-secret-shape",
    change: { secret: { "properties.attributes.expires": 1790000000000 } },
    finds: [
      [
        "secret",
        "properties.attributes.expires",
        "must be 1 to 100000000000 seconds since 1970, but is 1790000000000",
      ],
    ],
  },
  {
    rule: "azure-name",
    change: { account: { accountName: "st-shop-backups" } },
    finds: [
      [
        "account",
        "accountName",
        'breaks a rule for names: "st-shop-backups" does not match ^[a-z0-9]{3,24}$, the rule for storageAccount names',
      ],
    ],
  },
  {
    rule: "azure-name",
    change: { "vault-westeurope": { vaultName: "kv-forma3d-production-westeurope" } },
    finds: [
      [
        "vault-westeurope",
        "vaultName",
        'breaks a rule for names: "kv-forma3d-production-westeurope" has 32 characters, vault names have at most 24',
      ],
    ],
  },
  {
    rule: "azure-name",
    change: { primary: { serverName: "ab" } },
    finds: [["primary", "serverName", 'must have at least 3 characters, but is "ab"']],
  },
  {
    rule: "azure-name",
    change: { primary: { serverName: "login-shop" } },
    finds: [["primary", "serverName", 'must not contain a word Azure reserves, but is "login-shop"']],
  },
  {
    rule: "azure-name",
    change: { cluster: { resourceName: "microsoft-shop" } },
    finds: [["cluster", "resourceName", 'must not contain a word Azure reserves, but is "microsoft-shop"']],
  },
  {
    rule: "azure-name",
    change: { firewall: { policyName: "waf-shop" } },
    finds: [
      [
        "firewall",
        "policyName",
        'breaks a rule for names: "waf-shop" does not match ^[A-Za-z][A-Za-z0-9]*$, the rule for wafPolicy names',
      ],
    ],
  },
  {
    rule: "azure-tags-shape",
    change: {
      group: {
        'tags["a/b"]': "x",
        "tags.note":
          "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
      },
    },
    finds: [
      ["group", 'tags["a/b"]', "must have a name of at most 512 characters without < > % & \\ ? /"],
      ["group", "tags.note", "must have at most 256 characters, but has 257"],
    ],
  },
  {
    rule: "private-zone-name",
    change: { zone: { privateZoneName: "privatelink.vault.azure.net", location: "westeurope" } },
    finds: [
      [
        "zone",
        "privateZoneName",
        'must be a zone Microsoft lists for private endpoints, but is "privatelink.vault.azure.net"',
      ],
      ["zone", "location", 'must be "global", but is "westeurope"'],
    ],
  },
  {
    rule: "private-endpoint-group",
    change: { "private-endpoint": { "privateLinkServiceConnections[0].groupIds": ["postgres"] } },
    finds: [
      [
        "private-endpoint",
        "privateLinkServiceConnections[0].groupIds[0]",
        'must be "postgresqlServer" or "vault" or "blob" or "blob_secondary" or "file" or "queue" or "table" or "dfs" or "web" or "registry" or "azuremonitor" or "grafana" or "prometheusMetrics" or "namespace" or "management", but is "postgres"',
      ],
    ],
  },
  {
    rule: "private-endpoint-group",
    change: {
      "private-endpoint": {
        "privateLinkServiceConnections[0].groupIds": ["blob", "file"],
        "privateLinkServiceConnections[0].privateLinkServiceId": undefined,
      },
    },
    finds: [
      [
        "private-endpoint",
        "privateLinkServiceConnections[0].privateLinkServiceId",
        "must be set, but is absent",
      ],
      [
        "private-endpoint",
        "privateLinkServiceConnections[0].groupIds",
        "must have one group, but is a list of 2",
      ],
    ],
  },
  {
    rule: "subnet-plan",
    change: { "subnet-endpoints": { addressPrefix: "10.10.0.0/24" } },
    finds: [
      [
        "subnet-nodes",
        "addressPrefix",
        "must not overlap 10.10.0.0/24 of the same network, but is 10.10.0.0/20",
      ],
      [
        "subnet-endpoints",
        "addressPrefix",
        "must not overlap 10.10.0.0/20 of the same network, but is 10.10.0.0/24",
      ],
    ],
  },
  {
    rule: "subnet-plan",
    change: { "subnet-endpoints": { addressPrefix: "10.20.0.0/24" } },
    finds: [
      ["subnet-endpoints", "addressPrefix", "must lie in the network's 10.10.0.0/16, but is 10.20.0.0/24"],
    ],
  },
  {
    rule: "subnet-plan",
    change: { "subnet-endpoints": { addressPrefix: "10.10.16.0/30" } },
    finds: [
      ["subnet-endpoints", "addressPrefix", "must be an IPv4 block of /29 or larger, but is 10.10.16.0/30"],
    ],
  },
];
