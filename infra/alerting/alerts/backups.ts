import { AlertSettings } from "../settings";
import { PrometheusAlert } from "../types";

const DAY = 86_400;

/** Whether the data can be brought back, and how fast. */
export function backupAlerts({ thresholds, objectives, namespace }: AlertSettings): PrometheusAlert[] {
  const base = {
    kind: "prometheus",
    group: "forma3d-backups",
    owner: "platform",
    runbook: "backup-failed",
    risks: ["R02", "R10"],
  } as const;
  const drill = `namespace="${namespace}",cronjob=~".*drill.*"`;
  return [
    {
      ...base,
      name: "BackupTooOld",
      expression: `time() - max by (database) (pgbackup_last_success_snapshot_timestamp_seconds) > ${thresholds.backupMaxAgeHours * 3_600}`,
      for: "10m",
      priority: "P1",
      summary: "No recent backup",
      description: `The newest backup of {{ $labels.database }} is older than ${thresholds.backupMaxAgeHours} hours`,
    },
    {
      ...base,
      name: "MonthlyBackupTooOld",
      expression: `time() - max by (database) (pgbackup_last_success_snapshot_timestamp_seconds{tier="monthly"}) > ${32 * DAY}`,
      for: "1h",
      priority: "P2",
      summary: "No backup this month",
      description: "The newest monthly backup of {{ $labels.database }} is older than 32 days",
    },
    {
      ...base,
      name: "BackupUnobserved",
      expression: "absent(pgbackup_last_success_snapshot_timestamp_seconds)",
      for: "30m",
      priority: "P2",
      summary: "Nobody watches the backups",
      description: "The backup exporter has shown no backup for 30 minutes: there is none, or nobody looks",
    },
    {
      ...base,
      name: "BackupSizeDropped",
      expression: `pgbackup_size_bytes < (1 - ${thresholds.backupShrinkPercent / 100}) * avg_over_time(pgbackup_size_bytes[7d] offset 1h)`,
      for: "10m",
      priority: "P2",
      summary: "A backup is much smaller than before",
      description: `The newest {{ $labels.tier }} backup of {{ $labels.database }} is more than ${thresholds.backupShrinkPercent}% smaller than the week's mean: data may be gone`,
      runbook: "accidental-deletion",
    },
    {
      ...base,
      name: "BackupUnverified",
      expression: `time() - max by (database) (pgbackup_last_verified_timestamp_seconds) > ${thresholds.backupMaxUnverifiedDays * DAY} or absent(pgbackup_last_verified_timestamp_seconds)`,
      for: "1h",
      priority: "P2",
      summary: "No backup has been proved lately",
      description: `No backup was restored and compared within ${thresholds.backupMaxUnverifiedDays} days`,
    },
    {
      ...base,
      name: "NoVerifiedBackup",
      expression: "max by (database) (pgbackup_verified_backups) == 0",
      for: "1h",
      priority: "P1",
      summary: "Not one backup is proved",
      description: "No kept backup of {{ $labels.database }} has ever passed a restore",
    },
    {
      ...base,
      name: "DrillOverdue",
      expression: `time() - (max by (cronjob) (kube_cronjob_status_last_successful_time{${drill}}) or max by (cronjob) (kube_cronjob_created{${drill}})) > ${thresholds.drillMaxAgeDays * DAY}`,
      for: "1h",
      priority: "P3",
      summary: "A recovery drill is overdue",
      description: `{{ $labels.cronjob }} has not succeeded for ${thresholds.drillMaxAgeDays} days`,
      runbook: "drill-overdue",
    },
    {
      ...base,
      name: "DrillFailed",
      expression: "pgbackup_drill_verdict == 0",
      for: "0s",
      priority: "P2",
      summary: "The newest recovery drill failed",
      description:
        "A check of the newest drill did not pass; its report in the evidence container says which",
      runbook: "drill-overdue",
    },
    {
      ...base,
      name: "RecoveryTimeMissed",
      expression: `max(pgbackup_restore_rto_seconds) > ${objectives.rtoMinutes * 60}`,
      for: "0s",
      priority: "P2",
      summary: "Recovery takes longer than promised",
      description: `The newest drill took longer than the recovery time objective of ${objectives.rtoMinutes} minutes`,
      runbook: "drill-overdue",
    },
    {
      ...base,
      name: "RecoveryPointMissed",
      expression: `max(pgbackup_rpo_seconds) > ${objectives.rpoMinutes * 60}`,
      for: "0s",
      priority: "P2",
      summary: "Recovery loses more data than promised",
      description: `The newest drill lost more than the recovery point objective of ${objectives.rpoMinutes} minutes`,
      runbook: "drill-overdue",
    },
  ];
}
