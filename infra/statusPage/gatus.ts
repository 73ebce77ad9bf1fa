import { promDuration } from "../../packages/alerting/duration";
import { Maintenance } from "../../packages/alerting/maintenance";
import { COMPONENT_GROUPS, DEPENDENCIES_ANSWERED } from "../../packages/alerting/services";
import { Incident, IncidentPhase, messageOf } from "./incidents";
import { PageService } from "./targets";

/** Days a certificate must still be valid. */
const CERTIFICATE_HOURS = 72;

function conditions({ check, address }: PageService): string[] {
  if (check.type === "tcp") return ["[CONNECTED] == true"];
  return [
    check.expect ? `[STATUS] == any(${DEPENDENCIES_ANSWERED.join(", ")})` : "[STATUS] == 200",
    ...(check.expect ? [`[BODY].${check.expect.path} == ${check.expect.equals}`] : []),
    ...(address.startsWith("https:") ? [`[CERTIFICATE_EXPIRATION] > ${CERTIFICATE_HOURS}h`] : []),
  ];
}

/**
 * Configuration of Gatus (https://github.com/TwiN/gatus): everything, announcements included, is in this file, and a
 * changed file is a changed page.
 */
export function gatusConfig(args: {
  services: readonly PageService[];
  environment: string;
  port: number;
  maintenance: Maintenance;
  incidents: readonly Incident[];
}): Record<string, unknown> {
  const components = COMPONENT_GROUPS.flatMap(({ name, reportedByHand }) =>
    reportedByHand.map((component) => `${name}: ${component}`),
  );
  const announced = announcements(args.incidents, args.maintenance);
  return {
    metrics: true,
    storage: { type: "memory" },
    web: { port: args.port, address: "0.0.0.0" },
    ui: {
      title: "Forma 3D Connect Status",
      header: "Forma 3D Connect",
      description: `Real-time status of Forma 3D Connect services (${args.environment}). Not measured, reported when affected: ${components.join(", ")}.`,
    },
    ...(announced.length > 0 && { announcements: announced }),
    endpoints: args.services.map((service) => ({
      name: service.name,
      group: service.group,
      url: service.check.type === "tcp" ? `tcp://${service.address}:${service.check.port}` : service.address,
      interval: promDuration(service.intervalSeconds),
      client: { timeout: promDuration(service.timeoutSeconds), "ignore-redirect": true },
      conditions: conditions(service),
      // Internal addresses are nobody's business.
      ui: { "hide-hostname": true, "hide-url": true, "hide-errors": true },
    })),
  };
}

/** How loud Gatus shows each phase. */
const TONE: Readonly<Record<IncidentPhase, string>> = {
  investigating: "warning",
  identified: "outage",
  monitoring: "information",
  resolved: "operational",
};

function announcements(incidents: readonly Incident[], { announced }: Maintenance) {
  return [
    ...incidents.map((incident) => {
      const { title, body } = messageOf(incident);
      const timestamp = new Date(incident.at).toISOString();
      return { timestamp, type: TONE[incident.phase], message: `**${title}** ${body}` };
    }),
    ...announced.map(({ startsAt, endsAt, announcedAt, reason }) => ({
      timestamp: new Date(announcedAt).toISOString(),
      type: "information",
      message: `Planned maintenance from ${startsAt} to ${endsAt}: ${reason}`,
    })),
  ];
}
