import { Authority } from "./certificates";
import { originHealth } from "./edge";
import type { EmulatedCloud } from "./cloud";
import { Clusters, type PodBehaviour } from "./kubernetes";
import { liveOfType } from "./model/cloud";
import { lastName } from "./model/ids";
import type { Stored } from "./model/types";
import { realise, realMetrics, type DatabaseServers } from "./servers";
import { StorageAccounts } from "./storage";

const SERVER = "azure-native:dbforpostgresql:Server";
/** Names the certificate of the database servers is for. */
const SERVER_NAMES = ["*.", "*.writer.", "*.reader."].map((prefix) => `${prefix}postgres.database.azure.com`);

/** The servers that run behind an emulated cloud, each on ports of the loopback. */
export interface Real {
  readonly authority: Authority;
  readonly databases: DatabaseServers;
  readonly storage: StorageAccounts;
  readonly clusters: Clusters;
  /** Port of loopback that answers for a host name and port of Azure's; undefined when nothing does. */
  portOf(host: string, port: number): number | undefined;
  /** Resource whose server answers for a host name, of those that decide by address who may connect; undefined for others. */
  behind(host: string): Stored | undefined;
  /** Ends every server and deletes what it held. */
  close(): Promise<void>;
}

export interface RealOptions {
  /** Signs every certificate; one of its own unless given. */
  readonly authority?: Authority;
  /** What stands for the machines below a cluster, by its name; every pod is placed and gets ready unless given. */
  readonly pods?: (cluster: string) => PodBehaviour;
}

/**
 * Starts a real server for whatever the cloud holds that has a data plane, lets it follow what happens to the cloud, and
 * lets it answer the metrics it can: a PostgreSQL for each database server, a blob server for each storage account, a
 * Kubernetes API for each cluster. Vaults need none.
 * @throws NotRunError when a program is not installed
 */
export async function putRealBehind(cloud: EmulatedCloud, options: RealOptions = {}): Promise<Real> {
  const { authority = await Authority.create(), pods } = options;
  const started: { close(): Promise<void> }[] = [];
  const kept = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const one = await starting;
    started.push(one);
    return one;
  };
  const close = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.close()));
  };
  const tls = await authority.issue(...SERVER_NAMES);
  const all = await Promise.allSettled([
    kept(realise(cloud, tls)),
    kept(StorageAccounts.open(cloud)),
    kept(Clusters.open(cloud, authority, pods)),
  ] as const);
  const [databases, storage, clusters] = all;
  if (databases.status === "rejected" || storage.status === "rejected" || clusters.status === "rejected") {
    await close();
    throw all.find((one) => one.status === "rejected")?.reason;
  }
  cloud.metricSources.push(
    realMetrics(cloud, databases.value),
    originHealth(cloud, (cluster, service) => clusters.value.answers(cluster, service)),
  );
  cloud.losses.on((region, lost) =>
    lost ? databases.value.loseRegion(region, lost) : databases.value.returnRegion(region),
  );
  return {
    authority,
    databases: databases.value,
    storage: storage.value,
    clusters: clusters.value,
    portOf: (host, port) =>
      databases.value.portOf(host, port) ?? (port === 443 ? clusters.value.portOf(host) : undefined),
    behind: (host) => {
      const server = databases.value.behind(host)?.name;
      return server === undefined
        ? clusters.value.resourceOf(host)
        : liveOfType(cloud.cloud, SERVER).find(({ id }) => lastName(id) === server);
    },
    close,
  };
}
