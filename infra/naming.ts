import { nameProblem, type NamedKind } from "../packages/azure-facts";
import { Region, REGIONS } from "./regions";

/** What a name is made of. */
export interface NamingInput {
  /** Product, e.g. `forma3d`: lower-case letters and digits. */
  product: string;
  /** Short name of the environment, e.g. `prod`: 2-4 lower-case letters or digits. */
  shortName: string;
  /**
   * Ending of the globally unique names of what a rebuild makes anew. Vault names stay reserved for up to 90 days after
   * deletion, so an environment that is rebuilt takes a new one.
   */
  nameSuffix: string;
  /** Ending of the globally unique names that a rebuild must find again: its backups, who serves, the edge's endpoint. */
  lastingNameSuffix: string;
  regions: { primary: Region; secondary?: Region };
  /** Region of the second backup account; default the second region. */
  backupCopy?: Region;
  /** Region of the third account that keeps the record of who serves. */
  witness?: Region;
  /** Which pair of database servers it is, from 1: another one is adopted from a restore. Default 1. */
  databaseGeneration?: number;
}

/**
 * Identities of the platform's workloads; each becomes one user-assigned managed identity in every region, so
 * that a region that is left alone can still issue tokens and trust its own cluster.
 */
export const IDENTITIES = [
  "api",
  "dashboard",
  "migration",
  "roles",
  "backup",
  "copy",
  "verify",
  "prune",
  "drill",
  "metrics",
  "operator",
  "preflight",
  "gateway",
  "monitoring",
  "blackbox",
  "status-page",
  "status-front",
] as const;

export type IdentityName = (typeof IDENTITIES)[number];

/** Names of one region's resources. */
export interface RegionNames {
  region: Region;
  resourceGroup: string;
  virtualNetwork: string;
  vault: string;
  server: string;
  cluster: string;
  clusterDnsPrefix: string;
  nodeResourceGroup: string;
  clusterIdentity: string;
  kubeletIdentity: string;
  identities: Record<IdentityName, string>;
  /** The public address the region's traffic to the internet comes from. */
  outboundAddress: string;
  nodesSecurityGroup: string;
  endpointsSecurityGroup: string;
  /** Private Link Services the cluster's cloud provider makes in front of its load balancers, by public site. */
  privateLinkServices: { api: string; dashboard: string };
}

/** One of the two accounts that hold the backups. */
export interface BackupAccountNames {
  region: Region;
  resourceGroup: string;
  storageAccount: string;
}

/** Names of everything one environment owns. The isolation inventory and the program both derive from it. */
export interface PlatformNames {
  /** Prefix of every Pulumi resource name and of most Azure names. */
  prefix: string;
  globalResourceGroup: string;
  /** Group of metrics and alerts; in the region of monitoring. */
  monitoringResourceGroup: string;
  /** Group of the outside status page, in its region: while a group's region is lost nothing in it can be changed. */
  statusResourceGroup: string;
  primary: RegionNames;
  secondary?: RegionNames;
  virtualEndpoint: string;
  /** Accounts of backups, in two regions; the second only where its region is known. */
  backups: { primary: BackupAccountNames; secondary?: BackupAccountNames };
  /** Third account that keeps the record of who serves; where there is one. */
  servingWitness?: { region: Region; storageAccount: string };
  /** Where the clusters pull their images from, and the host it answers under. */
  imageRegistry: { registry: string; loginServer: string };
  logWorkspace: string;
  monitorWorkspace: string;
  grafana: string;
  /** Container app of the outside status page, and its environment. */
  statusApp: string;
  statusAppEnvironment: string;
  frontDoor: string;
  frontDoorEndpoint: string;
  wafPolicy: string;
  /** Kubernetes namespace of the application. */
  namespace: string;
}

const join = (...parts: string[]): string => parts.filter((part) => part !== "").join("-");

