import { AlertSettings } from "../settings";
import { ActivityLogAlert, AzureMetricAlert, PrometheusAlert } from "../types";

const GIB = 1_073_741_824;

/** The database as the exporter sees it. */
export function databaseAlerts({ thresholds }: AlertSettings): PrometheusAlert[] {
  const base = { kind: "prometheus", group: "forma3d-database", owner: "platform" } as const;
  return [
    {
      ...base,
      name: "DatabaseUnobserved",
      // Without the exporter `pg_up == 0` has nothing to compare and DatabaseDown stays silent.
      expression: "absent(pg_up)",
      for: "5m",
      priority: "P2",
      summary: "Nobody watches the database",
      description: "The PostgreSQL exporter has delivered nothing for 5 minutes, so DatabaseDown cannot fire",
      runbook: "monitoring-blind",
      risks: ["R01"],
    },
    {
      ...base,
      name: "DatabaseConnectionsHigh",
      expression: `sum(pg_stat_activity_count) / max(pg_settings_max_connections) > ${thresholds.databaseConnectionsPercent / 100}`,
      for: "5m",
      priority: "P2",
      summary: "Database connections run out",
      description: `More than ${thresholds.databaseConnectionsPercent}% of the connections have been in use for 5 minutes`,
      runbook: "database-connection",
      risks: ["R01"],
    },
    {
      ...base,
      name: "DatabaseLongTransaction",
      expression: "max by (datname) (pg_stat_activity_max_tx_duration) > 10800",
      for: "5m",
      priority: "P3",
      summary: "A transaction has been open for hours",
      description:
        "A transaction on {{ $labels.datname }} is older than 3 hours: it keeps vacuum from working and locks from going",
      runbook: "database-connection",
      risks: ["R01", "R13"],
    },
    {
      ...base,
      name: "DatabaseDeadlocks",
      expression: "sum by (datname) (increase(pg_stat_database_deadlocks[10m])) > 5",
      for: "0s",
      priority: "P3",
      summary: "Deadlocks in the database",
      description: "More than 5 deadlocks on {{ $labels.datname }} within 10 minutes",
      runbook: "error-rate-spike",
      owner: "application",
      risks: ["R09"],
    },
    {
      ...base,
      name: "DatabaseRollbacksHigh",
      expression:
        "sum by (datname) (rate(pg_stat_database_xact_rollback[10m])) / (sum by (datname) (rate(pg_stat_database_xact_rollback[10m])) + sum by (datname) (rate(pg_stat_database_xact_commit[10m]))) > 0.2",
      for: "10m",
      priority: "P3",
      summary: "Many transactions fail",
      description:
        "Over 20% of the transactions on {{ $labels.datname }} have been rolled back for 10 minutes: errors, or damaged data",
      runbook: "error-rate-spike",
      owner: "application",
      risks: ["R02"],
    },
  ];
}

