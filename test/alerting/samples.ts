import { probeJobs } from "../../packages/alerting/services";

/**
 * For every Prometheus alert: time series in which it must fire, at which minute its expression first holds, and
 * series in which it must not. Series are in promtool's notation, one sample a minute from minute 0.
 */
export interface Firing {
  series: Record<string, string>;
  /** First minute at which the expression holds. */
  onset: number;
  /** Labels of the alert beside its own. */
  labels?: Record<string, string>;
}

export interface Silent {
  why: string;
  series: Record<string, string>;
  /** Minute at which it must be silent. */
  at: number;
}

export interface Sample {
  fires: Firing[];
  silent: Silent[];
  /**
   * Minutes between two evaluations of the rules, a divisor of the alert's `for`; every minute by default. Over windows of
   * days each evaluation costs, and what is exact to the minute is then the alert's query.
   */
  every?: number;
}

const LONG = 300;

/** One value, and from minute `onset` on another. */
export const step = (before: number, after: number, onset = 10): string =>
  `${before}x${onset - 1} ${after}x${LONG}`;

/** A counter that grows by `before` a minute, and by `after` from minute `onset` on. */
export const counter = (before: number, after: number, onset = 10): string =>
  `0+${before}x${onset - 1} ${before * (onset - 1) + after}+${after}x${LONG}`;

const always = (value: number): string => `${value}x${LONG}`;
const growing = (perMinute: number): string => `0+${perMinute}x${LONG}`;

/** Fires at the step of one series, is silent while it stays at the last good value. */
function stepping(
  series: string,
  [good, bad]: [number, number],
  labels: Record<string, string> | undefined,
  others: Record<string, string> = {},
  onset = 10,
): Sample {
  return {
    fires: [{ series: { [series]: step(good, bad, onset), ...others }, onset, labels }],
    silent: [{ why: "the last good value", series: { [series]: always(good), ...others }, at: 200 }],
  };
}

const pod = { namespace: "forma3d", pod: "api-0", container: "api" };
const podLabels = 'namespace="forma3d",pod="api-0",container="api"';

/** A time 10 minutes before a limit of so many seconds is passed: the expression holds from minute 11 on. */
const passingAt11 = (limit: number): string => always(-limit + 600);
const HOUR = 3_600;
const DAY = 86_400;

const CRITICAL: Record<string, Sample> = {
  DatabaseDown: stepping('pg_up{instance="exporter:9187"}', [1, 0], { instance: "exporter:9187" }),
  HighErrorRate: {
    fires: [
      {
        series: {
          'http_requests_total{status="200"}': counter(60, 0),
          'http_requests_total{status="503"}': counter(0, 60),
        },
        onset: 10,
      },
    ],
    silent: [
      {
        why: "4.9% of errors",
        series: {
          'http_requests_total{status="200"}': growing(951),
          'http_requests_total{status="500"}': growing(49),
        },
        at: 100,
      },
      { why: "only client errors", series: { 'http_requests_total{status="404"}': growing(60) }, at: 100 },
    ],
  },
  RetryQueueBacklog: stepping("retry_queue_pending_count", [100, 101], {}),
  IntegrationUnhealthy: {
    fires: ["shopify", "simplyprint", "sendcloud"].map((service) => ({
      series: { [`health_dependency_status{service="${service}"}`]: step(1, 0) },
      onset: 10,
      labels: { service },
    })),
    silent: [
      { why: "healthy", series: { 'health_dependency_status{service="shopify"}': always(1) }, at: 100 },
      {
        why: "another dependency",
        series: { 'health_dependency_status{service="smtp"}': always(0) },
        at: 100,
      },
    ],
  },
};

