/** A measure of what users notice (report §10.2). */
export interface Sli {
  name: string;
  title: string;
  /** How it is measured, in the report's words. */
  measurement: string;
  target: string;
  /** PromQL of its value now, recorded as `sli:<name>`. */
  expression: string;
}

/** Every check counts once: a mean over series would give a prober that has just restarted the weight of a month. */
const healthRatio = (window: string): string =>
  ["sum", "count"]
    .map((kind) => `sum(${kind}_over_time(probe_success{job="api-health"}[${window}]))`)
    .join(" / ");

export const SLIS: readonly Sli[] = [
  {
    name: "availability",
    title: "Availability",
    measurement: "Successful health checks / total checks",
    target: "99.9%",
    expression: healthRatio("5m"),
  },
  {
    name: "api_latency_p95_seconds",
    title: "Latency (API)",
    measurement: "p95 response time",
    target: "< 500 ms",
    expression: "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
  },
  {
    name: "dashboard_latency_p95_seconds",
    title: "Latency (Dashboard)",
    measurement: "p95 page load, measured as the time the probe needs to fetch the page",
    target: "< 3 s",
    expression: 'max(quantile_over_time(0.95, probe_duration_seconds{job="web-dashboard"}[1h]))',
  },
  {
    name: "order_processing_p95_seconds",
    title: "Order Processing",
    measurement: "Time from webhook to processing start",
    target: "< 30 s",
    expression: "histogram_quantile(0.95, sum by (le) (rate(order_processing_time_seconds_bucket[5m])))",
  },
  {
    name: "error_ratio",
    title: "Error Rate",
    measurement: "5xx responses / total responses",
    target: "< 0.1%",
    expression: 'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
  },
];

/** A promise about an indicator over a rolling window (report §10.2). */
export interface Slo {
  /** Lower case with underscores: the value of the label `slo`. */
  name: string;
  title: string;
  /** Share of good events or time, e.g. 0.999. */
  target: number;
  /** Rolling window in days. */
  windowDays: number;
  /** The report's indicator. */
  indicator: string;
  /** PromQL of the share of bad events or time over a window such as `5m`. */
  errorRatio: (window: string) => string;
  /** Recorded before `errorRatio` is computed from it. */
  prerequisite?: { record: string; expression: string };
  runbook: "error-rate-spike" | "queue-backlog" | "application-crash";
}

const SLO_WINDOW_DAYS = 30;

export const SLOS: readonly Slo[] = [
  {
    name: "api_availability",
    title: "API availability",
    target: 0.999,
    windowDays: SLO_WINDOW_DAYS,
    indicator: 'probe_success{job="api-health"}',
    errorRatio: (window) => `1 - ${healthRatio(window)}`,
    runbook: "application-crash",
  },
  {
    name: "api_latency",
    title: "API latency: p95 under 500 ms",
    target: 0.99,
    windowDays: SLO_WINDOW_DAYS,
    indicator: "histogram_quantile(0.95, http_request_duration_seconds_bucket) < 0.5",
    // Time slices: a moment is good when its p95 is. Moments without a request have no p95 and do not count.
    prerequisite: {
      record: "slo:api_latency:good",
      expression:
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) < bool 0.5 and on () sum(rate(http_request_duration_seconds_count[5m])) > 0",
    },
    errorRatio: (window) => `1 - avg_over_time(slo:api_latency:good[${window}])`,
    runbook: "error-rate-spike",
  },
  {
    name: "order_processing",
    title: "Order processing: started within 30 s",
    target: 0.995,
    windowDays: SLO_WINDOW_DAYS,
    indicator: "order_processing_time_seconds < 30",
    // Prometheus 3 stores the bucket 30 as 30.0.
    errorRatio: (window) =>
      `1 - sum(rate(order_processing_time_seconds_bucket{le=~"30([.]0)?"}[${window}])) / sum(rate(order_processing_time_seconds_count[${window}]))`,
    runbook: "queue-backlog",
  },
];
