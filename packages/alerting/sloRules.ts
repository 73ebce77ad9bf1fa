import { promDuration } from "./duration";
import { SLIS, Slo, SLOS } from "./slo";
import { PrometheusAlert, Priority, RecordingRule } from "./types";

/**
 * Pairs of windows and the speed at which the budget burns that each detects, from the SRE workbook (chapter 5,
 * table 5-8): a page at 2% of a month's budget in an hour or 5% in six, a ticket at 10% in a day or three. The short
 * window ends the alert soon after the trouble has ended.
 */
export const BURN_RATES = [
  { factor: 14.4, longWindow: "1h", shortWindow: "5m", budgetShare: 0.02, for: "2m", priority: "P1" },
  { factor: 6, longWindow: "6h", shortWindow: "30m", budgetShare: 0.05, for: "5m", priority: "P1" },
  { factor: 3, longWindow: "1d", shortWindow: "2h", budgetShare: 0.1, for: "15m", priority: "P3" },
  { factor: 1, longWindow: "3d", shortWindow: "6h", budgetShare: 0.1, for: "1h", priority: "P3" },
] as const satisfies readonly {
  factor: number;
  longWindow: string;
  shortWindow: string;
  budgetShare: number;
  for: string;
  priority: Priority;
}[];

/** Every window an error ratio is recorded over. */
export const BURN_WINDOWS = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] as const;

/** What is done at which share of the budget left (report §10.3), the best level first. */
export const BUDGET_POLICY = [
  { level: 0, above: 0.5, name: "normal", action: "Normal operations" },
  { level: 1, above: 0.25, name: "review", action: "Review deployment frequency" },
  { level: 2, above: 0.1, name: "pause", action: "Pause feature releases, focus on reliability" },
  { level: 3, above: -Infinity, name: "emergency", action: "Emergency mode, critical fixes only" },
] as const;

/** Rule group of an objective: each has its own, so that all stay small. */
const sloGroup = (slo: Slo): string => `forma3d-slo-${slo.name.replaceAll("_", "-")}`;

const ratioRecord = (window: string): string => `slo:error_ratio:${window}`;
const selector = (slo: Slo): string => `{slo="${slo.name}"}`;

/** Recording rules of indicators and objectives, in the order in which they depend on one another. */
export function sloRecordings(): RecordingRule[] {
  return [
    ...SLIS.map((sli) => ({ group: "forma3d-sli", record: `sli:${sli.name}`, expression: sli.expression })),
    ...SLOS.flatMap(recordingsOf),
  ];
}

function recordingsOf(slo: Slo): RecordingRule[] {
  const group = sloGroup(slo);
  const labels = { slo: slo.name };
  const window = promDuration(slo.windowDays * 86_400);
  const budget = round(1 - slo.target);
  const remaining = `slo:error_budget_remaining:ratio${selector(slo)}`;
  return [
    ...(slo.prerequisite ? [{ group, ...slo.prerequisite }] : []),
    ...BURN_WINDOWS.map((span) => ({
      group,
      record: ratioRecord(span),
      expression: slo.errorRatio(span),
      labels,
    })),
    { group, record: `slo:error_ratio:${window}`, expression: slo.errorRatio(window), labels },
    {
      group,
      record: "slo:error_budget_remaining:ratio",
      expression: `1 - slo:error_ratio:${window}${selector(slo)} / ${budget}`,
      labels,
    },
    {
      group,
      record: "slo:error_budget_policy:level",
      // One for every threshold the budget has fallen to: 0 normal, 3 emergency.
      expression: BUDGET_POLICY.slice(0, -1)
        .map(({ above }) => `(${remaining} <= bool ${above})`)
        .join(" + "),
      labels,
    },
  ];
}

/** Alerts of every objective: burn rates, and the levels of the budget policy. */
export function sloAlerts(): PrometheusAlert[] {
  return SLOS.flatMap((slo) => [...burnAlerts(slo), ...budgetAlerts(slo)]);
}

const camel = (text: string): string =>
  text
    .split(/[_ ]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

const SPEED = { "1h": "Fast", "6h": "Steady", "1d": "Slow", "3d": "Creeping" } as const;

function burnAlerts(slo: Slo): PrometheusAlert[] {
  const budget = round(1 - slo.target);
  return BURN_RATES.map((rate) => ({
    kind: "prometheus",
    group: sloGroup(slo),
    name: `${camel(slo.name)}Burn${SPEED[rate.longWindow]}`,
    expression: [rate.longWindow, rate.shortWindow]
      .map((window) => `${ratioRecord(window)}${selector(slo)} > ${round(rate.factor * budget)}`)
      .join(" and "),
    for: rate.for,
    priority: rate.priority,
    summary: `${slo.title}: the error budget burns ${rate.factor} times too fast`,
    description: `Over ${rate.longWindow} and ${rate.shortWindow} errors use up ${rate.budgetShare * 100}% of the ${slo.windowDays}-day budget`,
    runbook: slo.runbook,
    owner: "application",
    risks: ["R03"],
  }));
}

function budgetAlerts(slo: Slo): PrometheusAlert[] {
  const priorities: Priority[] = ["P4", "P3", "P2"];
  return BUDGET_POLICY.slice(1).map((policy, index) => ({
    kind: "prometheus",
    group: sloGroup(slo),
    name: `${camel(slo.name)}Budget${camel(policy.name)}`,
    expression: `slo:error_budget_policy:level${selector(slo)} == ${policy.level}`,
    for: "30m",
    priority: priorities[index] ?? "P2",
    summary: `${slo.title}: error budget at policy level "${policy.name}"`,
    description: `At most ${(BUDGET_POLICY[index]?.above ?? 0) * 100}% of the budget is left. ${policy.action}`,
    runbook: slo.runbook,
    owner: "application",
    risks: ["R03"],
  }));
}

/** Binary fractions would write 1 - 0.999 as 0.0010000000000000009. */
function round(value: number): number {
  return Number(value.toFixed(9));
}
