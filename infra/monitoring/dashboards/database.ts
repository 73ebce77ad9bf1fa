import { DashboardSource } from "./panels";

export const DATABASE: DashboardSource = {
  uid: "forma3d-database",
  title: "Forma 3D Connect: database",
  description: "PostgreSQL as the exporter sees it; CPU, storage and replication are in Azure's own metrics.",
  panels: [
    {
      title: "Reachable",
      description: "0 pages after a minute.",
      runbook: "database-connection",
      kind: "stat",
      unit: "short",
      width: 6,
      thresholds: { warning: 1, critical: 0.5 },
      queries: [{ expression: "min(pg_up)", legend: "up" }],
    },
    {
      title: "Connections used",
      description: "Share of the connections the server allows. Alerts above 80%.",
      runbook: "database-connection",
      kind: "stat",
      unit: "percentunit",
      width: 6,
      thresholds: { warning: 0.7, critical: 0.8 },
      queries: [
        { expression: "sum(pg_stat_activity_count) / max(pg_settings_max_connections)", legend: "used" },
      ],
    },
    {
      title: "Oldest transaction",
      description: "An old transaction keeps vacuum from working.",
      runbook: "database-connection",
      kind: "stat",
      unit: "s",
      width: 6,
      thresholds: { warning: 3_600, critical: 10_800 },
      queries: [{ expression: "max(pg_stat_activity_max_tx_duration)", legend: "age" }],
    },
    {
      title: "Size",
      description: "Size of the databases.",
      kind: "stat",
      unit: "bytes",
      width: 6,
      queries: [{ expression: "sum by (datname) (pg_database_size_bytes)", legend: "{{datname}}" }],
    },
    {
      title: "Connections by state",
      description: "Many idle in transaction: an application that forgets to commit.",
      kind: "timeseries",
      unit: "short",
      queries: [{ expression: "sum by (state) (pg_stat_activity_count)", legend: "{{state}}" }],
    },
    {
      title: "Transactions",
      description: "Committed and rolled back, a second.",
      kind: "timeseries",
      unit: "ops",
      queries: [
        { expression: "sum(rate(pg_stat_database_xact_commit[5m]))", legend: "committed" },
        { expression: "sum(rate(pg_stat_database_xact_rollback[5m]))", legend: "rolled back" },
      ],
    },
    {
      title: "Deadlocks",
      description: "Deadlocks within ten minutes. Alerts above 5.",
      runbook: "database-connection",
      kind: "timeseries",
      unit: "short",
      queries: [
        { expression: "sum by (datname) (increase(pg_stat_database_deadlocks[10m]))", legend: "{{datname}}" },
      ],
    },
    {
      title: "Growth",
      description: "Size over time, by database.",
      runbook: "disk-space",
      kind: "timeseries",
      unit: "bytes",
      queries: [{ expression: "sum by (datname) (pg_database_size_bytes)", legend: "{{datname}}" }],
    },
  ],
};
