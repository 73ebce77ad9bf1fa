import { EXCLUSION_CAUSES } from "../../../packages/alerting/report";
import { NOTICE_HOURS } from "../../../packages/alerting/maintenance";
import {
  allowedDowntimeMinutes,
  CREDIT_REQUEST_DAYS,
  MINUTES_PER_MONTH,
  SLA_TIERS,
} from "../../../packages/alerting/sla";
import { SLIS, SLOS } from "../../../packages/alerting/slo";
import { BUDGET_POLICY, BURN_RATES } from "../../../packages/alerting/sloRules";
import { table } from "./alertsPage";

const percent = (share: number): string => `${Number((share * 100).toFixed(3))}%`;
const number = (value: number): string => String(Number(value.toFixed(2)));

/** `docs/slo.md`: indicators, objectives, error budget and tiers with their arithmetic. */
export function sloPage(): string {
  return `# Service level objectives

Generated from \`packages/alerting\`; change it there and run \`npm run docs\`.

## Indicators

${table(
  ["Indicator", "Measured as", "Target", "Recorded as"],
  SLIS.map(({ name, title, measurement, target }) => [title, measurement, target, `\`sli:${name}\``]),
)}

## Objectives

${table(
  ["Objective", "Indicator", "Target", "Window", "Budget", "Share of bad over 1 h"],
  SLOS.map(({ title, indicator, target, windowDays, errorRatio }) => [
    title,
    `\`${indicator}\``,
    percent(target),
    `${windowDays} days`,
    `${percent(1 - target)} = ${number(allowedDowntimeMinutes(target, windowDays * 1_440))} min`,
    `\`${errorRatio("1h")}\``,
  ]),
)}

The latency objective counts moments, as the report states it: a moment is good when 95% of the requests of the last
five minutes took less than 500 ms, and a moment without requests does not count.

## Burn rates

How fast the budget is used, after the SRE workbook: an alert needs both windows, the long one so that it matters,
the short one so that it is still going on.

${table(
  ["Factor", "Long window", "Short window", "Share of the 30-day budget", "For", "Priority"],
  BURN_RATES.map(({ factor, longWindow, shortWindow, budgetShare, for: patience, priority }) => [
    String(factor),
    longWindow,
    shortWindow,
    percent(budgetShare),
    patience,
    priority,
  ]),
)}

## Error budget

\`slo:error_budget_remaining:ratio\` is the share that is left, \`slo:error_budget_policy:level\` what follows from it.
A share on a limit belongs to the stricter level.

${table(
  ["Level", "Budget left", "What is done"],
  BUDGET_POLICY.map(({ level, above, action }, index) => {
    const upper = BUDGET_POLICY[index - 1]?.above;
    const range =
      upper === undefined
        ? `> ${percent(above)}`
        : above === -Infinity
          ? `≤ ${percent(upper)}`
          : `> ${percent(above)}, ≤ ${percent(upper)}`;
    return [String(level), range, action];
  }),
)}

## Tiers

A month has ${number(MINUTES_PER_MONTH)} minutes on average (365 / 12 days). 99.9% allows ${number(allowedDowntimeMinutes(0.999, MINUTES_PER_MONTH))} minutes of it, and
${number(allowedDowntimeMinutes(0.999, 30 * 1_440))} minutes of 30 days.

${table(
  ["Tier", "Uptime", "Allowed a month", "Support answers within", "Credits"],
  SLA_TIERS.map(({ name, target, supportResponseHours, credits }) => {
    const allowed = allowedDowntimeMinutes(target, MINUTES_PER_MONTH);
    return [
      name,
      percent(target),
      allowed < 60 ? `${number(allowed)} min` : `${number(allowed / 60)} h`,
      `${supportResponseHours} h`,
      credits.map(({ below, percent: share }) => `below ${percent(below)}: ${share}%`).join(", "),
    ];
  }),
)}

The report leaves the second and third step of the credits open; here they are the next lower tiers' targets. Credits
must be requested within ${CREDIT_REQUEST_DAYS} days.

## Report

\`\`\`sh
npm run slo -- report --window 30d --prometheus <url> --stack prod --outages outages.yaml
\`\`\`

Uptime is ((total − downtime) / total) × 100 over the minutes that count. A minute is down when the API's health check
failed in it. Left out are maintenance announced at least ${NOTICE_HOURS} hours before (\`alerts.maintenance\` of the stack) and
outages of ${EXCLUSION_CAUSES.join(", ")} listed in the file, each with a reference:

\`\`\`yaml
outages:
  - cause: shopify
    startsAt: 2026-11-03T10:00:00Z
    endsAt: 2026-11-03T11:30:00Z
    reference: shopifystatus.com, incident of 3 November
\`\`\`

A minute without a sample is neither up nor down; a report over less than 99% of its window ends with code 3. A
managed Prometheus (stack output \`monitoring.metrics\`) wants a token in \`PROMETHEUS_TOKEN\`: \`npm run slo -- --help\`.
`;
}
