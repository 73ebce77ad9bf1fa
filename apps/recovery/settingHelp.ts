/** Every name the runner reads, for `--help` and the documentation. */
export const SETTING_HELP: Readonly<Record<string, string>> = {
  DATABASE_URL: "server, role and default database: postgresql://<role>:<password>@<host>:5432/<database>",
  BACKUP_STORE_URL: "https://<account>.blob.core.windows.net, reached with workload identity",
  BACKUP_STORE_CONNECTION_STRING: "instead of BACKUP_STORE_URL: an emulator's connection string",
  BACKUP_TARGETS:
    "instead of both: JSON list of the places every backup goes to, see the documentation (also BACKUP_TARGETS_FILE)",
  BACKUP_TARGET_PATIENCE:
    "optional: longest time in all that one target may hold back the others during a backup (default 60s)",
  BACKUP_BANDWIDTH_LIMIT:
    "optional: most that a backup or a copy sends to each target a second, such as 50MiB (default no limit)",
  NOTIFY_WEBHOOK_URL:
    "optional: https URL that is told by POST when a scheduled verb fails (also NOTIFY_WEBHOOK_URL_FILE)",
  BACKUP_RECIPIENTS:
    "optional: public keys of age (age1…), separated by commas, that new backups are encrypted for",
  BACKUP_IDENTITY_FILE:
    "file with the private keys of age, old ones too, for verify, restore and drill of encrypted backups",
  BACKUP_CONTAINER_HOURLY: "container of hourly backups",
  BACKUP_CONTAINER_DAILY: "container of daily backups",
  BACKUP_CONTAINER_WEEKLY: "container of weekly backups",
  BACKUP_CONTAINER_MONTHLY: "container of monthly backups",
  BACKUP_CONTAINER_EVIDENCE: "container of drill reports",
  ENVIRONMENT: "name of this environment: lower-case letters, digits and hyphens",
  SCRATCH_DATABASE_URL: "optional: server verify restores to; otherwise it starts a throwaway one",
  BACKUP_MONTHLY_ACCESS_TIER: "optional: Hot, Cool, Cold or Archive (default Cold)",
  RETENTION_HOURLY_DAYS: "optional: days an hourly backup is kept (default 7)",
  RETENTION_DAILY_DAYS: "optional: days a daily backup is kept (default 30)",
  RETENTION_WEEKLY_DAYS: "optional: days a weekly backup is kept (default 28)",
  RETENTION_MONTHLY_DAYS: "optional: days a monthly backup is kept (default 365)",
  RETENTION_KEEP_LAST: "optional: newest backups of each tier that are never deleted (default 7)",
  BACKUP_MAX_AGE: "optional: oldest allowed newest backup (default 26h)",
  BACKUP_MAX_VERIFIED_AGE: "optional: oldest allowed newest verified backup (default 35d)",
  SCRATCH_DIR:
    "optional: volume for spooled archives and the throwaway server (default: the system's temporary folder)",
  RESTORE_JOBS: "optional: parallel connections of a restore, 2-32 (default 2)",
  BACKUP_JOBS:
    "optional: sessions that read large tables for a backup, as many as the server has processors to spare, 1-16 (default 1: pg_dump's own)",
  BACKUP_PARALLEL_DATABASES: "optional: databases dumped side by side by --all, 1-8 (default 2)",
  BACKUP_STALL_TIMEOUT: "optional: longest time a backup may move no data (default 10m)",
  BACKUP_STORE_SECONDARY_URL:
    "optional: read endpoint of the geo copy, https://<account>-secondary.blob.core.windows.net, for drill",
  BACKUP_STORE_SECONDARY_CONNECTION_STRING: "instead of BACKUP_STORE_SECONDARY_URL: an emulator's",
  BACKUP_CONTAINER_DRILL:
    "optional: container for a drill's backups of made-up data (default: the daily one, under <environment>-drill)",
  RTO_TARGET: "optional: longest time to recover a drill accepts (default per scenario, at most 4h)",
  RPO_TARGET: "optional: longest loss of work a drill accepts (default per scenario, at most 1h)",
  GUARD_ALLOWED_HOSTS: "database hosts guard accepts, separated by commas (default: this machine only)",
  GUARD_TLS:
    "TLS that guard demands: verify-full, require or off (default require; off for a server on this machine)",
  VERIFY_ASSERTIONS: "optional: YAML or JSON list of { id, sql } that verify asks the restored data",
  PROBE_API_URL:
    "optional: the application's connection string; a restore is done when it reads and writes with it",
  PROBE_MIGRATION_URL:
    "optional: the migrations' connection string; a restore is done when it alters a table with it",
  PROBE_BACKUP_URL:
    "optional: the backups' connection string; a restore is done when it reads everything with it",
  MASK_KEY:
    "secret of at least 32 characters that restore --mask makes values with; the same one gives the same values",
  POSTGRES_PROGRAMS:
    "optional: folders with PostgreSQL's programs beside PATH and the usual ones, separated as in PATH",
  PUSHGATEWAY_URL: "optional: Prometheus Pushgateway that is told the outcome of every run",
  METRICS_FILE:
    "optional: file the outcome of every run is written to, for the node exporter's textfile collector",
};