const DATABASE: Record<string, Sample> = {
  RegionSilent: {
    fires: [{ series: { up: "1x9 stale" }, onset: 10 }],
    silent: [{ why: "targets that are down are heard of", series: { up: always(0) }, at: 100 }],
  },
  DatabaseUnobserved: {
    fires: [{ series: { pg_up: "1x9 stale" }, onset: 10 }],
    silent: [{ why: "a database that is down is observed", series: { pg_up: always(0) }, at: 100 }],
  },
  ReplicaLagUnmeasured: {
    fires: [{ series: { pg_up: always(1), pg_heartbeat_written: "1x9 stale" }, onset: 10 }],
    silent: [
      {
        why: "a heartbeat is written",
        series: { pg_up: always(1), pg_heartbeat_written: always(1) },
        at: 100,
      },
      { why: "the database is down, and that is told", series: { pg_up: always(0) }, at: 100 },
    ],
  },
  DatabaseConnectionsHigh: stepping(
    'pg_stat_activity_count{state="active"}',
    [80, 81],
    {},
    {
      pg_settings_max_connections: always(100),
    },
  ),
  DatabaseLongTransaction: stepping(
    'pg_stat_activity_max_tx_duration{datname="forma3d",state="active"}',
    [10_800, 10_801],
    { datname: "forma3d" },
  ),
  DatabaseDeadlocks: {
    fires: [
      {
        series: { 'pg_stat_database_deadlocks{datname="forma3d"}': step(0, 6, 20) },
        onset: 20,
        labels: { datname: "forma3d" },
      },
    ],
    silent: [
      {
        why: "five of them",
        series: { 'pg_stat_database_deadlocks{datname="forma3d"}': step(0, 5, 20) },
        at: 20,
      },
    ],
  },
  DatabaseRollbacksHigh: {
    // The share over ten minutes passes 20% with the fourth bad minute.
    fires: [
      {
        series: {
          'pg_stat_database_xact_commit{datname="forma3d"}': growing(80),
          'pg_stat_database_xact_rollback{datname="forma3d"}': counter(10, 40, 20),
        },
        onset: 23,
        labels: { datname: "forma3d" },
      },
    ],
    silent: [
      {
        why: "a ninth",
        series: {
          'pg_stat_database_xact_commit{datname="forma3d"}': growing(80),
          'pg_stat_database_xact_rollback{datname="forma3d"}': growing(10),
        },
        at: 100,
      },
    ],
  },
};

const bucket = (le: string) => `http_request_duration_seconds_bucket{le="${le}"}`;

