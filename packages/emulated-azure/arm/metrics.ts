import { textAt } from "../model/paths";
import type { Stored } from "../model/types";
import type { ArmContext, MetricSource, MetricValues } from "./context";

/**
 * Metrics of a resource type, with their units
 * (https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/metrics-index).
 */
export const METRICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "azure-native:dbforpostgresql:Server": {
    is_db_alive: "Count",
    cpu_percent: "Percent",
    memory_percent: "Percent",
    storage_percent: "Percent",
    storage_free: "Bytes",
    storage_used: "Bytes",
    txlogs_storage_used: "Bytes",
    backup_storage_used: "Bytes",
    active_connections: "Count",
    connections_failed: "Count",
    connections_succeeded: "Count",
    max_connections: "Count",
    disk_iops_consumed_percentage: "Percent",
    disk_bandwidth_consumed_percentage: "Percent",
    iops: "Count",
    disk_queue_depth: "Count",
    maximum_used_transactionIDs: "Count",
    physical_replication_delay_in_bytes: "Bytes",
    physical_replication_delay_in_seconds: "Seconds",
    logical_replication_delay_in_bytes: "Bytes",
    sessions_by_state: "Count",
    longest_query_time_sec: "Seconds",
    deadlocks: "Count",
    numbackends: "Count",
  },
  "azure-native:cdn:Profile": {
    RequestCount: "Count",
    RequestSize: "Bytes",
    ResponseSize: "Bytes",
    TotalLatency: "MilliSeconds",
    OriginHealthPercentage: "Percent",
    OriginLatency: "MilliSeconds",
    OriginRequestCount: "Count",
    Percentage4XX: "Percent",
    Percentage5XX: "Percent",
    WebApplicationFirewallRequestCount: "Count",
  },
  "azure-native:storage:StorageAccount": {
    Availability: "Percent",
    Egress: "Bytes",
    Ingress: "Bytes",
    Transactions: "Count",
    UsedCapacity: "Bytes",
  },
};

/**
 * What the model itself can tell: whether a server answers. A server whose region is lost sends no value at all. Every
 * other metric is known and has no values, unless whoever runs real servers answers for them.
 */
export function modelMetrics({
  cloud,
  front,
  now,
}: Pick<ArmContext, "cloud" | "front" | "now">): MetricSource {
  return (resource, metric): MetricValues | undefined => {
    const stored = cloud.get(`arm:${resource.toLowerCase()}`);
    const unit = stored && METRICS[stored.type]?.[metric];
    if (!stored || unit === undefined) return undefined;
    const points = metric === "is_db_alive" ? alive(stored, front, now()) : [];
    return { unit, points };
  };
}

function alive(stored: Stored, front: ArmContext["front"], at: Date): MetricValues["points"] {
  const lost = front.unreachable({ operation: "read", type: stored.type, name: "", key: stored.key });
  if (lost !== undefined) return [];
  return [{ at, value: textAt(stored.outputs, "state") === "Ready" ? 1 : 0 }];
}
