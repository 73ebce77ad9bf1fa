/** Kinds of service Azure gives a host name of its own. */
export type ManagedKind = "database" | "vault" | "storage" | "cluster";

const DATABASE = [
  "postgres.database.azure.com",
  "postgres.database.chinacloudapi.cn",
  "postgres.database.usgovcloudapi.net",
  "postgres.cosmos.azure.com",
  "mysql.database.azure.com",
  "mysql.database.chinacloudapi.cn",
  "mysql.database.usgovcloudapi.net",
  "mariadb.database.azure.com",
  "database.windows.net",
  "database.chinacloudapi.cn",
  "database.usgovcloudapi.net",
  "redis.cache.windows.net",
  "redis.cache.chinacloudapi.cn",
  "redis.cache.usgovcloudapi.net",
  "redisenterprise.cache.azure.net",
  "redis.azure.net",
  "mongocluster.cosmos.azure.com",
  "table.cosmos.azure.com",
  "mongo.cosmos.azure.com",
  "cassandra.cosmos.azure.com",
  "gremlin.cosmos.azure.com",
  "documents.azure.com",
  "search.windows.net",
  "search.azure.us",
  "search.azure.cn",
  // Service Bus, Event Hubs and Relay.
  "servicebus.windows.net",
  "servicebus.usgovcloudapi.net",
  "servicebus.chinacloudapi.cn",
];

const VAULT = [
  "vault.azure.net",
  "vaultcore.azure.net",
  "managedhsm.azure.net",
  "vault.azure.cn",
  "vaultcore.azure.cn",
  "vault.usgovcloudapi.net",
  "vaultcore.usgovcloudapi.net",
  // App Configuration, which holds settings and refers to secrets.
  "azconfig.io",
  "azconfig.azure.us",
  "azconfig.azure.cn",
];

const STORAGE_CLOUDS = [
  "core.windows.net",
  "core.chinacloudapi.cn",
  "core.usgovcloudapi.net",
  "storage.azure.net",
];
const STORAGE_SERVICES = ["blob", "dfs", "file", "queue", "table", "web"];

const CLUSTER = ["azmk8s.io", "cx.prod.service.azk8s.cn", "cx.aks.containerservice.azure.us"];

/** Host name suffixes, most specific first, with what they belong to; sovereign clouds included. */
export const MANAGED_SUFFIXES: readonly { suffix: string; kind: ManagedKind }[] = [
  ...DATABASE.map((suffix) => ({ suffix, kind: "database" as const })),
  ...VAULT.map((suffix) => ({ suffix, kind: "vault" as const })),
  ...STORAGE_CLOUDS.flatMap((cloud) =>
    STORAGE_SERVICES.map((service) => ({ suffix: `${service}.${cloud}`, kind: "storage" as const })),
  ),
  ...CLUSTER.map((suffix) => ({ suffix, kind: "cluster" as const })),
];

const TOP_LEVEL = new Set(MANAGED_SUFFIXES.map(({ suffix }) => suffix.slice(suffix.lastIndexOf(".") + 1)));

/** Labels Azure puts between a resource's name and the suffix. */
const QUALIFIERS =
  /^(?:privatelink|private|writer|reader|z\d{1,3}|hcp|tun|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** A region in a host name; resources' names there carry a hyphen and a hash. */
const REGION = /^[a-z]{4,30}\d?$/;

/** Names Entra ID issues tokens for, the same for every tenant; no server answers to them. */
const AUDIENCES = new Set(
  ["database.windows.net", "database.chinacloudapi.cn", "database.usgovcloudapi.net"].map(
    (suffix) => `ossrdbms-aad.${suffix}`,
  ),
);

/** Labels that say where a resource of some services stands, or in which zone of names. */
const PLACED: readonly (readonly [RegExp, RegExp])[] = [
  [/^redis(?:enterprise\.cache)?\.azure\.net$/, REGION],
  [/^(?:database\.windows\.net|postgres\.cosmos\.azure\.com)$/, /^[0-9a-z]{12,14}$/],
];

/** A managed host name taken apart. */
export interface ManagedHost {
  readonly kind: ManagedKind;
  /** The resource's name; `*` for a wildcard. */
  readonly resource: string;
  /** Labels after it that Azure does not put there, e.g. a private zone of someone's own. */
  readonly extra: readonly string[];
}

/**
 * Takes a lower-case host name apart. Returns undefined when no managed service answers to it, and for a bare
 * zone name such as `privatelink.blob.core.windows.net`, which belongs to nobody.
 */
export function managedHost(host: string): ManagedHost | undefined {
  if (!TOP_LEVEL.has(host.slice(host.lastIndexOf(".") + 1))) return undefined;
  for (const { suffix, kind } of MANAGED_SUFFIXES) {
    if (!host.endsWith(suffix) || host.length === suffix.length) continue;
    if (host[host.length - suffix.length - 1] !== ".") continue;
    const labels = host.slice(0, -suffix.length - 1).split(".");
    const [first = "", ...rest] = labels;
    // The zone of private clusters carries its region: `privatelink.westeurope.azmk8s.io`.
    const last = rest.at(-1) ?? "";
    const qualifying = kind === "cluster" && REGION.test(last) ? rest.slice(0, -1) : rest;
    if (QUALIFIERS.test(first) && qualifying.every((label) => QUALIFIERS.test(label))) return undefined;
    if (AUDIENCES.has(host)) return undefined;
    // The region stands between an AKS host's qualifier and its suffix.
    const added = PLACED.find(([pattern]) => pattern.test(suffix))?.[1];
    const extra =
      kind === "cluster"
        ? []
        : rest.filter((label) => !QUALIFIERS.test(label) && added?.test(label) !== true);
    const resource = first.replace(/^-[a-z]?(?=[a-z0-9])/, (dash) => (dash.length > 1 ? dash.slice(1) : ""));
    return { kind, resource: kind === "storage" ? resource.replace(/-secondary$/, "") : resource, extra };
  }
  return undefined;
}

/** Whether a wildcard such as `*.azure.com` takes in a managed suffix or a part of one. */
export function coversManagedSuffix(host: string): boolean {
  const domain = host.replace(/^[*.]+/, "");
  return (
    domain === "" || MANAGED_SUFFIXES.some(({ suffix }) => suffix === domain || suffix.endsWith(`.${domain}`))
  );
}
