import { cursor, isReplica, ofType, targetsOf } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import {
  fault,
  isText,
  must,
  mustBe,
  mustBeText,
  mustExist,
  when,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { Rule } from "../../packages/isolation/rule";
import { THRESHOLDS } from "./thresholds";
import { about, resourceRule, stackRule } from "./define";
import { ofWriter } from "./writer";

const DOCS = "https://learn.microsoft.com/azure";

const serverPublic = resourceRule(
  {
    id: "SEC-001",
    name: "postgres-no-public-access",
    title: "No database can be reached from the internet",
    description: "network.publicNetworkAccess is Disabled on every server.",
    why: "A password or a flaw is then all that stands between the internet and the orders.",
    severity: "critical",
    framework: { cis: ["4.3.7"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07", "R08"] },
    remediation: "Set network.publicNetworkAccess to Disabled and use private endpoints.",
    url: `${DOCS}/postgresql/network/concepts-networking-private-link`,
    appliesTo: "any",
    types: [kinds.SERVER],
  },
  (server) =>
    server.at("network", "delegatedSubnetResourceId").present
      ? []
      : mustBeText(server.at("network", "publicNetworkAccess"), "Disabled"),
);

const firewallRules = resourceRule(
  {
    id: "SEC-002",
    name: "postgres-no-firewall-rule",
    title: "No firewall rule opens a database",
    description: "There is no FirewallRule, whatever its range: with public access off, none is needed.",
    why: "A rule left over from an incident opens the database the day somebody turns public access on.",
    severity: "critical",
    framework: { cis: ["4.3.7"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07"] },
    remediation: "Remove the rule; operators connect through the cluster.",
    url: `${DOCS}/postgresql/network/concepts-networking-public`,
    appliesTo: "any",
    types: [kinds.azure("dbforpostgresql", "FirewallRule")],
  },
  (rule) => fault(rule, "must not exist: databases are reached through private endpoints only"),
);

/** Parameters a server may set only to these values, compared without case. */
const SAFE_PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  require_secure_transport: ["on"],
  ssl_min_protocol_version: ["TLSv1.2", "TLSv1.3"],
  log_connections: ["on"],
  log_disconnections: ["on"],
  log_checkpoints: ["on"],
  "connection_throttle.enable": ["on"],
  password_encryption: ["scram-sha-256"],
};

const parameters = resourceRule(
  {
    id: "SEC-003",
    name: "postgres-safe-parameters",
    title: "Connections to a database are encrypted and logged",
    description: `The parameters ${Object.keys(SAFE_PARAMETERS).join(", ")} have safe values wherever they are set.`,
    why: "Passwords and orders would cross the network in clear text, and an intruder would leave no trace.",
    severity: "high",
    framework: {
      cis: ["4.3.1", "4.3.2", "4.3.3", "4.3.4", "4.3.5"],
      mcsb: ["DP-3", "LT-3"],
      waf: ["SE:07"],
      risks: ["R07", "R08"],
    },
    remediation: "Set the parameter to on (or TLSv1.2, scram-sha-256).",
    url: `${DOCS}/postgresql/security/security-tls`,
    appliesTo: "any",
    types: [kinds.CONFIGURATION],
  },
  (configuration) => {
    const name = configuration.at("configurationName");
    const wanted = SAFE_PARAMETERS[(name.text ?? "").toLowerCase()];
    if (name.unknown) return [{ path: name.path, unknown: true }];
    return wanted ? mustBeText(configuration.at("value"), ...wanted) : [];
  },
);

/** Extensions that reach out of the database. */
const REACHING = ["dblink", "postgres_fdw", "azure_storage", "azure_ai", "pg_cron", "plpython3u", "file_fdw"];

const extensions = resourceRule(
  {
    id: "SEC-004",
    name: "postgres-no-reaching-extension",
    title: "A database cannot reach out by itself",
    description: `azure.extensions lists none of ${REACHING.join(", ")}.`,
    why: "They open connections from inside the database, past every network policy of the cluster.",
    severity: "high",
    framework: { mcsb: ["NS-2", "DP-2"], waf: ["SE:06"], risks: ["R07"] },
    remediation: "Take the extension off the list.",
    url: `${DOCS}/postgresql/extensions/concepts-extensions-considerations`,
    appliesTo: "any",
    types: [kinds.CONFIGURATION],
  },
  (configuration) => {
    if (!isText("azure.extensions")(configuration.at("configurationName").value)) return [];
    const value = configuration.at("value");
    if (value.unknown) return [{ path: value.path, unknown: true }];
    const listed = (value.text ?? "").toLowerCase().split(/\s*,\s*/);
    return REACHING.filter((extension) => listed.includes(extension)).flatMap((extension) =>
      fault(value, `must not list ${extension}`),
    );
  },
);

const entra = resourceRule(
  {
    id: "SEC-005",
    name: "postgres-entra-login",
    title: "People log in to a database as themselves",
    description:
      "authConfig.activeDirectoryAuth is Enabled on every primary server, and on one that was promoted where it says anything.",
    why: "A shared password outlives everybody who knew it, and the log shows nobody's name.",
    severity: "high",
    framework: { mcsb: ["IM-1"], waf: ["SE:05"], risks: ["R08"] },
    remediation: "Set authConfig.activeDirectoryAuth to Enabled and name an Entra group as administrator.",
    url: `${DOCS}/postgresql/security/security-entra-concepts`,
    appliesTo: "any",
    types: [kinds.SERVER],
  },
  (server, resource) =>
    ofWriter(resource, server.at("authConfig"), () =>
      mustBeText(server.at("authConfig", "activeDirectoryAuth"), "Enabled"),
    ),
);

/** Parameters production states, because their defaults are off or may change. */
const STATED_PARAMETERS = [
  "require_secure_transport",
  "ssl_min_protocol_version",
  "log_connections",
  "log_disconnections",
  "log_checkpoints",
];

const stated = stackRule(
  {
    id: "SEC-006",
    name: "postgres-parameters-stated",
    title: "Production states how its database is encrypted and logged",
    description: `The stack sets ${STATED_PARAMETERS.join(", ")}.`,
    why: "log_connections is off by default, and a default is what the next version changes.",
    severity: "medium",
    framework: { cis: ["4.3.1", "4.3.2", "4.3.3", "4.3.4"], mcsb: ["LT-3"], waf: ["SE:10"], risks: ["R07"] },
    remediation: "Use serverParameters, which sets all of them.",
    url: `${DOCS}/postgresql/server-parameters/concepts-server-parameters`,
    appliesTo: "prod",
  },
  (stack) => {
    const set = ofType(stack, kinds.CONFIGURATION).map((configuration) =>
      cursor(configuration).at("configurationName").text?.toLowerCase(),
    );
    return ofType(stack, kinds.SERVER)
      .filter((server) => !isReplica(server))
      .flatMap((server) =>
        STATED_PARAMETERS.filter((name) => !set.includes(name)).map((name) =>
          about(server, `must have the parameter ${name} set`),
        ),
      );
  },
);

function closed(account: Cursor): Outcome[] {
  return when(
    account.at("publicNetworkAccess"),
    (value) => !isText("Disabled", "SecuredByPerimeter")(value),
    () => [
      ...mustBeText(account.at("networkRuleSet", "defaultAction"), "Deny"),
      ...account
        .at("networkRuleSet", "ipRules")
        .items()
        .flatMap((rule) =>
          must(
            rule.at("iPAddressOrRange"),
            (value) => typeof value === "string" && !/^0\.0\.0\.0|\/[0-8]$/.test(value),
            "be narrow",
          ),
        ),
    ],
  );
}

const storagePublic = resourceRule(
  {
    id: "SEC-010",
    name: "storage-no-public-access",
    title: "No backup can be reached from the internet",
    description:
      "allowBlobPublicAccess is false, and public network access is Disabled or denied by default.",
    why: "One link is all it takes to download a customer database.",
    severity: "critical",
    framework: { cis: ["3.7", "3.8"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07"] },
    remediation: "Set publicNetworkAccess to Disabled and allowBlobPublicAccess to false.",
    url: `${DOCS}/storage/common/storage-network-security`,
    appliesTo: "any",
    types: [kinds.STORAGE_ACCOUNT],
  },
  (account) => [...mustBe(account.at("allowBlobPublicAccess"), false), ...closed(account)],
);

const containerPublic = resourceRule(
  {
    id: "SEC-011",
    name: "container-no-anonymous-access",
    title: "No container answers without a login",
    description: "publicAccess of every container is None.",
    why: "Anonymous access needs no flaw and leaves no name in the log.",
    severity: "critical",
    framework: { cis: ["3.7"], mcsb: ["NS-2"], waf: ["SE:05"], risks: ["R07"] },
    remediation: "Set publicAccess to None.",
    url: `${DOCS}/storage/blobs/anonymous-read-access-prevent`,
    appliesTo: "any",
    types: [kinds.BLOB_CONTAINER],
  },
  (container) =>
    must(container.at("publicAccess"), (value) => value === undefined || isText("None")(value), 'be "None"'),
);

const storageTls = resourceRule(
  {
    id: "SEC-012",
    name: "storage-tls",
    title: "Backups travel encrypted",
    description: `minimumTlsVersion is TLS1_2 or TLS1_3 (${THRESHOLDS.tlsVersion.source}), and plain HTTP is off.`,
    why: "Older versions of TLS can be read by whoever is in between.",
    severity: "high",
    framework: { cis: ["3.1", "3.15"], mcsb: ["DP-3"], waf: ["SE:07"], risks: ["R07"] },
    remediation: "Set minimumTlsVersion to TLS1_2 and enableHttpsTrafficOnly to true.",
    url: `${DOCS}/storage/common/transport-layer-security-configure-minimum-version`,
    appliesTo: "any",
    types: [kinds.STORAGE_ACCOUNT],
  },
  (account) => [
    ...mustBeText(account.at("minimumTlsVersion"), "TLS1_2", "TLS1_3"),
    ...must(account.at("enableHttpsTrafficOnly"), (value) => value !== false, "not be false"),
  ],
);

const sharedKeys = resourceRule(
  {
    id: "SEC-013",
    name: "storage-no-shared-key",
    title: "Nobody opens the backups with a key",
    description: "allowSharedKeyAccess is false, and there are no local users.",
    why: "An account key opens everything, never expires and names nobody; a leaked one has to be found first.",
    severity: "critical",
    framework: { mcsb: ["IM-1"], waf: ["SE:05"], risks: ["R08"] },
    remediation: "Set allowSharedKeyAccess to false and give identities roles on containers.",
    url: `${DOCS}/storage/common/shared-key-authorization-prevent`,
    appliesTo: "any",
    types: [kinds.STORAGE_ACCOUNT],
  },
  (account) => [
    ...mustBe(account.at("allowSharedKeyAccess"), false),
    ...["isLocalUserEnabled", "isSftpEnabled"].flatMap((key) =>
      must(account.at(key), (value) => value !== true, "not be true"),
    ),
  ],
);

const copies = resourceRule(
  {
    id: "SEC-014",
    name: "storage-no-foreign-copy",
    title: "Backups cannot be copied to another tenant",
    description: "allowCrossTenantReplication is false, and allowedCopyScope is AAD or PrivateLink.",
    why: "Replication to a stranger's account is a leak that looks like a backup.",
    severity: "high",
    framework: { cis: ["2.1.0 3.16"], mcsb: ["DP-2"], waf: ["SE:06"], risks: ["R07"] },
    remediation: "Set both; PrivateLink is the narrower scope.",
    url: `${DOCS}/storage/common/security-restrict-copy-operations`,
    appliesTo: "any",
    types: [kinds.STORAGE_ACCOUNT],
  },
  (account) => [
    ...mustBe(account.at("allowCrossTenantReplication"), false),
    ...mustBeText(account.at("allowedCopyScope"), "PrivateLink", "AAD"),
  ],
);

const vaultRbac = resourceRule(
  {
    id: "SEC-020",
    name: "vault-rbac",
    title: "Rights on secrets are roles, one secret at a time",
    description:
      "enableRbacAuthorization is true, and neither deployments, templates nor disks may read the vault by themselves.",
    why: "An access policy always covers every secret of the vault.",
    severity: "high",
    framework: { cis: ["8.6"], mcsb: ["PA-7"], waf: ["SE:05"], risks: ["R08"] },
    remediation:
      "Set enableRbacAuthorization to true; in these API versions it is false when it is left out.",
    url: `${DOCS}/key-vault/general/rbac-guide`,
    appliesTo: "any",
    types: [kinds.VAULT],
  },
  (vault) => [
    ...mustBe(vault.at("properties", "enableRbacAuthorization"), true),
    ...["enabledForDeployment", "enabledForTemplateDeployment", "enabledForDiskEncryption"].flatMap((key) =>
      must(vault.at("properties", key), (value) => value !== true, "not be true"),
    ),
  ],
);

const vaultPublic = resourceRule(
  {
    id: "SEC-021",
    name: "vault-no-public-access",
    title: "No vault can be reached from the internet",
    description: "publicNetworkAccess is disabled, or the network rules deny by default.",
    why: "A leaked token would open every secret from anywhere.",
    severity: "critical",
    framework: { cis: ["8.7"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07", "R08"] },
    remediation: 'Set properties.publicNetworkAccess to "disabled".',
    url: `${DOCS}/key-vault/general/network-security`,
    appliesTo: "any",
    types: [kinds.VAULT],
  },
  (vault) =>
    when(
      vault.at("properties", "publicNetworkAccess"),
      (value) => !isText("disabled")(value),
      () => mustBeText(vault.at("properties", "networkAcls", "defaultAction"), "Deny"),
    ),
);

const secretDates = resourceRule(
  {
    id: "SEC-022",
    name: "vault-secret-expiry",
    title: "Every secret ends, and says what it is",
    description: "attributes.expires and contentType are set on every secret.",
    why: "A secret without an end is never rotated, and one without a type is not recognised at three in the morning.",
    severity: "high",
    framework: { cis: ["8.3", "8.4"], mcsb: ["DP-6"], waf: ["SE:09"], risks: ["R08", "R12"] },
    remediation: "Give the catalogue's entry rotationDays and contentType.",
    url: `${DOCS}/key-vault/secrets/secrets-best-practices`,
    appliesTo: "any",
    types: [kinds.VAULT_SECRET],
  },
  (secret) => [
    ...mustExist(secret.at("properties", "attributes", "expires")),
    ...mustExist(secret.at("properties", "contentType")),
  ],
);

const diagnosed = stackRule(
  {
    id: "SEC-030",
    name: "diagnostics-on",
    title: "Whoever touches production data is in the log",
    description:
      "Servers, storage accounts, vaults, clusters and the edge of production have a diagnostic setting.",
    why: "After a breach nobody could say what was taken; the law asks for an answer within 72 hours.",
    severity: "high",
    framework: { cis: ["5.1.5"], mcsb: ["LT-3"], waf: ["SE:10"], risks: ["R07", "R08"] },
    remediation: "Call diagnostics for the resource.",
    url: `${DOCS}/azure-monitor/essentials/diagnostic-settings`,
    appliesTo: "prod",
  },
  (stack) => {
    const types = [kinds.SERVER, kinds.STORAGE_ACCOUNT, kinds.VAULT, kinds.CLUSTER, kinds.FRONT_DOOR];
    const logged = targetsOf(stack, ofType(stack, kinds.DIAGNOSTIC_SETTING), "resourceUri", ...types);
    return ofType(stack, ...types)
      .filter((resource) => !logged.has(resource))
      .map((resource) => about(resource, "must have a diagnostic setting"));
  },
);

export const DATA_SECURITY_RULES: readonly Rule[] = [
  serverPublic,
  firewallRules,
  parameters,
  extensions,
  entra,
  stated,
  storagePublic,
  containerPublic,
  storageTls,
  sharedKeys,
  copies,
  vaultRbac,
  vaultPublic,
  secretDates,
  diagnosed,
];
