import { AvailabilityReport } from "../../../packages/alerting/report";

const percent = (share: number, digits = 3): string => `${(share * 100).toFixed(digits)}%`;
const minutes = (value: number): string => `${Number(value.toFixed(1))} min`;

/** The report for a terminal. */
export function reportText(report: AvailabilityReport): string {
  const { budget } = report;
  const rows: [string, string][] = [
    ["Window", `${report.from} to ${report.to}`],
    ["Total", minutes(report.totalMinutes)],
    ["Excluded", minutes(report.excludedMinutes)],
    ["Not measured", `${minutes(report.unknownMinutes)} (coverage ${percent(report.coverage, 2)})`],
    ["Downtime", minutes(report.downMinutes)],
    ["Uptime", percent(report.uptime)],
    [
      "Error budget",
      `${minutes(budget.badMinutes)} of ${minutes(budget.allowedMinutes)} used, ${percent(budget.remaining, 1)} left`,
    ],
    ["Policy", `${budget.policy.name}: ${budget.policy.action}`],
  ];
  return [
    ...rows.map(([name, value]) => `${name.padEnd(14)}${value}`),
    "",
    ...report.credits.map(
      ({ tier, target, met, creditPercent }) =>
        `${tier.padEnd(14)}${percent(target, 1)} ${met ? "met" : `missed: ${creditPercent}% service credit`}`,
    ),
    ...(report.exclusions.length > 0 ? ["", "Exclusions"] : []),
    ...report.exclusions.map(
      ({ what, startsAt, endsAt, minutes: taken, refused }) =>
        `  ${what}, ${startsAt} to ${endsAt}: ${refused ? `counts, because it was ${refused}` : minutes(taken)}`,
    ),
  ].join("\n");
}
