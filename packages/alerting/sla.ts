/** Minutes of an average month, 365 / 12 days: what the report's monthly figures are computed with. */
export const MINUTES_PER_MONTH = (365 * 1_440) / 12;

/** Minutes a target leaves per window. @param target share, e.g. 0.999. @param minutes length of the window. */
export function allowedDowntimeMinutes(target: number, minutes: number): number {
  return (1 - target) * minutes;
}

/** What a tenant buys (report §10.1). */
export interface SlaTier {
  name: "Basic" | "Professional" | "Enterprise";
  /** Promised share of uptime per month. */
  target: number;
  /** Hours until support answers. */
  supportResponseHours: number;
  pricePoint: string;
  /** Credit by uptime, the worst last: below `below`, so many percent of the monthly fee (report §10.4). */
  credits: readonly { below: number; percent: number }[];
}

/**
 * The report leaves the steps below each target open: the second is the next lower tier's target, the third the one
 * below that.
 */
export const SLA_TIERS: readonly SlaTier[] = [
  {
    name: "Basic",
    target: 0.99,
    supportResponseHours: 24,
    pricePoint: "Entry level",
    credits: [
      { below: 0.99, percent: 10 },
      { below: 0.98, percent: 25 },
      { below: 0.95, percent: 50 },
    ],
  },
  {
    name: "Professional",
    target: 0.995,
    supportResponseHours: 4,
    pricePoint: "Mid-tier",
    credits: [
      { below: 0.995, percent: 10 },
      { below: 0.99, percent: 25 },
      { below: 0.98, percent: 50 },
    ],
  },
  {
    name: "Enterprise",
    target: 0.999,
    supportResponseHours: 1,
    pricePoint: "Premium",
    credits: [
      { below: 0.999, percent: 10 },
      { below: 0.995, percent: 25 },
      { below: 0.99, percent: 50 },
    ],
  },
];

/** Percent of the monthly fee a tenant of a tier is owed for an uptime. @param uptime share, 0-1. */
export function serviceCredit(tier: SlaTier, uptime: number): number {
  return tier.credits
    .filter(({ below }) => uptime < below)
    .reduce((most, { percent }) => Math.max(most, percent), 0);
}

/** Days within which a credit must be requested (report §10.4). */
export const CREDIT_REQUEST_DAYS = 30;
