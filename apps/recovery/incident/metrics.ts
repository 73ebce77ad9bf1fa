import type { Incident } from "./record";
import { INCIDENT_TARGETS, severity } from "./severities";

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Days of the month that frequencies are counted in. */
const MONTH_DAYS = 30;

/** A measured value against its target; `null` where nothing could be measured. */
export interface Measure {
  value: number | null;
  target: number;
  met: boolean | null;
}

/** The incident metrics of report §11.3 for a period. */
export interface IncidentReport {
  from: string;
  to: string;
  incidents: number;
  bySeverity: Record<string, number>;
  /** Mean minutes from beginning to detection, of those whose beginning is known: a record that names none begins then. */
  mttdMinutes: Measure;
  /** Mean minutes from detection to resolution, of those resolved. */
  mttrMinutes: Measure;
  /** SEV-1 and SEV-2 incidents per 30 days. */
  perMonth: Measure;
  /** Share of owed postmortems, due by the end of the period, that were final in time. */
  postmortems: Measure;
  /** Ids still running, and ids whose postmortem is overdue. */
  open: string[];
  overduePostmortems: string[];
}

function mean(values: number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function below(value: number | null, target: number): Measure {
  return { value, target, met: value === null ? null : value < target };
}

/** When the postmortem of an incident is due; undefined when none is owed or it is not over yet. */
function postmortemDue(incident: Incident): Date | undefined {
  const { postmortemDays } = severity(incident.severity);
  if (postmortemDays === undefined || !incident.resolvedAt) return undefined;
  return new Date(Date.parse(incident.resolvedAt) + postmortemDays * DAY);
}

/** Computes the metrics of the incidents that began within a period. */
export function incidentReport(incidents: readonly Incident[], from: Date, to: Date): IncidentReport {
  const inPeriod = incidents.filter(({ startedAt }) => {
    const began = Date.parse(startedAt);
    return began >= from.getTime() && began < to.getTime();
  });
  const minutes = (a: string, b: string): number => (Date.parse(b) - Date.parse(a)) / MINUTE;
  const grave = inPeriod.filter((incident) => severity(incident.severity).pages);
  const owed = inPeriod.filter((incident) => {
    const due = postmortemDue(incident);
    return due !== undefined && (due.getTime() <= to.getTime() || incident.postmortem !== undefined);
  });
  const inTime = owed.filter(
    (incident) =>
      incident.postmortem &&
      Date.parse(incident.postmortem.finalAt) <= (postmortemDue(incident)?.getTime() ?? 0),
  );
  const share = owed.length === 0 ? null : inTime.length / owed.length;
  const months = (to.getTime() - from.getTime()) / DAY / MONTH_DAYS;
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    incidents: inPeriod.length,
    bySeverity: inPeriod.reduce<Record<string, number>>((counts, incident) => {
      counts[incident.severity] = (counts[incident.severity] ?? 0) + 1;
      return counts;
    }, {}),
    mttdMinutes: below(
      mean(inPeriod.map((i) => minutes(i.startedAt, i.detectedAt)).filter((value) => value > 0)),
      INCIDENT_TARGETS.mttdMinutes,
    ),
    mttrMinutes: below(
      mean(inPeriod.flatMap((i) => (i.resolvedAt ? [minutes(i.detectedAt, i.resolvedAt)] : []))),
      INCIDENT_TARGETS.mttrMinutes,
    ),
    perMonth: below(grave.length / months, INCIDENT_TARGETS.perMonth),
    postmortems: {
      value: share,
      target: INCIDENT_TARGETS.postmortems,
      met: share === null ? null : share >= INCIDENT_TARGETS.postmortems,
    },
    open: inPeriod.filter((i) => !i.resolvedAt).map(({ id }) => id),
    overduePostmortems: inPeriod
      .filter((i) => !i.postmortem && (postmortemDue(i)?.getTime() ?? Infinity) < to.getTime())
      .map(({ id }) => id),
  };
}