function regionNames(input: NamingInput, region: Region): RegionNames {
  const { code } = REGIONS[region];
  const stem = join(input.product, input.shortName, code);
  const unique = join(stem, input.nameSuffix);
  return {
    region,
    resourceGroup: `rg-${stem}`,
    virtualNetwork: `vnet-${stem}`,
    vault: `kv-${unique}`,
    server: databaseServerName(`psql-${unique}`, input.databaseGeneration),
    cluster: `aks-${stem}`,
    clusterDnsPrefix: stem,
    nodeResourceGroup: `rg-${stem}-nodes`,
    clusterIdentity: `id-${stem}-cluster`,
    kubeletIdentity: `id-${stem}-kubelet`,
    identities: Object.fromEntries(IDENTITIES.map((name) => [name, `id-${stem}-${name}`])) as Record<
      IdentityName,
      string
    >,
    outboundAddress: `pip-${stem}-outbound`,
    nodesSecurityGroup: `nsg-${stem}-nodes`,
    endpointsSecurityGroup: `nsg-${stem}-endpoints`,
    privateLinkServices: { api: `pls-${stem}-api`, dashboard: `pls-${stem}-dashboard` },
  };
}

/** Name of a database server of some generation; the first one's is the stem. */
function databaseServerName(stem: string, generation = 1): string {
  return generation === 1 ? stem : `${stem}-g${generation}`;
}

/** Name the server of the next generation has. */
export function nextDatabaseServer(server: string, generation = 1): string {
  const stem = generation === 1 ? server : server.slice(0, -`-g${generation}`.length);
  return databaseServerName(stem, generation + 1);
}

function backupAccount(input: NamingInput, region: Region): BackupAccountNames {
  const { code } = REGIONS[region];
  return {
    region,
    resourceGroup: `rg-${join(input.product, input.shortName, code)}`,
    storageAccount: `st${input.product}${input.shortName}bkp${code}${input.lastingNameSuffix}`,
  };
}

/** Derives every name of an environment. Pure; the same input always gives the same names. */
export function platformNames(input: NamingInput): PlatformNames {
  const stem = join(input.product, input.shortName);
  const unique = join(stem, input.nameSuffix);
  const compact = `${input.product}${input.shortName}`;
  const copy = input.regions.secondary ?? input.backupCopy;
  return {
    prefix: stem,
    globalResourceGroup: `rg-${stem}-global`,
    monitoringResourceGroup: `rg-${stem}-monitoring`,
    statusResourceGroup: `rg-${stem}-status`,
    primary: regionNames(input, input.regions.primary),
    secondary: input.regions.secondary && regionNames(input, input.regions.secondary),
    virtualEndpoint: `${unique}-db`,
    backups: {
      primary: backupAccount(input, input.regions.primary),
      secondary: copy && backupAccount(input, copy),
    },
    servingWitness: input.witness && {
      region: input.witness,
      storageAccount: `st${compact}wit${REGIONS[input.witness].code}${input.lastingNameSuffix}`,
    },
    imageRegistry: imageRegistry(`cr${compact}${input.lastingNameSuffix}`),
    logWorkspace: `log-${stem}`,
    monitorWorkspace: `amw-${stem}`,
    grafana: `graf-${compact}`,
    statusApp: `ca-${stem}-status`,
    statusAppEnvironment: `cae-${stem}-status`,
    frontDoor: `afd-${stem}`,
    frontDoorEndpoint: `fde-${join(stem, input.lastingNameSuffix)}`,
    wafPolicy: `waf${compact}`,
    namespace: input.product,
  };
}

const imageRegistry = (registry: string): PlatformNames["imageRegistry"] => ({
  registry,
  loginServer: `${registry}.azurecr.io`,
});

/** Resource id of the address a region's traffic leaves from. */
export function publicAddressId(
  subscriptionId: string,
  { resourceGroup, outboundAddress }: Pick<RegionNames, "resourceGroup" | "outboundAddress">,
): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/publicIPAddresses/${outboundAddress}`;
}

/** Resource id of the workspace of logs. */
export function logWorkspaceId(
  subscriptionId: string,
  { globalResourceGroup, logWorkspace }: Pick<PlatformNames, "globalResourceGroup" | "logWorkspace">,
): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${globalResourceGroup}/providers/Microsoft.OperationalInsights/workspaces/${logWorkspace}`;
}

