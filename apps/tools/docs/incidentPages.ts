import { ESCALATION, PRIORITY_POLICY } from "../../../packages/alerting/priorities";
import { COMPONENT_GROUPS, MONITORED_SERVICES } from "../../../packages/alerting/services";
import { INCIDENT_TEMPLATES } from "../../../infra/statusPage/incidents";
import { INCIDENT_TARGETS, SEVERITIES, Severity } from "../../recovery/incident/severities";

function minutes(value: number): string {
  if (value < 60) return `${value} minutes`;
  return value === 60 ? "1 hour" : `${value / 60} hours`;
}

function severityRow({
  id,
  name,
  description,
  examples,
  responseMinutes,
  pages,
  postmortemDays,
}: Severity): string {
  return `| ${id} | ${name}: ${description.toLowerCase()} | ${examples.join("; ")} | ${id === "SEV-1" ? "immediate, " : ""}< ${minutes(responseMinutes)} | ${pages ? "page" : "ticket"} | ${postmortemDays ? `within ${postmortemDays} days` : "when customers were affected"} |`;
}

const WORKFLOW = `graph TD
  detected[Incident detected] --> severity{Severity}
  severity -->|SEV-1 or SEV-2| page[Page on-call]
  severity -->|SEV-3 or SEV-4| ticket[Open a ticket]
  page --> acknowledge[Acknowledge]
  acknowledge --> record[Record: npm run incident -- new]
  ticket --> record
  record --> runbook[Follow the alert's runbook]
  runbook --> found{Cause found?}
  found -->|no| escalate[Escalate]
  escalate --> runbook
  found -->|yes| fix[Fix]
  fix --> verify[Verify]
  verify --> page2[Update the status page]
  page2 --> postmortem[Postmortem, then npm run incident -- close]`;

