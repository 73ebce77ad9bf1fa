import { Budget, errorBudget } from "./budget";
import { AnnouncedWindow, NOTICE_HOURS } from "./maintenance";
import { SLA_TIERS, serviceCredit } from "./sla";
import { SLOS } from "./slo";

/** One minute of the service: up, down, or not measured. */
export type Minute = "up" | "down" | "unknown";

/** Whose fault an outage may be without counting (report §10.2). */
export const EXCLUSION_CAUSES = ["shopify", "simplyprint", "sendcloud", "force-majeure", "customer"] as const;
export type ExclusionCause = (typeof EXCLUSION_CAUSES)[number];

/** An outage that was not ours, as somebody recorded it. */
export interface OutsideOutage {
  cause: ExclusionCause;
  startsAt: string;
  endsAt: string;
  /** Where it is documented: the partner's incident, for the tenant who asks. */
  reference: string;
}

/** A window that is left out, or why it is not. */
export interface Exclusion {
  what: string;
  startsAt: string;
  endsAt: string;
  /** Minutes of the report it takes out, each counted once. */
  minutes: number;
  /** Why it does not count; absent when it does. */
  refused?: string;
}

export interface AvailabilityReport {
  from: string;
  to: string;
  totalMinutes: number;
  excludedMinutes: number;
  /** Minutes without a sample; neither up nor down. */
  unknownMinutes: number;
  /** What remains: the minutes uptime is a share of. */
  measuredMinutes: number;
  downMinutes: number;
  /** Up share of the measured minutes; 0 when nothing was measured. */
  uptime: number;
  /** Measured share of the minutes that are not excluded. */
  coverage: number;
  budget: Budget;
  exclusions: Exclusion[];
  credits: { tier: string; target: number; met: boolean; creditPercent: number }[];
}

const MINUTE = 60_000;

/**
 * Availability of a window with the contract's exclusions: ((total − downtime) / total) over the minutes that count.
 * @param from start of the first minute, Unix milliseconds, on a whole minute.
 * @param minutes state of every minute from there on.
 */
export function availabilityReport(
  from: number,
  minutes: readonly Minute[],
  maintenance: readonly AnnouncedWindow[],
  outages: readonly OutsideOutage[],
): AvailabilityReport {
  const excluded = new Uint8Array(minutes.length);
  const exclusions = [
    ...maintenance.map((window) => exclude(excluded, from, maintenanceExclusion(window))),
    ...outages.map((outage) =>
      exclude(excluded, from, { what: `${outage.cause} outage (${outage.reference})`, ...span(outage) }),
    ),
  ];
  const counted = minutes.filter((_, index) => !excluded[index]);
  const unknownMinutes = counted.filter((minute) => minute === "unknown").length;
  const downMinutes = counted.filter((minute) => minute === "down").length;
  const measuredMinutes = counted.length - unknownMinutes;
  const uptime = measuredMinutes === 0 ? 0 : (measuredMinutes - downMinutes) / measuredMinutes;
  const target = SLOS.find(({ name }) => name === "api_availability")?.target ?? 1;
  return {
    from: new Date(from).toISOString(),
    to: new Date(from + minutes.length * MINUTE).toISOString(),
    totalMinutes: minutes.length,
    excludedMinutes: minutes.length - counted.length,
    unknownMinutes,
    measuredMinutes,
    downMinutes,
    uptime,
    coverage: counted.length === 0 ? 0 : measuredMinutes / counted.length,
    budget: errorBudget(target, measuredMinutes, downMinutes),
    exclusions,
    credits: SLA_TIERS.map((tier) => ({
      tier: tier.name,
      target: tier.target,
      met: uptime >= tier.target,
      creditPercent: serviceCredit(tier, uptime),
    })),
  };
}

interface Candidate {
  what: string;
  startsAt: string;
  endsAt: string;
  refused?: string;
}

const span = ({ startsAt, endsAt }: { startsAt: string; endsAt: string }) => ({ startsAt, endsAt });

function maintenanceExclusion(window: AnnouncedWindow): Candidate {
  const notice = (Date.parse(window.startsAt) - Date.parse(window.announcedAt)) / 3_600_000;
  return {
    what: `maintenance ${window.name}`,
    ...span(window),
    ...(notice < NOTICE_HOURS && {
      refused: `announced ${notice.toFixed(1)} hours before; allowed: at least ${NOTICE_HOURS}`,
    }),
  };
}

/** Marks the whole minutes a window covers; a minute it only touches still counts. */
function exclude(excluded: Uint8Array, from: number, candidate: Candidate): Exclusion {
  let minutes = 0;
  if (!candidate.refused) {
    const first = Math.max(0, Math.ceil((Date.parse(candidate.startsAt) - from) / MINUTE));
    const end = Math.min(excluded.length, Math.floor((Date.parse(candidate.endsAt) - from) / MINUTE));
    for (let index = first; index < end; index++) {
      if (!excluded[index]) minutes++;
      excluded[index] = 1;
    }
  }
  return { ...candidate, minutes };
}
