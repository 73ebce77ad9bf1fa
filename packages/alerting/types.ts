import { Runbook } from "./runbooks";

/** How urgent an alert is, as report §9.2 orders them: P1 pages, P2 is urgent, P3 warns, P4 informs. */
export const PRIORITIES = ["P1", "P2", "P3", "P4"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Risks of report §3. */
export const RISKS = [
  "R01",
  "R02",
  "R03",
  "R04",
  "R05",
  "R06",
  "R07",
  "R08",
  "R09",
  "R10",
  "R11",
  "R12",
  "R13",
  "R14",
  "R15",
] as const;
export type Risk = (typeof RISKS)[number];

/** Who keeps an alert useful and answers for its runbook. */
export const OWNERS = ["platform", "application", "security"] as const;
export type Owner = (typeof OWNERS)[number];

/** What every alert says, whichever system raises it. */
export interface AlertText {
  /** Unique, UpperCamelCase. Renaming one breaks silences and links. */
  name: string;
  priority: Priority;
  /** One sentence for the pager. */
  summary: string;
  /** What it means and for how long it has been so. May use `{{ $labels.x }}` in Prometheus alerts. */
  description: string;
  runbook: Runbook;
  owner: Owner;
  /** Risks it detects; empty for what serves monitoring itself. */
  risks: readonly Risk[];
}

/** An alert over Prometheus metrics. */
export interface PrometheusAlert extends AlertText {
  kind: "prometheus";
  /** Rule group it belongs to; at most 20 rules each, see `MAX_RULES_PER_GROUP`. */
  group: string;
  expression: string;
  /** How long the expression must hold, as Prometheus writes it: `0s`, `90s`, `5m`, `1h`. */
  for: string;
  /** Labels beside `severity` and `priority`. */
  labels?: Readonly<Record<string, string>>;
}

/** An alert over a metric Azure itself measures; it works while the cluster does not. */
export interface AzureMetricAlert extends AlertText {
  kind: "metric";
  /** What is measured: a key of the ids the component receives. Alerts on absent resources are left out. */
  scope: MetricScope;
  metricNamespace: string;
  metricName: string;
  aggregation: "Average" | "Minimum" | "Maximum" | "Total" | "Count";
  operator: "GreaterThan" | "GreaterThanOrEqual" | "LessThan" | "LessThanOrEqual";
  threshold: number;
  /** ISO 8601, one of PT1M, PT5M, PT15M, PT30M, PT1H. */
  evaluationFrequency: string;
  /** ISO 8601, at least the frequency. */
  windowSize: string;
  dimensions?: readonly { name: string; values: readonly string[] }[];
  /** The metric appears only once something happened; Azure would refuse the rule before. */
  skipMetricValidation?: boolean;
}

export const METRIC_SCOPES = [
  // By what a server is for now, not by where it was made: the alerts follow a failover.
  "servingServer",
  "standbyServer",
  "frontDoor",
  "storageAccount",
  "vault",
] as const;
export type MetricScope = (typeof METRIC_SCOPES)[number];

/** @property contains the field is a list, and one of the values in it is enough; else it equals one of them. */
export interface ActivityCondition {
  field: string;
  anyOf: readonly string[];
  contains?: boolean;
}

/** An alert on something that was done to the environment, or on Azure's own health. */
export interface ActivityLogAlert extends AlertText {
  kind: "activity";
  category: "Administrative" | "ResourceHealth" | "ServiceHealth";
  /** Fields that must match, each with the values it may have; see Azure's activity log schema. */
  conditions: readonly ActivityCondition[];
}

export type Alert = PrometheusAlert | AzureMetricAlert | ActivityLogAlert;

/** A query that is computed ahead and stored under a name. */
export interface RecordingRule {
  group: string;
  record: string;
  expression: string;
  labels?: Readonly<Record<string, string>>;
}

/** Everything that is watched in one environment. */
export interface Catalogue {
  /** Address under which the runbooks its alerts link to are published, without a slash at its end. */
  readonly runbookBaseUrl: string;
  alerts: readonly Alert[];
  recordings: readonly RecordingRule[];
}
