import { isoDuration, promSeconds } from "../duration";
import { WEEKDAYS } from "../../azure-facts/maintenance";
import { AnnouncedWindow, WeeklyWindow, weeklyParts, clock } from "../maintenance";
import { HEARTBEAT } from "../alerts/monitoring";
import { escalationText, PRIORITY_POLICY } from "../priorities";
import { runbookUrl } from "../runbooks";
import {
  ActivityLogAlert,
  AlertText,
  AzureMetricAlert,
  Catalogue,
  PrometheusAlert,
  PRIORITIES,
} from "../types";
import { alertAnnotations, alertLabels, EVALUATION_SECONDS, prometheusRuleGroups } from "./prometheus";

/** A rule as `Microsoft.AlertsManagement/prometheusRuleGroups` takes it; `priority` picks the action group. */
export interface AzureRule {
  alert?: string;
  record?: string;
  expression: string;
  for?: string;
  severity?: number;
  enabled: true;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  resolveConfiguration?: { autoResolved: true; timeToResolve: string };
}

/** The rule groups in Azure's form; durations are ISO 8601. */
export function azureRuleGroups(
  catalogue: Catalogue,
): { name: string; interval: string; rules: { rule: AzureRule; alert?: PrometheusAlert }[] }[] {
  const alerts = new Map(catalogue.alerts.map((alert) => [alert.name, alert]));
  return prometheusRuleGroups(catalogue).map(({ name, rules }) => ({
    name,
    interval: isoDuration(EVALUATION_SECONDS),
    rules: rules.map((rule) => {
      if ("record" in rule) {
        const { record, expr, labels } = rule;
        return { rule: { record, expression: expr, enabled: true as const, ...(labels && { labels }) } };
      }
      const alert = alerts.get(rule.alert) as PrometheusAlert;
      return { rule: azureAlert(alert, catalogue.runbookBaseUrl), alert };
    }),
  }));
}

function azureAlert(alert: PrometheusAlert, runbookBaseUrl: string): AzureRule {
  return {
    alert: alert.name,
    expression: alert.expression,
    for: isoDuration(promSeconds(alert.for) ?? 0),
    severity: PRIORITY_POLICY[alert.priority].azureSeverity,
    enabled: true,
    labels: alertLabels(alert),
    annotations: alertAnnotations(alert, runbookBaseUrl),
    // The heartbeat must have ended before its next beat, or Azure would not tell of that one.
    resolveConfiguration: {
      autoResolved: true,
      timeToResolve: isoDuration(alert.name === HEARTBEAT ? 120 : 600),
    },
  };
}

/** Text of an alert that has no annotations: Azure shows one description. */
export function azureDescription(alert: AlertText, runbookBaseUrl: string): string {
  const escalation = alert.priority === "P1" ? ` Escalation: ${escalationText()}.` : "";
  return `${alert.summary}. ${alert.description}. Runbook: ${runbookUrl(runbookBaseUrl, alert.runbook)} Owner: ${alert.owner}.${escalation}`;
}

/** Criteria of a metric alert. */
export function metricCriteria(alert: AzureMetricAlert) {
  return {
    odataType: "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria" as const,
    allOf: [
      {
        criterionType: "StaticThresholdCriterion" as const,
        name: alert.metricName,
        metricName: alert.metricName,
        metricNamespace: alert.metricNamespace,
        operator: alert.operator,
        threshold: alert.threshold,
        timeAggregation: alert.aggregation,
        dimensions: (alert.dimensions ?? []).map(({ name, values }) => ({
          name,
          operator: "Include",
          values: [...values],
        })),
        skipMetricValidation: alert.skipMetricValidation ?? false,
      },
    ],
  };
}

/** Condition of an activity log alert: a single value is compared, several are alternatives. */
export function activityCondition(alert: ActivityLogAlert) {
  return {
    allOf: [
      { field: "category", equals: alert.category },
      ...alert.conditions.map(({ field, anyOf, contains }) =>
        contains
          ? { field, containsAny: [...anyOf] }
          : anyOf.length === 1
            ? { field, equals: anyOf[0] as string }
            : { anyOf: anyOf.map((value) => ({ field, equals: value })) },
      ),
    ],
  };
}

/** What a processing rule silences: never the heartbeat, whose silence pages. */
const butHeartbeat = { field: "AlertRuleName", operator: "DoesNotContain", values: [HEARTBEAT] };

/** Schedule and conditions that mute all but P1 every week. */
export function weeklySuppression(window: WeeklyWindow) {
  const severities = PRIORITIES.filter((priority) => priority !== "P1").map(
    (priority) => `Sev${PRIORITY_POLICY[priority].azureSeverity}`,
  );
  return {
    conditions: [{ field: "Severity", operator: "Equals", values: severities }, butHeartbeat],
    schedule: {
      timeZone: "UTC",
      recurrences: weeklyParts(window).map(({ day, from, to }) => ({
        recurrenceType: "Weekly" as const,
        daysOfWeek: [WEEKDAYS.find((name) => name === day) as string],
        startTime: `${clock(from)}:00`,
        // Azure knows no 24:00.
        endTime: to === 1_440 ? "23:59:59" : `${clock(to)}:00`,
      })),
    },
  };
}

/** Schedule and conditions that mute everything for one announced window. */
export function announcedSuppression(window: AnnouncedWindow) {
  const local = (instant: string) => new Date(instant).toISOString().slice(0, 19);
  return {
    conditions: [butHeartbeat],
    schedule: {
      timeZone: "UTC",
      effectiveFrom: local(window.startsAt),
      effectiveUntil: local(window.endsAt),
    },
  };
}
