import { SLOS } from "../../../packages/alerting/slo";
import { BURN_RATES } from "../../../packages/alerting/sloRules";
import { DashboardSource, Panel } from "./panels";

const budget = (name: string, title: string): Panel => ({
  title: `${title}: budget left`,
  description: "Share of the 30-day error budget that is left. At 50%, 25% and 10% the policy changes.",
  kind: "stat",
  unit: "percentunit",
  width: 6,
  thresholds: { warning: 0.5, critical: 0.1 },
  queries: [{ expression: `slo:error_budget_remaining:ratio{slo="${name}"}`, legend: "left" }],
});

const burn = (name: string, title: string, allowed: number): Panel => ({
  title: `${title}: burn rate`,
  description: `How many times too fast the budget is used. Pages at ${BURN_RATES[0].factor} and ${BURN_RATES[1].factor}.`,
  kind: "timeseries",
  unit: "short",
  queries: BURN_RATES.map(({ longWindow }) => ({
    expression: `slo:error_ratio:${longWindow}{slo="${name}"} / ${Number(allowed.toFixed(9))}`,
    legend: longWindow,
  })),
});

export const SLO: DashboardSource = {
  uid: "forma3d-slo",
  title: "Forma 3D Connect: service level objectives",
  description: "What is promised, what is left of it, and how fast it is used up.",
  panels: [
    ...SLOS.map(({ name, title }) => budget(name, title)),
    {
      title: "Policy level",
      description: "0 normal, 1 review deployments, 2 pause features, 3 emergency.",
      kind: "stat",
      unit: "short",
      width: 6,
      thresholds: { warning: 1, critical: 3 },
      queries: [{ expression: "max by (slo) (slo:error_budget_policy:level)", legend: "{{slo}}" }],
    },
    ...SLOS.map(({ name, title, target }) => burn(name, title, 1 - target)),
    {
      title: "Indicators",
      description: "Availability and error rate.",
      kind: "timeseries",
      unit: "percentunit",
      queries: [
        { expression: "sli:availability", legend: "availability" },
        { expression: "sli:error_ratio", legend: "errors" },
      ],
    },
    {
      title: "Order processing, p95",
      description: "Time from webhook to the start of processing; the objective is 30 s.",
      kind: "timeseries",
      unit: "s",
      queries: [{ expression: "sli:order_processing_p95_seconds", legend: "p95" }],
    },
  ],
};
