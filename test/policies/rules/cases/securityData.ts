import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const securityDataCases: readonly Case[] = [
  {
    rule: "postgres-no-public-access",
    change: { primary: { "network.publicNetworkAccess": "Enabled" } },
    finds: [["primary", "network.publicNetworkAccess", 'must be "Disabled", but is "Enabled"']],
  },
  {
    rule: "postgres-no-public-access",
    change: { replica: { network: undefined } },
    finds: [["replica", "network.publicNetworkAccess", 'must be "Disabled", but is absent']],
  },
  {
    rule: "postgres-no-firewall-rule",
    add: [
      {
        name: "office",
        type: "azure-native:dbforpostgresql:FirewallRule",
        props: { startIpAddress: "203.0.113.4", endIpAddress: "203.0.113.4" },
      },
    ],
    finds: [["office", "", "must not exist: databases are reached through private endpoints only"]],
  },
  {
    rule: "postgres-safe-parameters",
    change: { "parameter-require_secure_transport": { value: "off" } },
    finds: [["parameter-require_secure_transport", "value", 'must be "on", but is "off"']],
  },
  {
    rule: "postgres-safe-parameters",
    change: { "parameter-ssl_min_protocol_version": { value: "TLSv1" } },
    finds: [
      ["parameter-ssl_min_protocol_version", "value", 'must be "TLSv1.2" or "TLSv1.3", but is "TLSv1"'],
    ],
  },
  {
    rule: "postgres-no-reaching-extension",
    change: { "parameter-azure.extensions": { value: "pgcrypto, DBLINK,postgres_fdw" } },
    finds: [
      ["parameter-azure.extensions", "value", "must not list dblink"],
      ["parameter-azure.extensions", "value", "must not list postgres_fdw"],
    ],
  },
  {
    rule: "postgres-entra-login",
    change: { primary: { authConfig: undefined } },
    finds: [["primary", "authConfig.activeDirectoryAuth", 'must be "Enabled", but is absent']],
  },
  {
    rule: "postgres-entra-login",
    change: { replica: { createMode: "Update", "authConfig.activeDirectoryAuth": "Disabled" } },
    finds: [["replica", "authConfig.activeDirectoryAuth", 'must be "Enabled", but is "Disabled"']],
  },
  {
    rule: "postgres-parameters-stated",
    remove: ["parameter-log_connections"],
    finds: [["primary", "", "must have the parameter log_connections set"]],
  },
  {
    rule: "storage-no-public-access",
    change: { account: { allowBlobPublicAccess: true } },
    finds: [["account", "allowBlobPublicAccess", "must be false, but is true"]],
  },
  {
    rule: "storage-no-public-access",
    change: { account: { publicNetworkAccess: undefined, networkRuleSet: undefined } },
    finds: [["account", "networkRuleSet.defaultAction", 'must be "Deny", but is absent']],
  },
  {
    rule: "storage-no-public-access",
    change: {
      account: {
        publicNetworkAccess: "Enabled",
        "networkRuleSet.ipRules": [{ iPAddressOrRange: "8.0.0.0/6" }],
      },
    },
    finds: [["account", "networkRuleSet.ipRules[0].iPAddressOrRange", 'must be narrow, but is "8.0.0.0/6"']],
  },
  {
    rule: "container-no-anonymous-access",
    change: { daily: { publicAccess: "Blob" } },
    finds: [["daily", "publicAccess", 'must be "None", but is "Blob"']],
  },
  {
    rule: "storage-tls",
    change: { account: { minimumTlsVersion: undefined } },
    finds: [["account", "minimumTlsVersion", 'must be "TLS1_2" or "TLS1_3", but is absent']],
  },
  {
    rule: "storage-tls",
    change: { account: { enableHttpsTrafficOnly: false } },
    finds: [["account", "enableHttpsTrafficOnly", "must not be false, but is false"]],
  },
  {
    rule: "storage-no-shared-key",
    change: { account: { allowSharedKeyAccess: undefined } },
    finds: [["account", "allowSharedKeyAccess", "must be false, but is absent"]],
  },
  {
    rule: "storage-no-shared-key",
    change: { account: { isSftpEnabled: true } },
    finds: [["account", "isSftpEnabled", "must not be true, but is true"]],
  },
  {
    rule: "storage-no-foreign-copy",
    change: { account: { allowCrossTenantReplication: undefined, allowedCopyScope: undefined } },
    finds: [
      ["account", "allowCrossTenantReplication", "must be false, but is absent"],
      ["account", "allowedCopyScope", 'must be "PrivateLink" or "AAD", but is absent'],
    ],
  },
  {
    rule: "vault-rbac",
    change: { "vault-westeurope": { "properties.enableRbacAuthorization": undefined } },
    finds: [["vault-westeurope", "properties.enableRbacAuthorization", "must be true, but is absent"]],
  },
  {
    rule: "vault-rbac",
    change: { "vault-westeurope": { "properties.enabledForDeployment": true } },
    finds: [["vault-westeurope", "properties.enabledForDeployment", "must not be true, but is true"]],
  },
  {
    rule: "vault-no-public-access",
    change: {
      "vault-westeurope": {
        "properties.publicNetworkAccess": "enabled",
        "properties.networkAcls": undefined,
      },
    },
    finds: [["vault-westeurope", "properties.networkAcls.defaultAction", 'must be "Deny", but is absent']],
  },
  {
    rule: "vault-secret-expiry",
    change: { secret: { "properties.attributes": undefined } },
    finds: [["secret", "properties.attributes.expires", "must be set, but is absent"]],
  },
  {
    rule: "vault-secret-expiry",
    change: { secret: { "properties.contentType": "" } },
    finds: [["secret", "properties.contentType", 'must be set, but is ""']],
  },
  {
    rule: "generated-secret-strength",
    add: [
      { name: "short", type: "random:index/randomPassword:RandomPassword", props: { length: 8 } },
      {
        name: "digits",
        type: "random:index/randomPassword:RandomPassword",
        props: { length: 32, lower: false, upper: false, special: false },
      },
      {
        name: "alike",
        type: "random:index/randomString:RandomString",
        props: { length: 64, lower: false, upper: false, numeric: false, overrideSpecial: "--" },
      },
      { name: "key", type: "random:index/randomBytes:RandomBytes", props: { length: 12 } },
      {
        name: "long",
        type: "random:index/randomPassword:RandomPassword",
        props: { length: 22, special: false },
      },
    ],
    finds: [
      ["short", "length", "must be at least 21 for 128 bits, but is 8"],
      ["digits", "length", "must be at least 39 for 128 bits, but is 32"],
      ["alike", "", "must be made of more than one character"],
      ["key", "length", "must be at least 16 for 128 bits, but is 12"],
    ],
  },
  {
    rule: "diagnostics-on",
    remove: ["account-log", "profile-log"],
    finds: [
      ["account", "", "must have a diagnostic setting"],
      ["profile", "", "must have a diagnostic setting"],
    ],
  },
];
