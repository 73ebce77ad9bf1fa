import { COMPONENT_GROUPS, MONITORED_SERVICES } from "../../packages/alerting/services";

/** A message of the status page for one phase of an incident (report §8.4). Braces mark what is filled in. */
export interface IncidentTemplate {
  phase: IncidentPhase;
  title: string;
  body: string;
}

export const INCIDENT_PHASES = ["investigating", "identified", "monitoring", "resolved"] as const;
export type IncidentPhase = (typeof INCIDENT_PHASES)[number];

/** What an incident may be about: a monitored service, or a component that is reported by hand. */
export const COMPONENTS: readonly string[] = [
  ...MONITORED_SERVICES.map(({ name }) => name),
  ...COMPONENT_GROUPS.flatMap(({ reportedByHand }) => reportedByHand),
];

/** Characters of the address of a postmortem. */
export const LONGEST_ADDRESS = 300;

/** What customers are told about an incident now. */
export interface Incident {
  /** When this was said, an instant in UTC. */
  at: string;
  phase: IncidentPhase;
  /** One of {@link COMPONENTS}. */
  service: string;
  /** Estimated hours to resolution; needed once the cause is identified. */
  hours?: number;
  /** Address of the postmortem, once there is one. */
  postmortem?: string;
}

/** What of a message does not go with its phase, and what would. */
export function misplaced({ phase, hours, postmortem }: Pick<Incident, "phase" | "hours" | "postmortem">): {
  key: "hours" | "postmortem";
  found: number | string | undefined;
  allowed: string;
}[] {
  const told = "hours to resolution, which the message of an identified incident names";
  return [
    ...(phase === "identified" && hours === undefined
      ? [{ key: "hours" as const, found: hours, allowed: told }]
      : []),
    ...(phase !== "identified" && hours !== undefined
      ? [
          {
            key: "hours" as const,
            found: hours,
            allowed: `nothing: ${phase === "resolved" ? "it is resolved" : `the message of ${phase} names none`}`,
          },
        ]
      : []),
    ...(phase !== "resolved" && postmortem !== undefined
      ? [{ key: "postmortem" as const, found: postmortem, allowed: "nothing before it is resolved" }]
      : []),
  ];
}

/** The message of an incident. @throws RangeError that names what is missing. */
export function messageOf({ phase, service, hours, postmortem }: Incident): { title: string; body: string } {
  return incidentMessage(phase, {
    service,
    ...(hours !== undefined && { hours: String(hours) }),
    // The report's template links a postmortem "when available".
    postmortem: postmortem ?? "",
  });
}

export const INCIDENT_TEMPLATES: readonly IncidentTemplate[] = [
  {
    phase: "investigating",
    title: "Investigating: {service} Performance Degradation",
    body: "We are currently investigating reports of slow response times on {service}. Updates will be provided every 30 minutes.",
  },
  {
    phase: "identified",
    title: "Identified: {service} Outage",
    body: "We have identified the cause of the {service} outage. Our team is working on a fix. Estimated time to resolution: {hours} hours",
  },
  {
    phase: "monitoring",
    title: "Monitoring: {service} Restored",
    body: "{service} has been restored. We are monitoring for stability. A postmortem will be published within 48 hours.",
  },
  {
    phase: "resolved",
    title: "Resolved: {service} Incident",
    body: "The incident affecting {service} has been fully resolved. {postmortem}",
  },
];

/**
 * The message with its gaps filled.
 * @throws RangeError that names the phase or the values that are missing.
 */
export function incidentMessage(
  phase: string,
  values: Readonly<Record<string, string>>,
): { title: string; body: string } {
  const template = INCIDENT_TEMPLATES.find((entry) => entry.phase === phase);
  if (!template) {
    throw new RangeError(
      `phase ${phase}; allowed: ${INCIDENT_TEMPLATES.map((entry) => entry.phase).join(", ")}`,
    );
  }
  const missing = new Set<string>();
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) missing.add(name);
      return value ?? "";
    });
  const message = { title: fill(template.title), body: fill(template.body).trim() };
  if (missing.size > 0) throw new RangeError(`${phase}: missing ${[...missing].join(", ")}`);
  return message;
}
