import type { MetricSource, MetricValues } from "../arm/context";
import type { EmulatedCloud } from "../cloud";
import { numberAt } from "../model/paths";
import type { DatabaseServers } from "./cloud";
import { metricsOf, type ServerMetrics } from "./metrics";

const GIB = 1024 ** 3;

/** Metrics the servers themselves can tell, by the names of Azure Monitor. */
const READINGS: Readonly<
  Record<string, { unit: string; of: (metrics: ServerMetrics, sizeGb: number) => number | undefined }>
> = {
  is_db_alive: { unit: "Count", of: ({ alive }) => alive },
  active_connections: { unit: "Count", of: ({ connections }) => connections },
  max_connections: { unit: "Count", of: ({ maxConnections }) => maxConnections },
  physical_replication_delay_in_seconds: {
    unit: "Seconds",
    of: ({ replicaLagSeconds }) => replicaLagSeconds,
  },
  physical_replication_delay_in_bytes: {
    unit: "Bytes",
    of: ({ replicationLagBytes }) => replicationLagBytes,
  },
  txlogs_storage_used: { unit: "Bytes", of: ({ logUsed }) => logUsed },
  storage_used: { unit: "Bytes", of: ({ storageUsed }) => storageUsed },
  storage_free: {
    unit: "Bytes",
    of: ({ storageUsed }, sizeGb) =>
      storageUsed === undefined ? undefined : Math.max(0, sizeGb * GIB - storageUsed),
  },
  storage_percent: {
    unit: "Percent",
    of: ({ storageUsed }, sizeGb) =>
      storageUsed === undefined ? undefined : (100 * storageUsed) / (sizeGb * GIB),
  },
};

/** Answers metrics of database servers from the real ones; nothing for what no server can tell. */
export function realMetrics(
  { cloud, now }: Pick<EmulatedCloud, "cloud" | "now">,
  servers: DatabaseServers,
): MetricSource {
  return async (resource, metric): Promise<MetricValues | undefined> => {
    const reading = READINGS[metric];
    const name = /\/flexibleServers\/([^/]+)$/i.exec(resource)?.[1] ?? "";
    const stored = cloud.get(`arm:${resource.toLowerCase()}`);
    if (!reading || !stored || !servers.names.includes(name)) return undefined;
    const sizeGb = numberAt(stored.outputs, "storage.storageSizeGB") ?? 32;
    const value = reading.of(await metricsOf(servers.server(name)), sizeGb);
    return { unit: reading.unit, points: value === undefined ? [] : [{ at: now(), value }] };
  };
}
