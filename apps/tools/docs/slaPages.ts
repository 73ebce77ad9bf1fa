import {
  allowedDowntimeMinutes,
  CREDIT_REQUEST_DAYS,
  MINUTES_PER_MONTH,
  SLA_TIERS,
  SlaTier,
} from "../../../packages/alerting/sla";

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

function downtime(target: number): string {
  const minutes = allowedDowntimeMinutes(target, MINUTES_PER_MONTH);
  return minutes >= 120
    ? `${Number((minutes / 60).toFixed(2))} hours`
    : `${Number(minutes.toFixed(1))} minutes`;
}

function credits({ credits: steps }: SlaTier): string[] {
  return steps.map(({ below, percent: credit }, index) => {
    const floor = steps[index + 1]?.below;
    return `| below ${percent(below)}${floor === undefined ? "" : ` but not below ${percent(floor)}`} | ${credit} % of the monthly fee |`;
  });
}

/** Response of support by kind of issue: the tier's hours for critical ones, longer for the rest. */
function responses({ supportResponseHours: hours }: SlaTier): string[] {
  return [
    `| Critical: complete outage | within ${hours} hour${hours === 1 ? "" : "s"} |`,
    `| Major: significant functionality impaired | within ${hours * 2} hours |`,
    `| Minor | within ${Math.max(1, Math.ceil(hours / 8))} business day${hours > 8 ? "s" : ""} |`,
  ];
}

function agreement(tier: SlaTier): string[] {
  return [
    `## ${tier.name}`,
    "",
    `Forma 3D Connect commits to the ${tier.name} level of service.`,
    "",
    `**Availability.** ${percent(tier.target)} a month, at most ${downtime(tier.target)} of downtime in an average month, measured by successful answers of the health check.`,
    "",
    "| Issue | First response |",
    "|---|---|",
    ...responses(tier),
    "",
    "| Monthly uptime | Credit |",
    "|---|---|",
    ...credits(tier),
    "",
  ];
}

/** `docs/sla.md`: tiers and the agreement each tenant gets, from the tiers' data. */
export function renderSla(): string {
  return [
    "# Service level agreement",
    "",
    "<!-- Generated from packages/alerting/sla.ts by `npm run docs`. -->",
    "",
    "| Tier | Monthly uptime | Downtime in an average month | Support answers within | Price point |",
    "|---|---|---|---|---|",
    ...SLA_TIERS.map(
      (tier) =>
        `| ${tier.name} | ${percent(tier.target)} | ${downtime(tier.target)} | ${tier.supportResponseHours} hour${tier.supportResponseHours === 1 ? "" : "s"} | ${tier.pricePoint} |`,
    ),
    "",
    `Uptime = (total minutes − downtime minutes) / total minutes, over a calendar month of ${MINUTES_PER_MONTH} minutes on average. \`npm run slo -- report\` computes it with the exclusions below, and the credits owed. The internal objectives that keep this promise are in [objectives](slo.md).`,
    "",
    "## What does not count",
    "",
    "- scheduled maintenance announced at least 48 hours before",
    "- outages of Shopify, SimplyPrint or SendCloud",
    "- force majeure",
    "- what a customer caused by misuse or misconfiguration",
    "- features marked Beta or Preview, and free accounts",
    "",
    `Credits must be requested within ${CREDIT_REQUEST_DAYS} days of the incident.`,
    "",
    ...SLA_TIERS.flatMap(agreement),
  ].join("\n");
}
