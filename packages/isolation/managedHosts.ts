/** Kinds of service Azure gives a host name of its own; `host` is what answers requests: sites, gateways, workspaces. */
export type ManagedKind = "database" | "vault" | "storage" | "cluster" | "host";

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
  // Stores of analyses, devices, messages and models.
  "kusto.windows.net",
  "sql.azuresynapse.net",
  "dev.azuresynapse.net",
  "azuredatalakestore.net",
  "datawarehouse.fabric.microsoft.com",
  "dfs.fabric.microsoft.com",
  "blob.fabric.microsoft.com",
  "azuredatabricks.net",
  "azurehdinsight.net",
  "azure-devices.net",
  "digitaltwins.azure.net",
  "azurehealthcareapis.com",
  "purview.azure.com",
  "eventgrid.azure.net",
  "service.signalr.net",
  "webpubsub.azure.com",
  "communication.azure.com",
  "batch.azure.com",
  "inference.ml.azure.com",
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

/** What answers requests, and what programs are handed to; the more specific suffix first. */
const HOST = [
  "scm.azurewebsites.net",
  "azurewebsites.net",
  "azurewebsites.us",
  "chinacloudsites.cn",
  "azurecontainerapps.io",
  "management.azure-api.net",
  "developer.azure-api.net",
  "portal.azure-api.net",
  "scm.azure-api.net",
  "configuration.azure-api.net",
  "azure-api.net",
  "azurefd.net",
  // Runbooks, started by whoever knows the address.
  "azure-automation.net",
  "grafana.azure.com",
  "prometheus.monitor.azure.com",
  "metrics.ingest.monitor.azure.com",
  "ingest.monitor.azure.com",
];

/** Host name suffixes, most specific first, with what they belong to; sovereign clouds included. */
export const MANAGED_SUFFIXES: readonly { suffix: string; kind: ManagedKind }[] = [
  ...DATABASE.map((suffix) => ({ suffix, kind: "database" as const })),
  ...VAULT.map((suffix) => ({ suffix, kind: "vault" as const })),
  ...STORAGE_CLOUDS.flatMap((cloud) =>
    STORAGE_SERVICES.map((service) => ({ suffix: `${service}.${cloud}`, kind: "storage" as const })),
  ),
  ...CLUSTER.map((suffix) => ({ suffix, kind: "cluster" as const })),
  ...HOST.map((suffix) => ({ suffix, kind: "host" as const })),
];

/** The last two labels of a host. */
const domainOf = (host: string): string => host.slice(host.lastIndexOf(".", host.lastIndexOf(".") - 1) + 1);
/** Suffixes by their last two labels: most hosts have others. */
const BY_DOMAIN = new Map(
  [...new Set(MANAGED_SUFFIXES.map(({ suffix }) => domainOf(suffix)))].map((domain) => [
    domain,
    MANAGED_SUFFIXES.filter(({ suffix }) => domainOf(suffix) === domain),
  ]),
);