/** The servers as Azure sees them; these work while the cluster does not. */
export function databaseMetricAlerts({ thresholds, objectives }: AlertSettings): AzureMetricAlert[] {
  const rpoSeconds = objectives.rpoMinutes * 60;
  const server = {
    kind: "metric",
    scope: "primaryServer",
    metricNamespace: "Microsoft.DBforPostgreSQL/flexibleServers",
    aggregation: "Average",
    operator: "GreaterThan",
    evaluationFrequency: "PT1M",
    windowSize: "PT5M",
    owner: "platform",
  } as const;
  const replica = {
    ...server,
    scope: "replicaServer",
    aggregation: "Maximum",
    skipMetricValidation: true,
  } as const;
  return [
    {
      ...server,
      name: "DatabaseServerNotAlive",
      metricName: "is_db_alive",
      // Azure reports 1 or 0 several times a minute; only the maximum tells a whole minute of silence.
      aggregation: "Maximum",
      operator: "LessThan",
      threshold: 1,
      windowSize: "PT1M",
      priority: "P1",
      summary: "Azure reports the database server as not alive",
      description: "The server did not answer Azure's own check for a whole minute",
      runbook: "database-connection",
      risks: ["R01"],
    },
    {
      ...server,
      name: "DatabaseStorageFilling",
      metricName: "storage_percent",
      threshold: thresholds.databaseStoragePercent.warning,
      windowSize: "PT15M",
      evaluationFrequency: "PT5M",
      priority: "P3",
      summary: "The database's disk fills up",
      description: `The disk has been above ${thresholds.databaseStoragePercent.warning}% for 15 minutes; autogrow should have enlarged it`,
      runbook: "disk-space",
      risks: ["R13"],
    },
    {
      ...server,
      name: "DatabaseStorageAlmostFull",
      metricName: "storage_percent",
      threshold: thresholds.databaseStoragePercent.urgent,
      priority: "P1",
      summary: "The database's disk is almost full",
      description: `The disk is above ${thresholds.databaseStoragePercent.urgent}%; at 95% Azure makes the server read-only`,
      runbook: "disk-space",
      risks: ["R13"],
    },
    {
      ...server,
      name: "DatabaseCpuHigh",
      metricName: "cpu_percent",
      threshold: thresholds.databaseCpuPercent,
      windowSize: "PT15M",
      evaluationFrequency: "PT5M",
      priority: "P2",
      summary: "The database server is out of CPU",
      description: `CPU has been above ${thresholds.databaseCpuPercent}% for 15 minutes`,
      runbook: "database-connection",
      risks: ["R01"],
    },
    {
      ...server,
      name: "DatabaseMemoryHigh",
      metricName: "memory_percent",
      threshold: thresholds.memoryPercent,
      windowSize: "PT15M",
      evaluationFrequency: "PT5M",
      priority: "P3",
      summary: "The database server is short of memory",
      description: `Memory has been above ${thresholds.memoryPercent}% for 15 minutes`,
      runbook: "memory-oom",
      risks: ["R14"],
    },
    {
      ...server,
      name: "DatabaseConnectionsFailing",
      metricName: "connections_failed",
      aggregation: "Total",
      threshold: 50,
      priority: "P3",
      summary: "Connections to the database fail",
      description:
        "More than 50 connections failed within 5 minutes: a wrong password, or somebody guessing one",
      runbook: "database-connection",
      risks: ["R08", "R09"],
    },
    {
      ...server,
      name: "DatabaseWalPilingUp",
      metricName: "txlogs_storage_used",
      threshold: thresholds.databaseWalGiB * GIB,
      windowSize: "PT15M",
      evaluationFrequency: "PT5M",
      priority: "P2",
      summary: "Write-ahead log piles up on the server",
      description: `More than ${thresholds.databaseWalGiB} GiB of log are kept: the replica or the archiver no longer takes it`,
      runbook: "database-failover",
      risks: ["R01", "R13"],
    },
    {
      ...server,
      name: "DatabaseBackupsMissing",
      metricName: "backup_storage_used",
      aggregation: "Maximum",
      operator: "LessThanOrEqual",
      threshold: 0,
      windowSize: "PT1H",
      evaluationFrequency: "PT1H",
      priority: "P2",
      summary: "Azure keeps no backup of the database",
      description: "Azure's backup storage has been empty for an hour: no point-in-time restore is possible",
      runbook: "backup-failed",
      risks: ["R02", "R10"],
    },
    {
      ...replica,
      name: "ReplicaLagging",
      metricName: "physical_replication_delay_in_seconds",
      threshold: rpoSeconds / 12,
      priority: "P3",
      summary: "The replica lags behind",
      description: `The replica in the second region is more than ${rpoSeconds / 12} seconds behind`,
      runbook: "database-failover",
      risks: ["R01"],
    },
    {
      ...replica,
      name: "ReplicaLagEndangersRpo",
      metricName: "physical_replication_delay_in_seconds",
      threshold: rpoSeconds / 2,
      priority: "P1",
      summary: "A failover now would lose half of the allowed data",
      description: `The replica is more than ${rpoSeconds / 2} seconds behind, half of the recovery point objective`,
      runbook: "database-failover",
      risks: ["R01", "R11"],
    },
  ];
}

/** Health of the servers, high availability included: Azure gives no metric of it. */
export const DATABASE_ACTIVITY_ALERTS: readonly ActivityLogAlert[] = [
  {
    kind: "activity",
    name: "DatabaseHealthDegraded",
    category: "ResourceHealth",
    conditions: [
      { field: "resourceType", anyOf: ["Microsoft.DBforPostgreSQL/flexibleServers"] },
      { field: "properties.currentHealthStatus", anyOf: ["Degraded", "Unavailable"] },
    ],
    priority: "P2",
    summary: "Azure reports the database server or its standby as unhealthy",
    description:
      "Resource health of the server left Available: no standby to fail over to, or no server at all",
    runbook: "database-failover",
    owner: "platform",
    risks: ["R01"],
  },
];