const APPLICATION: Record<string, Sample> = {
  ApiDown: stepping('probe_success{job="api-health"}', [1, 0], { job: "api-health" }),
  ApiNotReady: stepping('probe_success{job="api-ready"}', [1, 0], { job: "api-ready" }),
  EdgeUnreachable: {
    fires: [
      {
        series: { 'probe_success{job="api-edge"}': step(1, 0), 'probe_success{job="api-health"}': always(1) },
        onset: 10,
      },
    ],
    silent: [
      {
        why: "the API itself is down",
        series: { 'probe_success{job="api-edge"}': always(0), 'probe_success{job="api-health"}': always(0) },
        at: 100,
      },
    ],
  },
  DashboardDown: stepping('probe_success{job="web-dashboard"}', [1, 0], { job: "web-dashboard" }),
  ApplicationUnobserved: {
    fires: [
      { series: { http_requests_total: "1x9 stale", retry_queue_pending_count: always(0) }, onset: 10 },
      { series: { http_requests_total: growing(1), retry_queue_pending_count: "0x9 stale" }, onset: 10 },
    ],
    silent: [
      {
        why: "both are there",
        series: { http_requests_total: growing(1), retry_queue_pending_count: always(0) },
        at: 100,
      },
    ],
  },
  ErrorRateSpike: {
    fires: [
      {
        series: {
          'http_requests_total{status="200"}': counter(60, 0),
          'http_requests_total{status="503"}': counter(0, 60),
        },
        onset: 10,
      },
    ],
    silent: [
      {
        why: "a fifth fails",
        series: {
          'http_requests_total{status="200"}': growing(80),
          'http_requests_total{status="500"}': growing(20),
        },
        at: 100,
      },
    ],
  },
  ElevatedErrorRate: {
    fires: [
      {
        series: {
          'http_requests_total{status="200"}': growing(98),
          'http_requests_total{status="500"}': counter(0, 2),
        },
        // Minute 16 sees 14 errors among the 1484 requests of fifteen minutes, minute 17 sees 16 among 1486.
        onset: 17,
      },
    ],
    silent: [
      {
        why: "0.9% of errors",
        series: {
          'http_requests_total{status="200"}': growing(991),
          'http_requests_total{status="500"}': growing(9),
        },
        at: 100,
      },
    ],
  },
  ApiLatencyHigh: {
    fires: [
      {
        series: {
          [bucket("0.5")]: counter(60, 0),
          [bucket("1")]: growing(60),
          [bucket("+Inf")]: growing(60),
        },
        onset: 10,
      },
    ],
    silent: [
      {
        why: "all are fast",
        series: { [bucket("0.5")]: growing(60), [bucket("1")]: growing(60), [bucket("+Inf")]: growing(60) },
        at: 100,
      },
    ],
  },
  WebhookSilence: {
    // Time starts at midnight: minute 420 is 07:00, the begin of business hours, and 450 half an hour into them.
    fires: [
      { series: { 'webhooks_received_total{source="shopify"}': "0+1x430 430x400" }, onset: 460 },
      { series: { 'webhooks_received_total{source="sendcloud"}': `0+1x${LONG * 2}` }, onset: 450 },
    ],
    silent: [
      { why: "night", series: { 'webhooks_received_total{source="shopify"}': "5x1400" }, at: 419 },
      { why: "07:00", series: { 'webhooks_received_total{source="shopify"}': "5x1400" }, at: 420 },
      {
        why: "not yet half an hour of business",
        series: { 'webhooks_received_total{source="shopify"}': "5x1400" },
        at: 449,
      },
      { why: "night again", series: { 'webhooks_received_total{source="shopify"}': "5x1400" }, at: 1_260 },
      { why: "orders come", series: { 'webhooks_received_total{source="shopify"}': "0+1x1000" }, at: 600 },
    ],
  },
  WebhookFlood: {
    // 50 a second are 6000 in two minutes; 60 and 4000 are fewer, 4000 and 4000 are more.
    fires: [{ series: { 'webhooks_received_total{source="shopify"}': counter(60, 4_000) }, onset: 11 }],
    silent: [
      {
        why: "49 a second",
        series: { 'webhooks_received_total{source="shopify"}': growing(49 * 60) },
        at: 100,
      },
    ],
  },
  WebhookSignatureFailures: {
    fires: [
      {
        series: { 'webhook_signature_failures_total{source="shopify"}': step(0, 21) },
        onset: 10,
        labels: { source: "shopify" },
      },
    ],
    silent: [
      {
        why: "20 of them",
        series: { 'webhook_signature_failures_total{source="shopify"}': step(0, 20) },
        at: 10,
      },
    ],
  },
  AuthenticationFailures: {
    fires: [{ series: { auth_failures_total: step(0, 51) }, onset: 10 }],
    silent: [{ why: "50 of them", series: { auth_failures_total: step(0, 50) }, at: 10 }],
  },
  IntegrationOverflow: {
    fires: [
      {
        series: {
          'envoy_cluster_upstream_rq_pending_overflow{envoy_cluster_name="sendcloud"}': counter(0, 5),
        },
        onset: 10,
        labels: { envoy_cluster_name: "sendcloud" },
      },
    ],
    silent: [
      {
        why: "refusals that have stopped",
        series: { 'envoy_cluster_upstream_rq_pending_overflow{envoy_cluster_name="sendcloud"}': always(9) },
        at: 100,
      },
    ],
  },
  ServingRecordUnheard: stepping("forma3d_serving_seconds_left", [600, 400], {}),
  PartnerCallsFenced: stepping("forma3d_serving_may_call", [1, 0], {}),
  IntegrationCircuitOpen: stepping(
    'envoy_cluster_outlier_detection_ejections_active{envoy_cluster_name="shopify"}',
    [0, 1],
    { envoy_cluster_name: "shopify" },
  ),
};

