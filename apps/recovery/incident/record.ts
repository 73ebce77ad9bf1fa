import { z } from "zod";
import { UsageError } from "../../../packages/command/errors";
import { instantIn } from "../parse";
import { severity, SEVERITY_IDS } from "./severities";

const instant = z.iso.datetime();

/**
 * One revision of an incident's record. The store is immutable, so a change is a new revision; it carries the
 * digest of the one before, which shows a revision that was swapped or taken out.
 */
export const incidentSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** `INC-YYYYMMDD-HHMM`, from when it began (UTC). */
  id: z.string().regex(/^INC-\d{8}-\d{4}(-\d+)?$/),
  revision: z.int().min(1),
  /** SHA-256 of the revision before; null on the first. */
  previousSha256: z.string().nullable(),
  environment: z.string(),
  severity: z.enum(SEVERITY_IDS),
  title: z.string().min(1).max(200),
  /** Parts of the service that are affected, as the status page names them. */
  services: z.array(z.string()).default([]),
  /** When it began, was noticed, was acknowledged, and was over. */
  startedAt: instant,
  detectedAt: instant,
  acknowledgedAt: instant.optional(),
  resolvedAt: instant.optional(),
  /** How it was noticed (report §7.2). */
  detection: z.enum(["alert", "customer", "observation", "external"]),
  postmortem: z.strictObject({ document: z.string().min(1), finalAt: instant }).optional(),
  closedAt: instant.optional(),
  recordedAt: instant,
});

export type Incident = z.infer<typeof incidentSchema>;

/** What is wrong with the order of an incident's times, as `field: problem`. */
export function timeProblems(
  incident: Pick<
    Incident,
    "startedAt" | "detectedAt" | "acknowledgedAt" | "resolvedAt" | "postmortem" | "recordedAt"
  >,
): string[] {
  const times = { ...incident, postmortemFinalAt: incident.postmortem?.finalAt };
  const order: [keyof typeof times, keyof typeof times][] = [
    ["startedAt", "detectedAt"],
    ["detectedAt", "acknowledgedAt"],
    ["startedAt", "resolvedAt"],
    ["detectedAt", "resolvedAt"],
    ["resolvedAt", "postmortemFinalAt"],
  ];
  const names: Record<string, string> = { postmortemFinalAt: "postmortem" };
  const problems = order.flatMap(([earlier, later]) => {
    const [a, b] = [times[earlier] as string | undefined, times[later] as string | undefined];
    return a && b && Date.parse(b) < Date.parse(a)
      ? [`${names[later] ?? later}: ${b} is before ${names[earlier] ?? earlier} (${a})`]
      : [];
  });
  const future = (["startedAt", "detectedAt", "acknowledgedAt", "resolvedAt"] as const).flatMap((field) => {
    const time = incident[field];
    return time && Date.parse(time) > Date.parse(incident.recordedAt)
      ? [`${field}: ${time} lies in the future`]
      : [];
  });
  return [...new Set([...problems, ...future])];
}

/** What keeps an incident from being closed, as `field: problem`. */
export function closingProblems(incident: Incident): string[] {
  const { postmortemDays } = severity(incident.severity);
  return [
    ...(incident.resolvedAt ? [] : ["resolvedAt: missing; an incident is closed after it is over"]),
    ...(postmortemDays !== undefined && !incident.postmortem
      ? [
          `postmortem: missing; ${incident.severity} owes one within ${postmortemDays} days (--postmortem <document>)`,
        ]
      : []),
    ...timeProblems(incident),
  ];
}

/** Id of an incident that began at an instant. */
export function incidentId(startedAt: Date): string {
  const [day = "", time = ""] = startedAt.toISOString().split("T");
  return `INC-${day.replaceAll("-", "")}-${time.slice(0, 5).replace(":", "")}`;
}

/**
 * Reads an instant: ISO 8601 with a zone, `now`, or minutes ago as `-15m`.
 * @throws UsageError that names the field.
 */
export function parseInstant(field: string, text: string, now: Date): string {
  if (text === "now") return now.toISOString();
  const ago = /^-(\d+)m$/.exec(text);
  if (ago) return new Date(now.getTime() - Number(ago[1]) * 60_000).toISOString();
  const parsed = instantIn(text);
  if (!parsed) {
    throw new UsageError(
      `${field}: expected an instant with its zone such as 2026-02-05T14:30:00Z, "now" or -15m, not "${text}"`,
    );
  }
  return parsed.toISOString();
}
