import { escalationText, PRIORITY_POLICY } from "../priorities";
import { runbookUrl } from "../runbooks";
import { Catalogue, PrometheusAlert, RecordingRule } from "../types";

export interface AlertingRule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface RecordedRule {
  record: string;
  expr: string;
  labels?: Record<string, string>;
}

export interface RuleGroup {
  name: string;
  interval: string;
  rules: (AlertingRule | RecordedRule)[];
}

/** How often rules are evaluated, seconds: Azure's shortest interval. */
export const EVALUATION_SECONDS = 60;

/** Labels an alert carries: the report's `severity`, and the priority it is routed by. */
export function alertLabels(alert: Pick<PrometheusAlert, "priority" | "labels">): Record<string, string> {
  return { severity: PRIORITY_POLICY[alert.priority].severity, priority: alert.priority, ...alert.labels };
}

/** What a receiver reads. */
export function alertAnnotations(alert: PrometheusAlert, runbookBaseUrl: string): Record<string, string> {
  return {
    summary: alert.summary,
    description: alert.description,
    runbook_url: runbookUrl(runbookBaseUrl, alert.runbook),
    owner: alert.owner,
    ...(alert.priority === "P1" && { escalation: escalationText() }),
  };
}

/** The rule groups of any Prometheus, as its rule files hold them. Recordings come first, in order. */
export function prometheusRuleGroups(
  { alerts, recordings, runbookBaseUrl }: Catalogue,
  interval = `${EVALUATION_SECONDS}s`,
): RuleGroup[] {
  const groups = new Map<string, RuleGroup>();
  const rulesOf = (name: string) => {
    const group = groups.get(name) ?? { name, interval, rules: [] };
    groups.set(name, group);
    return group.rules;
  };
  for (const recording of recordings) rulesOf(recording.group).push(recordedRule(recording));
  for (const alert of alerts) {
    if (alert.kind === "prometheus") rulesOf(alert.group).push(alertingRule(alert, runbookBaseUrl));
  }
  return [...groups.values()];
}

function recordedRule({ record, expression, labels }: RecordingRule): RecordedRule {
  return { record, expr: expression, ...(labels && { labels: { ...labels } }) };
}

function alertingRule(alert: PrometheusAlert, runbookBaseUrl: string): AlertingRule {
  return {
    alert: alert.name,
    expr: alert.expression,
    ...(alert.for !== "0s" && { for: alert.for }),
    labels: alertLabels(alert),
    annotations: alertAnnotations(alert, runbookBaseUrl),
  };
}