/** Resource id of the registry of images. */
export function imageRegistryId(
  subscriptionId: string,
  { globalResourceGroup, imageRegistry: own }: Pick<PlatformNames, "globalResourceGroup" | "imageRegistry">,
): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${globalResourceGroup}/providers/Microsoft.ContainerRegistry/registries/${own.registry}`;
}

/** The accounts of backups, the first region's first. */
export function backupAccounts({ backups }: Pick<PlatformNames, "backups">): BackupAccountNames[] {
  return [backups.primary, ...(backups.secondary ? [backups.secondary] : [])];
}

/** Every name of an environment that breaks an Azure rule, as `key: what is wrong`. */
export function nameProblems(names: PlatformNames): string[] {
  const regions = [names.primary, ...(names.secondary ? [names.secondary] : [])];
  const checks: [string, NamedKind, string][] = [
    ["globalResourceGroup", "resourceGroup", names.globalResourceGroup],
    ["monitoringResourceGroup", "resourceGroup", names.monitoringResourceGroup],
    ["statusResourceGroup", "resourceGroup", names.statusResourceGroup],
    ["virtualEndpoint", "virtualEndpoint", names.virtualEndpoint],
    ...backupAccounts(names).map(({ storageAccount }): [string, NamedKind, string] => [
      "storageAccount",
      "storageAccount",
      storageAccount,
    ]),
    ...(names.servingWitness
      ? [
          ["servingWitness", "storageAccount", names.servingWitness.storageAccount] as [
            string,
            NamedKind,
            string,
          ],
        ]
      : []),
    ["imageRegistry", "containerRegistry", names.imageRegistry.registry],
    ["logWorkspace", "workspace", names.logWorkspace],
    ["monitorWorkspace", "workspace", names.monitorWorkspace],
    ["grafana", "grafana", names.grafana],
    ["statusApp", "containerApp", names.statusApp],
    ["statusAppEnvironment", "containerApp", names.statusAppEnvironment],
    ["frontDoor", "frontDoor", names.frontDoor],
    ["frontDoorEndpoint", "frontDoorEndpoint", names.frontDoorEndpoint],
    ["wafPolicy", "wafPolicy", names.wafPolicy],
    ...regions.flatMap((region): [string, NamedKind, string][] => [
      [`${region.region}.resourceGroup`, "resourceGroup", region.resourceGroup],
      [`${region.region}.virtualNetwork`, "virtualNetwork", region.virtualNetwork],
      [`${region.region}.vault`, "vault", region.vault],
      [`${region.region}.server`, "postgresServer", region.server],
      [`${region.region}.cluster`, "managedCluster", region.cluster],
      ...IDENTITIES.map((id): [string, NamedKind, string] => [
        `${region.region}.identities.${id}`,
        "identity",
        region.identities[id],
      ]),
    ]),
  ];
  return checks.flatMap(([key, kind, name]) => {
    const problem = nameProblem(kind, name);
    return problem ? [`${key}: ${problem}`] : [];
  });
}

/** The name-resolution zones private endpoints need, by what they serve. */
export const PRIVATE_DNS_ZONES = {
  database: "privatelink.postgres.database.azure.com",
  vault: "privatelink.vaultcore.azure.net",
  blob: "privatelink.blob.core.windows.net",
  registry: "privatelink.azurecr.io",
} as const;

/** URN of the virtual endpoint, as a pattern of the engine's `--exclude` and `--target`. */
export const ENDPOINT_URNS = "**-database-endpoint";

/** Host names of a PostgreSQL virtual endpoint: `writer` follows the primary, `reader` the replica. */
export function virtualEndpointHosts(virtualEndpoint: string): { writer: string; reader: string } {
  return {
    writer: `${virtualEndpoint}.writer.postgres.database.azure.com`,
    reader: `${virtualEndpoint}.reader.postgres.database.azure.com`,
  };
}
