import { alertCatalogue } from "../../../packages/alerting/catalogue";
import { Alert } from "../../../packages/alerting/types";
import { expiry } from "../../../infra/secrets/secretLife";
import { setNames } from "../../operations/outputs";
import { DEFAULT_ALERT_SETTINGS } from "./defaultAlerts";
import { LeadingAlert, podCommand, readRunbooks, RunbookSource, stepCounts } from "./runbook";

/** Every alert of the catalogue, with default limits: pages name alerts, not limits. */
export function allAlerts(): readonly Alert[] {
  return alertCatalogue({
    ...DEFAULT_ALERT_SETTINGS,
    secretExpiry: { "90": expiry("2026-01-01", 90) },
  }).alerts;
}

/** Alerts that lead to a runbook, most urgent first. */
export function alertsFor(runbook: string, alerts: readonly Alert[]): LeadingAlert[] {
  return alerts
    .filter((alert) => alert.runbook === runbook)
    .map(({ name, priority, summary }) => ({ name, priority, summary }))
    .sort((a, b) => a.priority.localeCompare(b.priority) || a.name.localeCompare(b.name));
}

const GROUPS: { title: string; books: string[] }[] = [
  {
    title: "The database",
    books: [
      "database-connection",
      "database-failover",
      "point-in-time-restore",
      "database-restore",
      "one-table",
      "accidental-deletion",
      "disk-space",
    ],
  },
  {
    title: "The application",
    books: ["error-rate-spike", "application-crash", "memory-oom", "misconfiguration", "queue-backlog"],
  },
  {
    title: "Partners",
    books: ["partner-down", "shopify-webhooks", "shopify-down", "simplyprint-sync", "sendcloud-shipping"],
  },
  {
    title: "Region, network, certificates",
    books: ["region-loss", "server-gone", "provider-loss", "network-dns", "ssl-renewal"],
  },
  { title: "Security", books: ["security-breach", "credential-rotation", "webhook-flood"] },
  {
    title: "Backups, drills, monitoring",
    books: ["backup-failed", "drill-overdue", "not-ready", "monitoring-blind"],
  },
];

/** Headings of the index, in its order. */
export const GROUP_TITLES: readonly string[] = GROUPS.map(({ title }) => title);

function row({ id, title, severity, symptoms }: RunbookSource): string {
  return `| ${symptoms.join("; ")} | [${title}](runbooks/${id}.md) | ${severity} |`;
}

/** Who has tried the pages' steps before anybody needs them. */
function triedLine(books: readonly RunbookSource[]): string {
  const { steps, person, always, withAz, withPulumi } = stepCounts(books);
  return `Of the ${steps} steps of all runbooks ${person} are a person's. Every other one is run by a test: ${always + withAz} in every \`npm test\`, ${withAz} of them again with the real \`az\`, and ${withPulumi} by the real engine where \`pulumi\` is on PATH. Each page says by which.`;
}

/**
 * `docs/README.md`: from what happened to the right runbook in one hop.
 * @throws Error for a runbook that stands in no group, or a group that names none.
 */
