/** Limits at which an environment's alerts fire. Each has a default; a stack overrides single ones. */
export interface AlertThresholds {
  /** Share of `max_connections` in use, percent. */
  databaseConnectionsPercent: number;
  /** CPU of the database server over 15 minutes, percent. */
  databaseCpuPercent: number;
  /** Disk of the database server, percent: first the warning, then the urgent one. */
  databaseStoragePercent: { warning: number; urgent: number };
  /** Write-ahead log kept on the server, GiB: a replica or archiver that has stopped taking it. */
  databaseWalGiB: number;
  /** Disks of nodes and volumes, percent: first the warning, then the urgent one. */
  diskPercent: { warning: number; urgent: number };
  /** Memory of a container against its limit, and of a node, percent. */
  memoryPercent: number;
  /** p95 of the API, seconds; at most the latency SLI's target, or the objective would fail unannounced. */
  apiLatencySeconds: number;
  /** Share of failed requests that warns, percent; below the 5 percent that page. */
  errorPercent: number;
  /** Minutes without a webhook from the shop in business hours (report §4.4: found within 5-30 minutes). */
  webhookSilenceMinutes: number;
  /** Hours of the day, UTC, in which orders are expected. */
  businessHours: { from: number; to: number };
  /** Webhooks per second above which it is a flood. */
  webhookFloodPerSecond: number;
  /** Requests per five minutes at the edge above which it is a flood. */
  edgeFloodRequests: number;
  /** Failed sign-ins per five minutes. */
  authFailures: number;
  /** Days before a certificate expires: first the warning, then the page. */
  certificateDays: { warning: number; urgent: number };
  /** Days before a secret of the vault expires. */
  secretDays: number;
  /** Oldest allowed newest daily backup, hours: the daily interval and two. */
  backupMaxAgeHours: number;
  /** Oldest allowed proof of a backup, days: a month (report §11.3) and four. */
  backupMaxUnverifiedDays: number;
  /**
   * Hours a backup may be kept unproved: proofs run every hour and take the newest first, so one that is late means
   * that they do not keep up. Below the time a restore takes it fires all the time.
   */
  backupMaxUnprovedHours: number;
  /** Most days between two drills. */
  drillMaxAgeDays: number;
  /** Oldest allowed newest readiness check, hours: the daily interval and two. */
  readinessMaxAgeHours: number;
  /** Shrinkage against the mean of seven days that is suspicious, percent. */
  backupShrinkPercent: number;
}

export const DEFAULT_THRESHOLDS: AlertThresholds = {
  databaseConnectionsPercent: 80,
  databaseCpuPercent: 90,
  databaseStoragePercent: { warning: 80, urgent: 90 },
  databaseWalGiB: 16,
  diskPercent: { warning: 80, urgent: 90 },
  memoryPercent: 90,
  apiLatencySeconds: 0.5,
  errorPercent: 1,
  webhookSilenceMinutes: 30,
  businessHours: { from: 7, to: 21 },
  webhookFloodPerSecond: 50,
  edgeFloodRequests: 60_000,
  authFailures: 50,
  certificateDays: { warning: 14, urgent: 3 },
  secretDays: 14,
  backupMaxAgeHours: 26,
  backupMaxUnverifiedDays: 35,
  backupMaxUnprovedHours: 6,
  drillMaxAgeDays: 35,
  readinessMaxAgeHours: 26,
  backupShrinkPercent: 50,
};

/** What the catalogue is built from. */
export interface AlertSettings {
  thresholds: AlertThresholds;
  /** Objectives of recovery, minutes (report §1: 60 and 240). */
  objectives: { rpoMinutes: number; rtoMinutes: number };
  /** Kubernetes namespace of the platform. */
  namespace: string;
  /** Addresses of the serving region's origins at the edge; those of a region that stands by are unhealthy by intent. */
  servingOrigins: readonly string[];
  /** Name of the serving region as Azure's service health writes it, e.g. `West Europe`. */
  servingRegion: string;
  /** When the first of the vault's managed secrets of one life expires, Unix seconds by life in days. */
  secretExpiry: Readonly<Record<string, number>>;
  /** Address under which runbooks are published; absent: the usual one. */
  runbookBaseUrl?: string;
}