/** `docs/incident/README.md`. */
export function renderIncidentGuide(): string {
  return [
    "# Incident response",
    "",
    "<!-- Generated from apps/tools/docs/incidentPages.ts, the severities and the escalation by `npm run docs`. -->",
    "",
    "You were paged and have never seen this repository? Do these four things:",
    "",
    "1. **Acknowledge** the page, so that the next person is not called.",
    "2. **Record** it; the time you detected it counts:",
    "",
    "   ```bash",
    '   ENVIRONMENT=prod npm run -s incident -- new --severity SEV-1 --title "what is wrong" --detected-at -5m',
    "   ```",
    "",
    "   Exit code 3 says that the record waits on this machine; `npm run -s incident -- sync` sends it later. Add when it began as soon as you know: `update <id> --started-at …`.",
    "",
    "3. **Open the runbook** the alert links to. No alert? [What happened](../README.md) leads to one in one hop.",
    "4. **Say so** on the [status page](status-page.md) and in the channel #incident-YYYYMMDD-HHMM.",
    "",
    "## Severities",
    "",
    "| Severity | What | Examples | Response | How | Postmortem |",
    "|---|---|---|---|---|---|",
    ...SEVERITIES.map(severityRow),
    "",
    "In doubt take the higher one; lowering it later costs nothing.",
    "",
    "## Workflow",
    "",
    "```mermaid",
    WORKFLOW,
    "```",
    "",
    "## Who is called, and when",
    "",
    "The rotation changes on Monday at 10:00 local time; whoever hands over names open incidents, silenced alerts and planned maintenance. Primary answers every page, secondary steps in, the engineering lead takes over any SEV-1 that lasts.",
    "",
    "| On the incident's clock | Has answered, or the next is called |",
    "|---|---|",
    ...ESCALATION.map(
      ({ who, minutes: limit, only }) => `| ${limit} minutes | ${who}${only ? ` (${only} only)` : ""} |`,
    ),
    "",
    "Names and numbers: [contacts](contacts.md). Channels: P1 " +
      `${PRIORITY_POLICY.P1.channels.join(" and ")}, P2 ${PRIORITY_POLICY.P2.channels.join(" and ")}, P3 and P4 ${PRIORITY_POLICY.P3.channels.join(" and ")}.`,
    "",
    "## Roles",
    "",
    "| Role | Does | Does not |",
    "|---|---|---|",
    "| Incident lead | decides, keeps the record, hands over every four hours | type commands |",
    "| Operator | follows the runbook, says each command before running it | decide alone to promote, restore or delete |",
    "| Communicator | writes to the status page, customers and management at the promised interval | speculate about causes |",
    "",
    "One person may hold all three until a second has come. Security incidents: [security](security.md).",
    "",
    "## Checklists",
    "",
    "### Initial response (0-5 minutes)",
    "",
    "- [ ] Alert acknowledged",
    "- [ ] Channel #incident-YYYYMMDD-HHMM opened",
    "- [ ] Severity assessed and recorded",
    '- [ ] Status page says "Investigating"',
    "",
    "### Investigation (5-30 minutes)",
    "",
    "- [ ] /health and /health/dependencies read",
    "- [ ] Sentry's newest errors read",
    "- [ ] Database connectivity checked",
    "- [ ] Recent deployments reviewed",
    "- [ ] Partners' status pages read",
    "",
    "### Mitigation",
    "",
    "- [ ] Every attempt written down with its time",
    "- [ ] Rolled back when a deployment caused it",
    "- [ ] Failed over when the runbook says so and the right person decided",
    "- [ ] Status page tells the progress at the promised interval",
    "",
    "### Resolution",
    "",
    "- [ ] Service confirmed restored by the runbook's own signs",
    '- [ ] Status page says "Resolved"',
    "- [ ] Timeline and actions in the record (`npm run incident -- update`)",
    "- [ ] Postmortem scheduled (SEV-1 and SEV-2)",
    "",
    "## How we measure ourselves",
    "",
    "| Metric | Target |",
    "|---|---|",
    `| Mean time to detect | < ${INCIDENT_TARGETS.mttdMinutes} minutes |`,
    `| Mean time to recover | < ${INCIDENT_TARGETS.mttrMinutes} minutes |`,
    `| SEV-1 and SEV-2 a month | < ${INCIDENT_TARGETS.perMonth} |`,
    `| Postmortems final in time | ${INCIDENT_TARGETS.postmortems * 100} % |`,
    "",
    "```bash",
    "npm run -s incident -- report --period 30d",
    "```",
    "",
    "prints them from the records.",
    "",
  ].join("\n");
}

/** `docs/incident/status-page.md`: what to write, when, and about which component. */
export function renderStatusPageGuide(): string {
  return [
    "# Status page messages",
    "",
    "<!-- Generated from infra/statusPage/incidents.ts, the services and the severities by `npm run docs`. -->",
    "",
    "The communicator writes; nobody else does. Say what customers notice and when the next message comes, never whose fault it is. The page stands outside the cluster too, so it can be written to when the cluster is down.",
    "",
    "| Severity | Next message at the latest after |",
    "|---|---|",
    ...SEVERITIES.map(({ id, updateMinutes }) => `| ${id} | ${minutes(updateMinutes)} |`),
    "",
    "## Messages",
    "",
    "Fill in what stands in braces.",
    "",
    ...INCIDENT_TEMPLATES.flatMap(({ phase, title, body }) => [
      `### ${phase.charAt(0).toUpperCase()}${phase.slice(1)}`,
      "",
      "```text",
      title,
      "",
      body,
      "```",
      "",
    ]),
    "## Components",
    "",
    "| Group | Watched by itself | Set by hand |",
    "|---|---|---|",
    ...COMPONENT_GROUPS.map(
      ({ name, reportedByHand }) =>
        `| ${name} | ${
          MONITORED_SERVICES.filter(({ group }) => group === name)
            .map((service) => service.name)
            .join(", ") || "none"
        } | ${reportedByHand.join(", ") || "none"} |`,
    ),
    "",
  ].join("\n");
}