const CLUSTER: Record<string, Sample> = {
  ContainerOutOfMemory: {
    fires: [
      {
        series: {
          [`kube_pod_container_status_restarts_total{${podLabels}}`]: step(0, 1, 20),
          [`kube_pod_container_status_last_terminated_reason{${podLabels},reason="OOMKilled"}`]: step(
            0,
            1,
            20,
          ),
        },
        onset: 20,
        labels: pod,
      },
    ],
    silent: [
      {
        why: "another reason",
        series: {
          [`kube_pod_container_status_restarts_total{${podLabels}}`]: step(0, 1, 20),
          [`kube_pod_container_status_last_terminated_reason{${podLabels},reason="Error"}`]: step(0, 1, 20),
        },
        at: 20,
      },
    ],
  },
  ContainerMemoryNearLimit: stepping(`container_memory_working_set_bytes{${podLabels}}`, [900, 901], pod, {
    [`kube_pod_container_resource_limits{${podLabels},resource="memory"}`]: always(1_000),
  }),
  ContainerRestarting: {
    fires: [
      {
        series: { [`kube_pod_container_status_restarts_total{${podLabels}}`]: step(0, 4, 20) },
        onset: 20,
        labels: pod,
      },
    ],
    silent: [
      {
        why: "three restarts",
        series: { [`kube_pod_container_status_restarts_total{${podLabels}}`]: step(0, 3, 20) },
        at: 20,
      },
    ],
  },
  ContainerCannotStart: stepping(
    `kube_pod_container_status_waiting_reason{${podLabels},reason="CrashLoopBackOff"}`,
    [0, 1],
    { ...pod, reason: "CrashLoopBackOff" },
  ),
  PodPending: stepping('kube_pod_status_phase{namespace="forma3d",pod="api-0",phase="Pending"}', [0, 1], {
    namespace: "forma3d",
    pod: "api-0",
  }),
  ReplicasMissing: stepping(
    'kube_deployment_status_replicas_available{namespace="forma3d",deployment="api"}',
    [3, 2],
    { namespace: "forma3d", deployment: "api" },
    { 'kube_deployment_spec_replicas{namespace="forma3d",deployment="api"}': always(3) },
  ),
  AutoscalerAtMaximum: stepping(
    'kube_horizontalpodautoscaler_status_current_replicas{namespace="forma3d",horizontalpodautoscaler="api"}',
    [11, 12],
    { namespace: "forma3d", horizontalpodautoscaler: "api" },
    {
      'kube_horizontalpodautoscaler_spec_max_replicas{namespace="forma3d",horizontalpodautoscaler="api"}':
        always(12),
    },
  ),
  DisruptionBudgetBlocking: stepping(
    'kube_poddisruptionbudget_status_pod_disruptions_allowed{namespace="forma3d",poddisruptionbudget="api"}',
    [1, 0],
    { namespace: "forma3d", poddisruptionbudget: "api" },
    {
      'kube_poddisruptionbudget_status_expected_pods{namespace="forma3d",poddisruptionbudget="api"}':
        always(3),
    },
  ),
  NodeNotReady: stepping('kube_node_status_condition{node="n1",condition="Ready",status="true"}', [1, 0], {
    node: "n1",
    condition: "Ready",
    status: "true",
  }),
  NodeDiskFilling: stepping(
    'node_filesystem_avail_bytes{instance="n1",mountpoint="/"}',
    [20, 19],
    { instance: "n1", mountpoint: "/" },
    {
      'node_filesystem_size_bytes{instance="n1",mountpoint="/"}': always(100),
    },
  ),
  NodeDiskAlmostFull: stepping(
    'node_filesystem_avail_bytes{instance="n1",mountpoint="/"}',
    [10, 9],
    { instance: "n1", mountpoint: "/" },
    {
      'node_filesystem_size_bytes{instance="n1",mountpoint="/"}': always(100),
    },
  ),
  NodeMemoryHigh: stepping(
    'node_memory_MemAvailable_bytes{instance="n1"}',
    [10, 9],
    { instance: "n1" },
    {
      'node_memory_MemTotal_bytes{instance="n1"}': always(100),
    },
  ),
  VolumeAlmostFull: stepping(
    'kubelet_volume_stats_available_bytes{persistentvolumeclaim="scratch"}',
    [10, 9],
    { persistentvolumeclaim: "scratch" },
    { 'kubelet_volume_stats_capacity_bytes{persistentvolumeclaim="scratch"}': always(100) },
  ),
  JobFailed: stepping('kube_job_failed{namespace="forma3d",job_name="daily-1",condition="true"}', [0, 1], {
    namespace: "forma3d",
    job_name: "daily-1",
  }),
};

const snapshot = (tier: string) =>
  `pgbackup_last_success_snapshot_timestamp_seconds{database="forma3d",tier="${tier}"}`;
const forma3d = { database: "forma3d" };

