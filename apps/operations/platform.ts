import { backupAccounts, virtualEndpointHosts, type RegionNames } from "../../infra/naming";
import { regionSubnets } from "../../infra/network/addressing";
import { REGIONS } from "../../infra/regions";
import { featuresOf } from "../../infra/secrets/features";
import type { OptionalFeature } from "../../infra/secrets/secretCatalogue";
import type { OutsideFileArgs } from "../../infra/statusPage/outsideFile";
import { pulledImages } from "../../stacks/images";
import { maintenanceOf } from "../../stacks/monitoringSettings";
import { readStacks } from "../../stacks/files";
import { stackPlatformNames } from "../../stacks/names";
import { SITE_HEALTH, SITES, type Site } from "../../stacks/sites";
import { refused } from "./frame/errors";

/** One region of an environment, by the names the stack file gives it. */
export interface RegionFacts {
  /** Key of the stack file: `primary` or `secondary`. */
  place: "primary" | "secondary";
  location: string;
  /** Short form; login roles of the region's workloads end in `_<code>`. */
  code: string;
  resourceGroup: string;
  server: string;
  serverHost: string;
  cluster: string;
  vault: string;
  virtualNetwork: string;
  /** Addresses Front Door's requests come from. */
  edgeCidr: string;
  /** Role the stack file gives it. */
  role: "serving" | "standby" | "lost";
}

/** What an operation needs to know of an environment. All of it derives from the stack file: no state is asked. */
export interface Platform {
  stack: string;
  /** `production` or `staging`: what records of backups, drills and incidents are filed under. */
  environment: string;
  subscriptionId: string;
  tenantId: string;
  regions: readonly RegionFacts[];
  namespace: string;
  writerHost: string;
  /** Name of the application's database. */
  database: string;
  /** Which pair of database servers the stack file names; default 1. */
  databaseGeneration?: number;
  /** How the stack file wants a server backed up that is made by itself. */
  databaseBackup: { retentionDays: number; geoRedundant: boolean };
  /** Public addresses that must answer 200. */
  sites: readonly string[];
  /** An address per site that is no health check: the page people open, and where partners deliver. */
  entries: readonly string[];
  /** Public host names; each is a Service of that name in the clusters. */
  hosts: Readonly<Record<Site, string>>;
  /** Front Door's profile and its one endpoint. */
  edge: { resourceGroup: string; profile: string; endpoint: string };
  /** The status page that stands outside the cluster, and what the stack file has it say. */
  statusPage: { resourceGroup: string; app: string; page: OutsideFileArgs };
  /** Image of nginx, pinned by digest. */
  frontImage: string;
  /** Accounts of backups, evidence and incidents, each in a region of its own. */
  backupAccounts: readonly { name: string; url: string }[];
  /** Accounts that keep the record of who serves, in three regions; none where the environment has one region. */
  servingPlaces: readonly { name: string; url: string }[];
  /** Seconds a call to a partner may take. */
  partnerCallSeconds: number;
  /** Seconds of log Azure may still have to archive: the newest moment that can be restored lies that far back. */
  restoreLagSeconds: number;
  /** Sizes of the nodes' machines. */
  vmSizes: readonly string[];
  /** Images the workloads run, each pinned by its digest. */
  images: readonly string[];
  /** Cores the nodes of a region have at work; what a standby region must be able to get. */
  coresAtWork: number;
  /** What decides which secrets of the catalogue it has. */
  secretFeatures: readonly OptionalFeature[];
  /** Longest life of a secret in days, whatever the catalogue says. */
  secretRotationDays: number;
  targets: { rpoSeconds: number; rtoSeconds: number };
}

/** @throws OperationError for a stack that has no file */
export function platformOf(root: string, stack: string): Platform {
  const stacks = readStacks(root);
  const config = stacks[stack];
  if (!config) throw refused(`stack "${stack}" has no file; allowed: ${Object.keys(stacks).join(", ")}`);
  const names = stackPlatformNames(config);
  const region = (place: RegionFacts["place"], of: RegionNames): RegionFacts => ({
    place,
    location: of.region,
    code: REGIONS[of.region].code,
    resourceGroup: of.resourceGroup,
    server: of.server,
    serverHost: `${of.server}.postgres.database.azure.com`,
    cluster: of.cluster,
    vault: of.vault,
    virtualNetwork: of.virtualNetwork,
    edgeCidr: regionSubnets(config.network[place]?.addressSpace ?? config.network.primary.addressSpace)[
      "private-link"
    ],
    role: config.regions[place]?.role ?? "lost",
  });
  const { edge, recovery, azure, database, cluster } = config;
  const accounts = backupAccounts(names).map(blobAccount);
  const hosts = { api: edge.apiHostName, dashboard: edge.dashboardHostName };
  return {
    stack,
    environment: config.environment,
    subscriptionId: azure.subscriptionId,
    tenantId: azure.tenantId,
    regions: [
      region("primary", names.primary),
      ...(names.secondary ? [region("secondary", names.secondary)] : []),
    ],
    namespace: names.namespace,
    writerHost: virtualEndpointHosts(names.virtualEndpoint).writer,
    database: database.applicationDatabase,
    databaseGeneration: database.generation,
    databaseBackup: {
      retentionDays: database.backupRetentionDays,
      geoRedundant: database.geoRedundantBackup,
    },
    sites: SITES.map((site) => `https://${hosts[site]}${SITE_HEALTH[site].ready}`),
    entries: [`https://${hosts.api}/webhooks`, `https://${hosts.dashboard}/`],
    hosts,
    edge: {
      resourceGroup: names.globalResourceGroup,
      profile: names.frontDoor,
      endpoint: names.frontDoorEndpoint,
    },
    statusPage: {
      resourceGroup: names.statusResourceGroup,
      app: names.statusApp,
      page: {
        environment: config.environment,
        targets: { api: `https://${hosts.api}`, dashboard: `https://${hosts.dashboard}` },
        maintenance: maintenanceOf(config),
        incidents: config.statusPage.incidents,
      },
    },
    frontImage: config.statusPage.frontImage,
    backupAccounts: accounts,
    servingPlaces: names.servingWitness ? [...accounts, blobAccount(names.servingWitness)] : [],
    partnerCallSeconds: config.gateway.timeoutSeconds,
    // "Up to five minutes": https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-backup-restore
    restoreLagSeconds: 300,
    vmSizes: [...new Set([cluster.systemPool.vmSize, cluster.userPool.vmSize])],
    images: pulledImages(config),
    coresAtWork:
      coresOf(cluster.systemPool.vmSize) * cluster.systemPool.count +
      coresOf(cluster.userPool.vmSize) * cluster.userPool.minCount,
    secretFeatures: featuresOf({ s3: recovery.s3, recipients: recovery.encryption.recipients }),
    secretRotationDays: config.vault.secretRotationDays,
    targets: { rpoSeconds: recovery.rpoMinutes * 60, rtoSeconds: recovery.rtoMinutes * 60 },
  };
}

function blobAccount({ region: name, storageAccount }: { region: string; storageAccount: string }) {
  return { name, url: `https://${storageAccount}.blob.core.windows.net` };
}

/** Cores of a VM size, which its name says: https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions. */
function coresOf(vmSize: string): number {
  return Number(/^Standard_[A-Z]+(\d+)/.exec(vmSize)?.[1] ?? 0);
}
