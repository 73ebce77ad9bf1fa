import { DashboardSource } from "./panels";

export const RECOVERY: DashboardSource = {
  uid: "forma3d-recovery",
  title: "Forma 3D Connect: backups and recovery",
  description: "Whether the data can be brought back, and how fast.",
  panels: [
    {
      title: "Age of the newest backup",
      description: "Of any tier. Alerts half an hour after it has passed the recovery point objective.",
      runbook: "backup-failed",
      kind: "stat",
      unit: "s",
      width: 6,
      thresholds: { warning: 3_600, critical: 5_400 },
      queries: [
        {
          expression: "time() - max by (database) (pgbackup_last_success_snapshot_timestamp_seconds)",
          legend: "{{database}}",
        },
      ],
    },
    {
      title: "Since a backup was proved",
      description: "Restored and compared row by row. Alerts above 35 days.",
      runbook: "backup-failed",
      kind: "stat",
      unit: "s",
      width: 6,
      thresholds: { warning: 864_000, critical: 3_024_000 },
      queries: [
        {
          expression: "time() - max by (database) (pgbackup_last_verified_timestamp_seconds)",
          legend: "{{database}}",
        },
      ],
    },
    {
      title: "Proved backups",
      description: "Kept backups whose content was proved.",
      kind: "stat",
      unit: "short",
      width: 6,
      thresholds: { warning: 2, critical: 1 },
      queries: [{ expression: "min by (database) (pgbackup_verified_backups)", legend: "{{database}}" }],
    },
    {
      title: "Newest drill",
      description: "1 when it met every target.",
      runbook: "drill-overdue",
      kind: "stat",
      unit: "short",
      width: 6,
      thresholds: { warning: 1, critical: 0.5 },
      queries: [{ expression: "min(pgbackup_drill_verdict)", legend: "verdict" }],
    },
    {
      title: "Drill history: recovery time",
      description: "Longest time to recover in the newest drill, and the objective.",
      runbook: "drill-overdue",
      history: "365d",
      kind: "timeseries",
      unit: "s",
      queries: [
        { expression: "max(pgbackup_restore_rto_seconds)", legend: "measured" },
        { expression: 'max(pgbackup_objective_seconds{kind="rto"})', legend: "objective" },
      ],
    },
    {
      title: "Drill history: recovery point",
      description: "Data the newest drill would have lost, and the objective.",
      runbook: "drill-overdue",
      history: "365d",
      kind: "timeseries",
      unit: "s",
      queries: [
        { expression: "max(pgbackup_rpo_seconds)", legend: "measured" },
        { expression: 'max(pgbackup_objective_seconds{kind="rpo"})', legend: "objective" },
      ],
    },
    {
      title: "Backup history: size",
      description: "A drop by half alerts: data may be gone.",
      runbook: "backup-failed",
      history: "90d",
      kind: "timeseries",
      unit: "bytes",
      queries: [
        { expression: "max by (database, tier) (pgbackup_size_bytes)", legend: "{{database}} {{tier}}" },
      ],
    },
    {
      title: "Backup and drill history: stages",
      description: "Time of the newest backup and of each stage of the newest drill.",
      history: "90d",
      kind: "timeseries",
      unit: "s",
      queries: [{ expression: "max by (stage) (pgbackup_duration_seconds)", legend: "{{stage}}" }],
    },
    {
      title: "Mean time to recover",
      description: "Over all drills; the report's target is 30 minutes.",
      kind: "stat",
      unit: "s",
      thresholds: { warning: 1_200, critical: 1_800 },
      queries: [{ expression: "max(pgbackup_mttr_seconds)", legend: "MTTR" }],
    },
    {
      title: "Catalogue, copies, evidence, store",
      description:
        "Disagreements between catalogue and blobs; backups that one account lacks, and that no restore has tried yet; 1 while the chain of reports is whole and every account answers.",
      runbook: "backup-failed",
      kind: "stat",
      unit: "short",
      queries: [
        { expression: "sum(pgbackup_catalogue_mismatches)", legend: "mismatches" },
        { expression: "max by (target) (pgbackup_target_behind)", legend: "missing in {{target}}" },
        { expression: "sum(pgbackup_unproved_backups)", legend: "not proved yet" },
        { expression: "min(pgbackup_evidence_intact)", legend: "evidence" },
        { expression: "min(pgbackup_store_up)", legend: "store" },
      ],
    },
  ],
};