const BACKUPS: Record<string, Sample> = {
  BackupOlderThanRpo: {
    fires: [
      { series: { [snapshot("hourly")]: passingAt11(3_600) }, onset: 11, labels: forma3d },
      {
        // Whichever tier is the newest counts.
        series: { [snapshot("hourly")]: always(-9 * 3_600), [snapshot("daily")]: passingAt11(3_600) },
        onset: 11,
        labels: forma3d,
      },
    ],
    silent: [
      {
        why: "each dump ends 25 minutes after its snapshot, and the next is about to",
        series: { [snapshot("hourly")]: "-3600x24 0x59 3600x59 7200x59" },
        at: 204,
      },
      { why: "no older than an hour", series: { [snapshot("hourly")]: passingAt11(3_600) }, at: 10 },
    ],
  },
  BackupTooOld: {
    fires: [{ series: { [snapshot("daily")]: passingAt11(26 * 3_600) }, onset: 11, labels: forma3d }],
    silent: [
      { why: "ten minutes younger", series: { [snapshot("daily")]: passingAt11(26 * 3_600) }, at: 10 },
      {
        why: "only the monthly one is old",
        series: { [snapshot("daily")]: always(0), [snapshot("monthly")]: always(-20 * DAY) },
        at: 100,
      },
    ],
  },
  WeeklyBackupTooOld: {
    fires: [{ series: { [snapshot("weekly")]: passingAt11(8 * DAY) }, onset: 11, labels: forma3d }],
    silent: [{ why: "7 days old", series: { [snapshot("weekly")]: always(-7 * DAY) }, at: 200 }],
  },
  MonthlyBackupTooOld: {
    fires: [{ series: { [snapshot("monthly")]: passingAt11(32 * DAY) }, onset: 11, labels: forma3d }],
    silent: [{ why: "31 days old", series: { [snapshot("monthly")]: always(-31 * DAY) }, at: 200 }],
  },
  BackupUnobserved: {
    fires: [{ series: { [snapshot("daily")]: "0x9 stale" }, onset: 10 }],
    silent: [{ why: "there is one", series: { [snapshot("daily")]: always(0) }, at: 200 }],
  },
  BackupTargetBehind: stepping('pgbackup_target_behind{target="northeurope",database="forma3d"}', [0, 1], {
    target: "northeurope",
    ...forma3d,
  }),
  BackupSizeDropped: {
    fires: [
      {
        series: { 'pgbackup_size_bytes{database="forma3d",tier="daily"}': step(100, 40, 120) },
        onset: 120,
        labels: { ...forma3d, tier: "daily" },
      },
    ],
    silent: [
      {
        why: "40% smaller",
        series: { 'pgbackup_size_bytes{database="forma3d",tier="daily"}': step(100, 60, 120) },
        at: 200,
      },
    ],
  },
  BackupUnverified: {
    fires: [
      {
        series: { 'pgbackup_last_verified_timestamp_seconds{database="forma3d"}': passingAt11(35 * DAY) },
        onset: 11,
        labels: forma3d,
      },
      { series: { up: always(1) }, onset: 0 },
    ],
    silent: [
      {
        why: "proved 34 days ago",
        series: { 'pgbackup_last_verified_timestamp_seconds{database="forma3d"}': always(-34 * DAY) },
        at: 200,
      },
    ],
  },
  BackupsUnproved: {
    fires: [
      {
        series: { 'pgbackup_oldest_unproved_timestamp_seconds{database="forma3d"}': passingAt11(6 * HOUR) },
        onset: 11,
        labels: forma3d,
      },
    ],
    silent: [
      {
        why: "ten minutes younger",
        series: { 'pgbackup_oldest_unproved_timestamp_seconds{database="forma3d"}': passingAt11(6 * HOUR) },
        at: 10,
      },
      {
        why: "all are proved",
        series: { 'pgbackup_unproved_backups{database="forma3d"}': always(0) },
        at: 200,
      },
    ],
  },
  NoVerifiedBackup: stepping('pgbackup_verified_backups{database="forma3d"}', [1, 0], forma3d),
  BackupCatalogueMismatch: stepping(
    'pgbackup_catalogue_mismatches{tier="daily",kind="missing-archive"}',
    [0, 1],
    { tier: "daily", kind: "missing-archive" },
  ),
  BackupStoreUnreadable: stepping("pgbackup_store_up", [1, 0], {}),
  EvidenceBroken: stepping("pgbackup_evidence_intact", [1, 0], {}),
  DrillOverdue: {
    fires: [
      { series: { pgbackup_last_drill_timestamp_seconds: passingAt11(35 * DAY) }, onset: 11 },
      { series: { up: always(1) }, onset: 0 },
    ],
    silent: [
      { why: "34 days ago", series: { pgbackup_last_drill_timestamp_seconds: always(-34 * DAY) }, at: 200 },
    ],
  },
  DrillFailed: stepping("pgbackup_drill_verdict", [1, 0], {}),
  NotReady: {
    fires: [
      {
        series: {
          'forma3d_readiness_pass{stack="prod",check="quota"}': always(0),
          'forma3d_readiness_pass{stack="prod",check="fences"}': always(1),
          forma3d_readiness_checked_at_seconds: always(0),
        },
        onset: 0,
        labels: { check: "quota" },
      },
      { series: { forma3d_readiness_checked_at_seconds: passingAt11(26 * 3_600) }, onset: 11 },
      { series: { up: always(1) }, onset: 0 },
    ],
    silent: [
      {
        why: "every check passed 20 hours ago",
        series: {
          'forma3d_readiness_pass{stack="prod",check="quota"}': always(1),
          forma3d_readiness_checked_at_seconds: always(-20 * 3_600),
        },
        at: 200,
      },
    ],
  },
  RecoveryTimeMissed: stepping("pgbackup_restore_rto_seconds", [14_400, 14_401], {}),
  RecoveryPointMissed: stepping("pgbackup_rpo_seconds", [3_600, 3_601], {}),
};

