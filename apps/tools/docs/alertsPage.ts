import { alertCatalogue } from "../../../packages/alerting/catalogue";
import { DETECTION_TARGET_SECONDS, worstDetectionSeconds } from "../../../packages/alerting/detection";
import { METRICS } from "../../../packages/alerting/metrics";
import { ESCALATION, PRIORITY_POLICY } from "../../../packages/alerting/priorities";
import { DEFAULT_SLACK_CHANNELS } from "../../../packages/alerting/receivers";
import { activityCondition } from "../../../packages/alerting/render/azure";
import { COMPONENT_GROUPS, MONITORED_SERVICES } from "../../../packages/alerting/services";
import { Alert, PrometheusAlert, PRIORITIES, RISKS } from "../../../packages/alerting/types";
import { DEFAULT_ALERT_SETTINGS } from "./defaultAlerts";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** `docs/alerts.md`: every alert, who hears of it, and what the application must export. */
export function alertsPage(): string {
  const { alerts } = alertCatalogue(DEFAULT_ALERT_SETTINGS);
  return `# Alerts

Generated from \`packages/alerting\`; change it there and run \`npm run docs\`. Limits are the defaults, a stack's own are
under \`alerts.thresholds\` in its file.

${alerts.length} alerts, rendered three ways: Azure managed Prometheus rule groups, Azure metric and activity-log
alerts, and plain Prometheus rule files (\`npm run alerts -- render <stack> --out <folder>\`). Each is proved with
\`promtool\` to fire at the end of its \`for\`, not a minute earlier, and not without cause
(\`test/alerting/rules.test.ts\`).

## Who hears of it

${priorities()}

On the page: ${ESCALATION.map(({ who, minutes, only }) => `${who} within ${minutes} minutes${only ? ` (${only})` : ""}`).join(", then ")}.

Azure's action groups cannot speak to Slack: a Logic App in the region of monitoring turns their message into
Slack's and picks the channel by severity. Its bot must be invited to each channel.

During the weekly windows of database and cluster all but P1 are muted; during announced maintenance
(\`alerts.maintenance\`) everything is. The heartbeat never is.

## Dead man's switch

\`Heartbeat\` beats five minutes on and five off, because Azure tells a receiver when an alert starts and ends and
nothing in between. Each beat calls the secret \`dead-mans-switch-url\`: a check at a heartbeat service outside Azure
that pages when no call has come for 15 minutes. It stops when metrics, rules, action groups or their region stop.

${sections(alerts)}

## Risks

${table(
  ["Risk", "Detected by"],
  RISKS.map((risk) => [
    risk,
    alerts
      .filter(({ risks, name }) => risks.includes(risk) && !/Burn|Budget/.test(name))
      .map(({ name }) => name)
      .join(", "),
  ]),
)}

## What Azure does not tell

Azure publishes no age of a geo-redundant backup. What can be seen is that there are backups at all
(\`DatabaseBackupsMissing\`), how far the replica is behind, and the age and proof of this platform's own backups.
The replica's lag is the age of the last transaction it replayed; so that a quiet night is no lag, the PostgreSQL exporter commits a
heartbeat at each scrape (\`ReplicaLagUnmeasured\` when it does not). A metric alert of Azure's is silent where a metric has no data: a
replica that is gone is told by \`DatabaseWalPilingUp\`, \`AzureRegionIncident\` and the daily readiness check (\`NotReady\`).
The health of the standby is in Azure's resource health only (\`DatabaseHealthDegraded\`). Secrets an operator puts
into the vault (source \`external\`) expire on dates this program does not know; they are in the rotation runbook.

## What the application must export

An alert over a metric that nobody exports can never fire, so its absence alerts as well (\`ApplicationUnobserved\`).

${table(
  ["Metric", "Type", "Meaning"],
  METRICS.filter(({ source }) => source === "application").map(({ name, type, help }) => [
    `\`${name}\``,
    type,
    help,
  ]),
)}

