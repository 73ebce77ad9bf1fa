import { DashboardSource } from "./panels";

export const PLATFORM: DashboardSource = {
  uid: "forma3d-platform",
  title: "Forma 3D Connect: platform",
  description: "What users notice, and the pods and nodes behind it.",
  panels: [
    {
      title: "API health",
      description: "Worst of the API's own checks; 0 is down.",
      runbook: "application-crash",
      kind: "stat",
      unit: "short",
      width: 6,
      thresholds: { warning: 1, critical: 0.5 },
      queries: [{ expression: 'min by (job) (probe_success{job=~"api-.*"})', legend: "{{job}}" }],
    },
    {
      title: "Error rate",
      description: "Share of answers that are 5xx. Pages above 5%.",
      runbook: "error-rate-spike",
      kind: "stat",
      unit: "percentunit",
      width: 6,
      thresholds: { warning: 0.01, critical: 0.05 },
      queries: [{ expression: "sli:error_ratio", legend: "5xx" }],
    },
    {
      title: "Retry queue",
      description: "Operations waiting to be tried again. Alerts above 100.",
      runbook: "queue-backlog",
      kind: "stat",
      unit: "short",
      width: 6,
      thresholds: { warning: 50, critical: 100 },
      queries: [{ expression: "sum(retry_queue_pending_count)", legend: "pending" }],
    },
    {
      title: "Partners",
      description: "1 while a partner's API answers.",
      runbook: "partner-down",
      kind: "stat",
      unit: "short",
      width: 6,
      thresholds: { warning: 1, critical: 0.5 },
      queries: [{ expression: "min by (service) (health_dependency_status)", legend: "{{service}}" }],
    },
    {
      title: "Requests",
      description: "Answers a second by status.",
      kind: "timeseries",
      unit: "reqps",
      queries: [{ expression: "sum by (status) (rate(http_requests_total[5m]))", legend: "{{status}}" }],
    },
    {
      title: "Latency, p95",
      description: "API and dashboard; the objective of the API is 500 ms.",
      runbook: "error-rate-spike",
      kind: "timeseries",
      unit: "s",
      queries: [
        { expression: "sli:api_latency_p95_seconds", legend: "API" },
        { expression: "sli:dashboard_latency_p95_seconds", legend: "dashboard" },
      ],
    },
    {
      title: "Webhooks",
      description: "Accepted webhooks a second by source. Silence of Shopify in business hours alerts.",
      runbook: "shopify-webhooks",
      kind: "timeseries",
      unit: "ops",
      queries: [{ expression: "sum by (source) (rate(webhooks_received_total[5m]))", legend: "{{source}}" }],
    },
    {
      title: "Circuit breakers",
      description: "Partners the gateway leaves alone at the moment.",
      runbook: "partner-down",
      kind: "timeseries",
      unit: "short",
      queries: [
        {
          expression: "max by (envoy_cluster_name) (envoy_cluster_outlier_detection_ejections_active)",
          legend: "{{envoy_cluster_name}}",
        },
      ],
    },
    {
      title: "Pods",
      description: "Pods that are ready, by Deployment.",
      kind: "timeseries",
      unit: "short",
      queries: [
        {
          expression: "sum by (deployment) (kube_deployment_status_replicas_available)",
          legend: "{{deployment}}",
        },
      ],
    },
    {
      title: "Restarts",
      description: "Containers that were started again within an hour.",
      runbook: "application-crash",
      kind: "timeseries",
      unit: "short",
      queries: [
        {
          expression: "sum by (pod, container) (increase(kube_pod_container_status_restarts_total[1h])) > 0",
          legend: "{{pod}} {{container}}",
        },
      ],
    },
    {
      title: "Memory of containers",
      description: "Share of the limit. Above 100% the container is killed.",
      runbook: "memory-oom",
      kind: "timeseries",
      unit: "percentunit",
      thresholds: { warning: 0.8, critical: 0.9 },
      queries: [
        {
          expression:
            'max by (pod) (container_memory_working_set_bytes{container!=""}) / max by (pod) (kube_pod_container_resource_limits{resource="memory"})',
          legend: "{{pod}}",
        },
      ],
    },
    {
      title: "Disk of nodes",
      description: "Used share. A node above 90% evicts pods.",
      runbook: "disk-space",
      kind: "timeseries",
      unit: "percentunit",
      thresholds: { warning: 0.8, critical: 0.9 },
      queries: [
        {
          expression:
            '1 - node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes{mountpoint="/"}',
          legend: "{{instance}}",
        },
      ],
    },
  ],
};