export function renderIndex(root: string): string {
  const books = readRunbooks(root);
  const grouped = GROUPS.flatMap((group) => group.books);
  const stray = [
    ...books.map(({ id }) => id).filter((id) => !grouped.includes(id)),
    ...grouped.filter((id) => !books.some((book) => book.id === id)),
  ];
  if (stray.length > 0)
    throw new Error(`apps/tools/docs/runbookPages.ts: runbook groups and files differ: ${stray.join(", ")}`);
  return [
    "# What happened?",
    "",
    "<!-- Generated from docs/runbooks/source by `npm run docs`. -->",
    "",
    "Find the symptom, follow the link: one hop. First page of every incident: [incident response](incident/README.md). On paper: [quick reference](incident/quick-reference.md).",
    "",
    ...GROUPS.flatMap(({ title, books: ids }) => [
      `## ${title}`,
      "",
      "| What you see | Runbook | Usual severity |",
      "|---|---|---|",
      ...ids.map((id) => row(books.find((book) => book.id === id) as RunbookSource)),
      "",
    ]),
    triedLine(books),
    "",
    "## Everything else",
    "",
    "| Question | Page |",
    "|---|---|",
    "| How is it deployed? | [deploying](deploying.md) |",
    "| How do I get in? | [operating](operating.md) |",
    "| How do I fail over? | [operations](operations.md) |",
    "| What does a key mean? | [configuration](configuration.md) |",
    "| How do backups work? | [recovery](recovery.md), [drills](drills.md), [unkind ground](unkind-ground.md) |",
    "| What may not be deployed? | [policies](policies.md), [isolation](isolation.md) |",
    "| What takes more than an update? What is stopped, and what instead? | [changing](changing.md) |",
    "| What is watched? | [alerts](alerts.md), [objectives](slo.md) |",
    "| Plan and rehearse without a cloud? | [planning](planning.md), [rehearsal](rehearsal.md), [one cloud on a laptop](emulated-azure.md) |",
    "| Which risk is covered by what? | [risks](risks.md) |",
    "| What did we promise customers? | [SLA](sla.md), [GDPR and audit](compliance.md) |",
    "| What does it cost? | [cost](cost.md) |",
    "| How do we learn? | [postmortems](postmortems/README.md) |",
    "",
  ].join("\n");
}

/** `docs/incident/quick-reference.md`: one printable page. */
export function renderQuickReference(
  root: string,
  numbers: { role: string; phone: string | null }[],
): string {
  const first = (id: string): string => {
    const found = readRunbooks(root)
      .find((book) => book.id === id)
      ?.steps.find(({ command }) => command !== undefined);
    return found?.command?.trim() ?? "";
  };
  const inPod = (command: string): string => podCommand(command) ?? command;
  const commands: [string, string][] = [
    ["Set the names", setNames("prod")],
    ["Is it up?", 'curl --silent --show-error "https://$API_HOST/health"'],
    ["What is unhealthy?", first("partner-down")],
    [
      "How is the database?",
      'az postgres flexible-server show --resource-group "$RESOURCE_GROUP" --name "$SERVER" --query "{state:state, ha:highAvailability.state}" --output json',
    ],
    ["How are the pods?", first("application-crash")],
    ["Newest logs", 'kubectl logs --namespace "$NAMESPACE" deployment/api --tail 100'],
    ["Restart", 'kubectl rollout restart deployment/api --namespace "$NAMESPACE"'],
    ["Roll back", 'kubectl rollout undo deployment/api --namespace "$NAMESPACE"'],
    [
      "Start the operator's pod",
      'kubectl create job operator --namespace "$NAMESPACE" --from cronjob/recovery-operator',
    ],
    ["Which backups are proved?", inPod("npm run -s recovery -- list")],
    ["Back up now", inPod("npm run -s recovery -- backup")],
    ["Record the incident", 'npm run -s incident -- new --severity SEV-1 --title "…"'],
  ];
  return [
    "# Quick reference",
    "",
    "<!-- Generated by `npm run docs`. -->",
    "",
    "| Call | Number |",
    "|---|---|",
    ...numbers.map(({ role, phone }) => `| ${role} | ${phone ?? "*not filled in*"} |`),
    "",
    "| Need | Command |",
    "|---|---|",
    ...commands.map(([need, command]) => `| ${need} | \`${command.replaceAll("|", "\\|")}\` |`),
    "",
    "| Clock | |",
    "|---|---|",
    "| 5 / 10 / 15 / 30 minutes | primary, secondary, engineering lead, CTO |",
    "| 4 hours / 1 hour | back after a lost region / most data lost |",
    "| 72 hours | notify the authority of a breach of personal data |",
    "| 5 days | postmortem of a SEV-1 or SEV-2 final |",
    "",
  ].join("\n");
}