const certificate = 'probe_ssl_earliest_cert_expiry{job="api-edge"}';

const EXPIRY: Record<string, Sample> = {
  CertificateExpiring: {
    fires: [{ series: { [certificate]: always(14 * DAY + 600) }, onset: 11, labels: { job: "api-edge" } }],
    silent: [{ why: "15 days left", series: { [certificate]: always(15 * DAY) }, at: 200 }],
  },
  CertificateAboutToExpire: {
    fires: [{ series: { [certificate]: always(3 * DAY + 600) }, onset: 11, labels: { job: "api-edge" } }],
    silent: [{ why: "13 days left", series: { [certificate]: always(13 * DAY) }, at: 200 }],
  },
  // The dates are the program's own; the tests' secrets expire 14 days and 10 minutes after minute 0.
  SecretExpiring: {
    fires: [{ series: { up: always(1) }, onset: 11, labels: { rotation_days: "90" } }],
    silent: [{ why: "more than 14 days left", series: { up: always(1) }, at: 10 }],
  },
  SecretExpired: {
    fires: [{ series: { up: always(1) }, onset: 14 * 1_440 + 11, labels: { rotation_days: "90" } }],
    silent: [{ why: "14 days left", series: { up: always(1) }, at: 200 }],
  },
};

const target = (instance: string) => `up{job="api",instance="${instance}"}`;

const probed = (value = 1): Record<string, string> =>
  Object.fromEntries(probeJobs().map((job) => [`probe_success{job="${job}"}`, always(value)]));

const MONITORING: Record<string, Sample> = {
  Heartbeat: {
    fires: [{ series: { up: always(1) }, onset: 10 }],
    silent: [
      { why: "between two beats", series: { up: always(1) }, at: 15 },
      { why: "nothing can be scraped", series: { up: always(0) }, at: 10 },
      { why: "nothing is scraped", series: { pg_up: always(1) }, at: 10 },
    ],
  },
  TargetDown: {
    fires: [
      {
        series: { [target("a")]: step(1, 0), [target("b")]: step(1, 0), [target("c")]: always(1) },
        onset: 10,
        labels: { job: "api" },
      },
    ],
    silent: [{ why: "one of two", series: { [target("a")]: always(0), [target("b")]: always(1) }, at: 100 }],
  },
  ProbeMissing: {
    fires: [
      {
        series: { ...probed(), 'probe_success{job="api-health"}': "1x9 stale" },
        onset: 10,
        labels: { job: "api-health" },
      },
    ],
    silent: [{ why: "probes that fail are there", series: probed(0), at: 100 }],
  },
  StatusPageDown: stepping('probe_success{job="status-page-outside"}', [1, 0], {
    job: "status-page-outside",
  }),
};

/** Samples by alert; those of the objectives are in `sloSamples.ts`. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
  ...CRITICAL,
  ...DATABASE,
  ...APPLICATION,
  ...CLUSTER,
  ...BACKUPS,
  ...EXPIRY,
  ...MONITORING,
};
