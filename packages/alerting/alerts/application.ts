import { AlertSettings } from "../settings";
import { PrometheusAlert } from "../types";

/** What users and partners notice. */
export function applicationAlerts({ thresholds }: AlertSettings): PrometheusAlert[] {
  const base = { kind: "prometheus", group: "forma3d-application", owner: "application" } as const;
  const { from, to } = thresholds.businessHours;
  const silence = thresholds.webhookSilenceMinutes;
  return [
    {
      ...base,
      name: "ApiDown",
      expression: 'probe_success{job="api-health"} == 0',
      for: "2m",
      priority: "P1",
      summary: "The API does not answer",
      description: "The API's health check has failed for 2 minutes",
      runbook: "application-crash",
      risks: ["R03"],
    },
    {
      ...base,
      name: "ApiNotReady",
      expression: 'probe_success{job="api-ready"} == 0',
      for: "3m",
      priority: "P1",
      summary: "The API is up but cannot work",
      description:
        "The readiness check has failed for 3 minutes: a dependency is missing, often the database",
      runbook: "database-connection",
      risks: ["R01", "R09"],
    },
    {
      ...base,
      name: "EdgeUnreachable",
      expression:
        'max(probe_success{job="api-edge"}) == 0 and on () max(probe_success{job="api-health"}) == 1',
      for: "3m",
      priority: "P1",
      summary: "The API works but cannot be reached from outside",
      description:
        "For 3 minutes the public address fails while the API answers inside: DNS, edge or certificate",
      runbook: "network-dns",
      owner: "platform",
      risks: ["R11", "R12"],
    },
    {
      ...base,
      name: "DashboardDown",
      expression: 'probe_success{job="web-dashboard"} == 0',
      for: "3m",
      priority: "P2",
      summary: "The web dashboard does not answer",
      description: "The dashboard's page has failed to load for 3 minutes",
      runbook: "application-crash",
      risks: ["R03"],
    },
    {
      ...base,
      name: "ApplicationUnobserved",
      // Without the series HighErrorRate divides nothing by nothing and stays silent.
      expression: "absent(http_requests_total) or absent(retry_queue_pending_count)",
      for: "10m",
      priority: "P2",
      summary: "The API delivers no metrics",
      description: "Request or queue metrics have been missing for 10 minutes, so their alerts cannot fire",
      runbook: "monitoring-blind",
      risks: ["R03", "R09"],
    },
    {
      ...base,
      name: "ErrorRateSpike",
      // HighErrorRate waits five minutes, more than an outage may take to be noticed (report §11.3).
      expression:
        'sum(rate(http_requests_total{status=~"5.."}[2m])) / sum(rate(http_requests_total[2m])) > 0.25',
      for: "1m",
      priority: "P1",
      summary: "A large part of the requests fails",
      description: "Error rate is above 25% for 1 minute",
      runbook: "error-rate-spike",
      risks: ["R03", "R09"],
    },
    {
      ...base,
      name: "ElevatedErrorRate",
      expression: `sum(rate(http_requests_total{status=~"5.."}[15m])) / sum(rate(http_requests_total[15m])) > ${thresholds.errorPercent / 100}`,
      for: "15m",
      priority: "P3",
      summary: "Elevated HTTP error rate",
      description: `Error rate has been above ${thresholds.errorPercent}% for 15 minutes`,
      runbook: "error-rate-spike",
      risks: ["R03", "R09"],
    },
    {
      ...base,
      name: "ApiLatencyHigh",
      expression: `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > ${thresholds.apiLatencySeconds}`,
      for: "10m",
      priority: "P3",
      summary: "The API is slow",
      description: `95% of the requests took up to more than ${thresholds.apiLatencySeconds} seconds for 10 minutes`,
      runbook: "error-rate-spike",
      risks: ["R03"],
    },
    {
      ...base,
      name: "WebhookSilence",
      // `or vector(0)`: no series at all is the deepest silence. The whole window lies in business hours: a night
      // without orders is no silence.
      expression: `(sum(increase(webhooks_received_total{source="shopify"}[${silence}m])) or vector(0)) == 0 and on () hour() * 60 + minute() >= ${from * 60 + silence} and on () hour() < ${to}`,
      for: "0s",
      priority: "P2",
      summary: "No orders coming in",
      description: `Shopify has sent no webhook for ${silence} minutes within business hours: a wrong webhook address, or Shopify is down`,
      runbook: "shopify-webhooks",
      risks: ["R04", "R09"],
    },
    {
      ...base,
      name: "WebhookFlood",
      expression: `sum(rate(webhooks_received_total[2m])) > ${thresholds.webhookFloodPerSecond}`,
      for: "2m",
      priority: "P2",
      summary: "Flood of webhooks",
      description: `More than ${thresholds.webhookFloodPerSecond} webhooks a second for 2 minutes`,
      runbook: "webhook-flood",
      risks: ["R15"],
    },
    {
      ...base,
      name: "WebhookSignatureFailures",
      expression: "sum by (source) (increase(webhook_signature_failures_total[5m])) > 20",
      for: "0s",
      priority: "P2",
      summary: "Webhooks with wrong signatures",
      description:
        "More than 20 webhooks from {{ $labels.source }} were refused within 5 minutes: a rotated key, or an attack",
      runbook: "security-breach",
      owner: "security",
      risks: ["R07", "R08"],
    },
    {
      ...base,
      name: "AuthenticationFailures",
      expression: `sum(increase(auth_failures_total[5m])) > ${thresholds.authFailures}`,
      for: "0s",
      priority: "P2",
      summary: "Many failed sign-ins",
      description: `More than ${thresholds.authFailures} sign-ins failed within 5 minutes: somebody tries stolen credentials`,
      runbook: "security-breach",
      owner: "security",
      risks: ["R07", "R08"],
    },
    {
      ...base,
      name: "IntegrationCircuitOpen",
      expression: "max by (envoy_cluster_name) (envoy_cluster_outlier_detection_ejections_active) > 0",
      for: "2m",
      priority: "P3",
      summary: "A circuit breaker is open",
      description: "The gateway has refused calls to {{ $labels.envoy_cluster_name }} for 2 minutes",
      runbook: "partner-down",
      risks: ["R04", "R05", "R06"],
    },
    {
      ...base,
      name: "IntegrationOverflow",
      expression:
        "sum by (envoy_cluster_name) (increase(envoy_cluster_upstream_rq_pending_overflow[5m])) > 0",
      for: "2m",
      priority: "P3",
      summary: "More calls to a partner than the gateway lets through",
      description:
        "For 2 minutes calls to {{ $labels.envoy_cluster_name }} have been refused because too many are under way: a slow partner, or a burst that retries without a pause",
      runbook: "partner-down",
      risks: ["R04", "R05", "R06"],
    },
  ];
}