Its answer at \`/health/dependencies\`, with status 200 or 503, holds \`details.<dependency>.status\`, \`up\` or \`down\`, for \`database\`,
\`shopify\`, \`simplyprint\` and \`sendcloud\`.

## Monitored services

Inside the cluster by the blackbox exporter and the status page, from outside by the second status page.

${services()}

${COMPONENT_GROUPS.filter(({ reportedByHand }) => reportedByHand.length > 0)
  .map(
    ({ name, reportedByHand }) => `Not measured, reported by hand in ${name}: ${reportedByHand.join(", ")}.`,
  )
  .join(" ")}

## Status pages

- **Outside**: Gatus on Azure Container Apps in \`statusPage.outsideRegion\`, asking the public addresses. This is the
  page for customers: it is still there when cluster, database, network or region are not. Its host is the stack output
  \`monitoring.statusPage\`; bind a name of your own with \`az containerapp hostname add\` and \`bind\`.
- **In the cluster**: \`statusPage.provider\`, Statping-ng or Gatus, from the same list, for the people who operate the
  platform: \`kubectl --namespace forma3d port-forward service/status-front 8080:80\`. Statping-ng takes any user's
  API key for an administrator's (CVE-2026-50884) and only ever adds to its list of services, so it runs without
  state, with one user, unreachable but through a front that opens the pages visitors need and nothing else.
`;
}

function priorities(): string {
  return table(
    ["Priority", "", "Channels", "Slack channel", "Opens", "Answer within", "Said again after"],
    PRIORITIES.map((priority) => {
      const policy = PRIORITY_POLICY[priority];
      const names = { pagerduty: "PagerDuty", slack: "Slack", email: "e-mail" };
      return [
        priority,
        policy.title,
        policy.channels.map((channel) => names[channel]).join(" + "),
        DEFAULT_SLACK_CHANNELS[policy.slackChannel],
        policy.incident,
        policy.responseMinutes < 120 ? `${policy.responseMinutes} min` : `${policy.responseMinutes / 60} h`,
        policy.repeatInterval,
      ];
    }),
  );
}

function sections(alerts: readonly Alert[]): string {
  const prometheus = alerts.filter((alert): alert is PrometheusAlert => alert.kind === "prometheus");
  const groups = [...new Set(prometheus.map(({ group }) => group))];
  return [
    `## Alerts on metrics

"Noticed within" counts scrape, evaluation, \`for\` and grouping, at worst; an outage must be noticed within ${DETECTION_TARGET_SECONDS / 60}
minutes.`,
    ...groups.map((group) => {
      const rows = prometheus
        .filter((alert) => alert.group === group)
        .map((alert) => [
          alert.name,
          alert.priority,
          `\`${alert.expression}\``,
          alert.for,
          /\[\d+[smhdw]\]/.test(alert.expression) ? "" : `${worstDetectionSeconds(alert)} s`,
          runbook(alert),
        ]);
      return `### ${group}\n\n${table(["Alert", "Priority", "Expression", "For", "Noticed within", "Runbook"], rows)}`;
    }),
    `## Alerts of Azure\n\n${azure(alerts)}`,
  ].join("\n\n");
}

const runbook = ({ runbook: key }: Alert): string => `[${key}](runbooks/${key}.md)`;

function azure(alerts: readonly Alert[]): string {
  return table(
    ["Alert", "Priority", "Fires when", "Runbook"],
    alerts.flatMap((alert) => {
      if (alert.kind === "prometheus") return [];
      return [[alert.name, alert.priority, condition(alert), runbook(alert)]];
    }),
  );
}

function condition(alert: Exclude<Alert, PrometheusAlert>): string {
  if (alert.kind === "activity") {
    const [, ...rest] = activityCondition(alert).allOf;
    const leaves = rest.map((leaf) =>
      "anyOf" in leaf && leaf.anyOf
        ? leaf.anyOf.map(({ equals }) => equals).join(" or ")
        : "containsAny" in leaf && leaf.containsAny
          ? `${leaf.field} has ${leaf.containsAny.join(" or ")}`
          : `${leaf.field} is ${leaf.equals ?? ""}`,
    );
    return `${alert.category}: ${leaves.join("; ")}`;
  }
  const dimensions = (alert.dimensions ?? [])
    .map(({ name, values }) => `, ${name} ${values.join(" or ")}`)
    .join("");
  const sign = { GreaterThan: ">", GreaterThanOrEqual: "≥", LessThan: "<", LessThanOrEqual: "≤" }[
    alert.operator
  ];
  return `\`${alert.metricName}\` (${alert.aggregation} over ${alert.windowSize}${dimensions}) ${sign} ${alert.threshold}`;
}

function services(): string {
  return table(
    ["Service", "Group", "Check", "Interval", "Timeout"],
    MONITORED_SERVICES.map(({ name, group, check, intervalSeconds, timeoutSeconds }) => [
      name,
      group,
      check.type === "http"
        ? `GET ${check.path}${check.expect ? `, \`${check.expect.path}\` is ${check.expect.equals}` : ""}`
        : `TCP ${check.port}`,
      `${intervalSeconds} s`,
      `${timeoutSeconds} s`,
    ]),
  );
}
