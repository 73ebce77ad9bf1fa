/**
 * Where metrics come from. `application` is what the API must export: the contract between its repository and
 * this one.
 */
export type MetricSource =
  | "application"
  | "gateway"
  | "serving"
  | "postgres-exporter"
  | "blackbox"
  | "kube-state"
  | "node"
  | "kubelet"
  | "cadvisor"
  | "backup-exporter"
  | "prometheus";

export interface Metric {
  name: string;
  source: MetricSource;
  type: "counter" | "gauge" | "histogram";
  /** What it counts and the labels the rules rely on. */
  help: string;
}

const from = (source: MetricSource, type: Metric["type"], entries: Record<string, string>): Metric[] =>
  Object.entries(entries).map(([name, help]) => ({ name, source, type, help }));

/** Every metric a rule or a panel may name. A rule over anything else could never fire, so tests refuse it. */
export const METRICS: readonly Metric[] = [
  ...from("application", "counter", {
    http_requests_total: "Requests answered, by `status`.",
    webhooks_received_total: "Webhooks accepted, by `source`.",
    webhook_signature_failures_total: "Webhooks refused because their HMAC signature is wrong, by `source`.",
    auth_failures_total: "Failed sign-ins.",
    processed_orders_total: "Orders whose processing has started.",
  }),
  ...from("application", "gauge", {
    retry_queue_pending_count: "Operations waiting in the retry queue.",
    health_dependency_status: "1 while a dependency (`service`) is healthy, else 0.",
  }),
  ...from("application", "histogram", {
    http_request_duration_seconds: 'Time to answer a request; needs the bucket `le="0.5"`.',
    order_processing_time_seconds:
      'Time from webhook to the start of processing; needs the bucket `le="30"`.',
  }),
  ...from("gateway", "gauge", {
    envoy_cluster_outlier_detection_ejections_active: "Hosts of a partner (`envoy_cluster_name`) taken out.",
  }),
  ...from("gateway", "counter", {
    envoy_cluster_upstream_rq_total: "Calls to a partner (`envoy_cluster_name`).",
    envoy_cluster_upstream_rq_pending_overflow:
      "Calls to a partner (`envoy_cluster_name`) refused because too many were under way.",
  }),
  ...from("serving", "gauge", {
    forma3d_serving_may_call: "1 while a gateway's region may call partners, else 0.",
    forma3d_serving_seconds_left: "Seconds a gateway may still call partners, if it hears nothing more.",
  }),
  ...from("postgres-exporter", "gauge", {
    pg_up: "1 while the exporter can query the database.",
    pg_stat_activity_count: "Connections by `datname` and `state`.",
    pg_stat_activity_max_tx_duration: "Seconds the oldest transaction is open, by `datname` and `state`.",
    pg_settings_max_connections: "Connections the server allows.",
    pg_heartbeat_written: "When the heartbeat that replicas replay was last written, as a Unix time.",
    pg_database_size_bytes: "Size of each database (`datname`).",
  }),
  ...from("postgres-exporter", "counter", {
    pg_stat_database_deadlocks: "Deadlocks by `datname`.",
    pg_stat_database_xact_commit: "Committed transactions by `datname`.",
    pg_stat_database_xact_rollback: "Rolled back transactions by `datname`.",
  }),
  ...from("blackbox", "gauge", {
    probe_success: "1 when the probe of a service (`job`) passed.",
    probe_duration_seconds: "Time the probe of a service (`job`) took.",
    probe_ssl_earliest_cert_expiry: "When the first certificate of the chain expires, Unix seconds.",
  }),
  ...from("kube-state", "counter", {
    kube_pod_container_status_restarts_total: "Restarts of a container.",
  }),
  ...from("kube-state", "gauge", {
    kube_pod_container_status_last_terminated_reason: "1 for the `reason` a container last ended for.",
    kube_pod_container_status_waiting_reason: "1 for the `reason` a container waits.",
    kube_pod_status_phase: "1 for the `phase` a pod is in.",
    kube_pod_container_resource_limits: "Limits by `resource`.",
    kube_deployment_spec_replicas: "Pods a Deployment wants.",
    kube_replicaset_created:
      "Time at which a ReplicaSet was made, Unix seconds: a new version of a Deployment.",
    kube_deployment_status_replicas_available: "Pods a Deployment has ready.",
    kube_horizontalpodautoscaler_status_current_replicas: "Pods an autoscaler sees.",
    kube_horizontalpodautoscaler_spec_max_replicas: "Pods an autoscaler may make.",
    kube_poddisruptionbudget_status_pod_disruptions_allowed: "Pods a budget lets go now.",
    kube_poddisruptionbudget_status_expected_pods: "Pods a budget covers.",
    kube_node_status_condition: "1 for the `status` of a node's `condition`.",
    kube_job_failed: '1 when a Job has failed for good (`condition="true"`).',
  }),
  ...from("node", "gauge", {
    node_filesystem_avail_bytes: "Free bytes by `mountpoint`.",
    node_filesystem_size_bytes: "Size by `mountpoint`.",
    node_memory_MemAvailable_bytes: "Memory a node can still give.",
    node_memory_MemTotal_bytes: "Memory of a node.",
  }),
  ...from("kubelet", "gauge", {
    kubelet_volume_stats_available_bytes: "Free bytes of a claimed volume.",
    kubelet_volume_stats_capacity_bytes: "Size of a claimed volume.",
  }),
  ...from("cadvisor", "gauge", {
    container_memory_working_set_bytes: "Memory a container cannot give back.",
  }),
  ...from("cadvisor", "counter", {
    container_cpu_usage_seconds_total: "CPU seconds of a container.",
  }),
  ...from("backup-exporter", "gauge", {
    pgbackup_last_success_snapshot_timestamp_seconds:
      "Snapshot of the newest complete backup, by `database` and `tier`.",
    pgbackup_last_verified_timestamp_seconds:
      "When a backup was last proved by restoring it, by `database`; 0 when none ever was.",
    pgbackup_duration_seconds: "Time of the newest backup and of each `stage` of the newest drill.",
    pgbackup_size_bytes: "Size of the newest backup, by `database` and `tier`.",
    pgbackup_restore_rto_seconds: "Time the newest drill needed to recover.",
    pgbackup_rpo_seconds: "Data the newest drill would have lost.",
    pgbackup_objective_seconds: "Objectives, by `kind` (`rto`, `rpo`).",
    pgbackup_verified_backups: "Backups that are proved and still kept, by `database`.",
    pgbackup_unproved_backups: "Backups that are kept and that no restore has tried yet, by `database`.",
    pgbackup_oldest_unproved_timestamp_seconds:
      "Snapshot of the oldest of them, by `database`; absent when there is none.",
    pgbackup_catalogue_mismatches: "Backups where catalogue and blobs disagree, by `tier` and `kind`.",
    pgbackup_drill_verdict: "1 when the newest drill met every target, else 0.",
    pgbackup_last_drill_timestamp_seconds: "End of the newest drill.",
    pgbackup_mttr_seconds: "Mean time to recover over all drills.",
    pgbackup_evidence_intact: "1 while the chain of drill reports is unbroken.",
    pgbackup_store_up: "1 while the exporter can read every target.",
    forma3d_readiness_pass: "1 when a readiness `check` passed, else 0, of the newest run on record.",
    forma3d_readiness_checked_at_seconds: "When the readiness checks on record were run, Unix seconds.",
    pgbackup_target_behind: "Backups a `target` lacks that another holds, by `database`.",
  }),
  ...from("prometheus", "gauge", { up: "1 when a scrape of a target (`job`) succeeded." }),
];

/** Names of the time series a metric has: histograms have three. */
export function seriesNames(metric: Metric): string[] {
  return metric.type === "histogram"
    ? ["bucket", "count", "sum"].map((part) => `${metric.name}_${part}`)
    : [metric.name];
}

/** Names of all time series of a source. */
export function seriesOfSource(source: MetricSource): string[] {
  return METRICS.filter((metric) => metric.source === source)
    .flatMap(seriesNames)
    .sort();
}