/** Labels Azure puts between a resource's name and the suffix. */
const QUALIFIERS =
  /^(?:privatelink|private|writer|reader|z\d{1,3}|hcp|tun|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** A region in a host name; resources' names there carry a hyphen and a hash. */
const REGION = /^[a-z]{4,30}\d?$/;

/** The same with the number of a stamp, a zone's code or a geography. */
const PLACE = /^(?:[a-z]{2,30}\d?(?:-\d{1,2})?|[a-z]?\d{1,2})$/;

/** Names Entra ID issues tokens for, the same for every tenant; no server answers to them. */
const AUDIENCES = new Set([
  ...["database.windows.net", "database.chinacloudapi.cn", "database.usgovcloudapi.net"].map(
    (suffix) => `ossrdbms-aad.${suffix}`,
  ),
  "kusto.kusto.windows.net",
]);

/** Labels that say where a resource of some services stands, or in which zone of names. */
const PLACED: readonly (readonly [RegExp, RegExp])[] = [
  [/^redis(?:enterprise\.cache)?\.azure\.net$/, REGION],
  [/^(?:database\.windows\.net|postgres\.cosmos\.azure\.com)$/, /^[0-9a-z]{12,14}$/],
  [
    /^(?:kusto\.windows|eventgrid\.azure|digitaltwins\.azure|azuredatabricks|(?:scm\.)?azurewebsites|azurefd)\.net$/,
    PLACE,
  ],
  [
    /^(?:communication|batch|inference\.ml|grafana|prometheus\.monitor|(?:metrics\.)?ingest\.monitor)\.azure\.com$/,
    PLACE,
  ],
  // An environment's own part stands between an app and its region.
  [/^azurecontainerapps\.io$/, /./],
];

/** What some services put around a resource's name. */
const AROUND: readonly (readonly [RegExp, RegExp])[] = [
  [/^kusto\.windows\.net$/, /^ingest-/],
  [/^sql\.azuresynapse\.net$/, /-ondemand$/],
  [/^azurecontainerapps\.io$/, /--.*$/],
];
/** Hosts of a name and a hash, where a label says which stamp or zone they are in. */
const HASHED =
  /^(?:(?:scm\.)?azurewebsites\.net|azurefd\.net|grafana\.azure\.com|[\w.]+\.monitor\.azure\.com)$/;

/** The name of a resource in the first label of its host. */
function nameIn(label: string, suffix: string, isPlaced: boolean): string {
  const around = AROUND.find(([pattern]) => pattern.test(suffix))?.[1];
  const bare = around ? label.replace(around, "") : label;
  return isPlaced && HASHED.test(suffix) ? bare.replace(/-[a-z0-9]{4,16}$/, "") : bare;
}

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
  for (const { suffix, kind } of BY_DOMAIN.get(domainOf(host)) ?? []) {
    if (!host.endsWith(suffix) || host.length === suffix.length) continue;
    if (host[host.length - suffix.length - 1] !== ".") continue;
    const labels = host.slice(0, -suffix.length - 1).split(".");
    const [first = "", ...rest] = labels;
    // The zone of private clusters carries its region: `privatelink.westeurope.azmk8s.io`.
    const last = rest.at(-1) ?? "";
    const qualifying = kind === "cluster" && REGION.test(last) ? rest.slice(0, -1) : rest;
    if (QUALIFIERS.test(first) && qualifying.every((label) => QUALIFIERS.test(label))) return undefined;
    if (AUDIENCES.has(host)) return undefined;
    // The domain of a whole environment of container apps is none of theirs.
    if (suffix === "azurecontainerapps.io" && labels.length < 3) return undefined;
    // The region stands between an AKS host's qualifier and its suffix.
    const added = PLACED.find(([pattern]) => pattern.test(suffix))?.[1];
    const extra =
      kind === "cluster"
        ? []
        : rest.filter((label) => !QUALIFIERS.test(label) && added?.test(label) !== true);
    const name = nameIn(first, suffix, rest.length > 0);
    const resource = name.replace(/^-[a-z]?(?=[a-z0-9])/, (dash) => (dash.length > 1 ? dash.slice(1) : ""));
    return { kind, resource: kind === "storage" ? resource.replace(/-secondary$/, "") : resource, extra };
  }
  return undefined;
}

/** Suffixes of what holds data; nodes have to reach hosts below some of the others, such as those metrics go to. */
const STORES = MANAGED_SUFFIXES.filter(({ kind }) => kind !== "host");

/** Whether a wildcard such as `*.azure.com` takes in a suffix of what holds data, or a part of one. */
export function coversManagedSuffix(host: string): boolean {
  const domain = host.replace(/^[*.]+/, "");
  return domain === "" || STORES.some(({ suffix }) => suffix === domain || suffix.endsWith(`.${domain}`));
}
