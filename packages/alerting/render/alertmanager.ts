import { AnnouncedWindow, announcedParts, clock, DayPart, Maintenance, weeklyParts } from "../maintenance";
import { escalationText, PRIORITY_POLICY } from "../priorities";
import { RECEIVER_SECRETS, Receivers, SLACK_POST_URL } from "../receivers";
import { PRIORITIES, Priority } from "../types";

/** What only Alertmanager needs: Azure sends its e-mails and reaches its receivers by itself. */
export interface AlertmanagerSettings {
  receivers: Receivers;
  maintenance: Maintenance;
  mail: { from: string; smarthost: string };
  /** Folder the vault's secrets are mounted in, one file each. */
  secretsFolder: string;
  /** Addresses of the receivers; other ones in tests. */
  slackUrl?: string;
  pagerDutyUrl?: string;
  /** Absent: read from the mounted secret, which needs Alertmanager 0.26 or newer. */
  heartbeatUrl?: string;
}

/** An alert that says more than another silences it while both fire for the same thing. */
export const INHIBITIONS: readonly { by: string; silenced: readonly string[]; equal: readonly string[] }[] = [
  { by: "DatabaseDown", silenced: ["ApiNotReady", "DatabaseConnectionsHigh"], equal: [] },
  { by: "ApiDown", silenced: ["ApiNotReady", "ApplicationUnobserved"], equal: [] },
  { by: "NodeDiskAlmostFull", silenced: ["NodeDiskFilling"], equal: ["instance"] },
  { by: "CertificateAboutToExpire", silenced: ["CertificateExpiring"], equal: ["job"] },
  { by: "SecretExpired", silenced: ["SecretExpiring"], equal: ["rotation_days"] },
  { by: "HighErrorRate", silenced: ["ElevatedErrorRate"], equal: [] },
];

const HEARTBEAT_RECEIVER = "dead-mans-switch";
const receiverName = (priority: Priority): string => `priority-${priority.toLowerCase()}`;

/** Alertmanager's configuration: the same routing as Azure's action groups, for any other Prometheus. */
export function alertmanagerConfig(settings: AlertmanagerSettings): Record<string, unknown> {
  const { weekly, announced } = settings.maintenance;
  const all = announced.map(({ name }) => name);
  const allButPages = [...weekly.map(({ name }) => name), ...all];
  return {
    global: { resolve_timeout: "5m" },
    time_intervals: [
      ...weekly.map((window) => timeInterval(window.name, weeklyParts(window))),
      ...announced.map((window: AnnouncedWindow) => timeInterval(window.name, announcedParts(window))),
    ],
    route: {
      receiver: receiverName("P4"),
      group_by: ["alertname", "cluster", "service"],
      routes: [
        {
          matchers: [`receiver="${HEARTBEAT_RECEIVER}"`],
          receiver: HEARTBEAT_RECEIVER,
          group_wait: "0s",
          group_interval: "1m",
          repeat_interval: "5m",
        },
        ...PRIORITIES.map((priority) => {
          const muted = priority === "P1" ? all : allButPages;
          return {
            matchers: [`priority="${priority}"`],
            receiver: receiverName(priority),
            group_wait: PRIORITY_POLICY[priority].groupWait,
            group_interval: "5m",
            repeat_interval: PRIORITY_POLICY[priority].repeatInterval,
            ...(muted.length > 0 && { mute_time_intervals: muted }),
          };
        }),
      ],
    },
    inhibit_rules: INHIBITIONS.map(({ by, silenced, equal }) => ({
      source_matchers: [`alertname="${by}"`],
      target_matchers: [`alertname=~"${silenced.join("|")}"`],
      equal,
    })),
    receivers: [
      ...PRIORITIES.map((priority) => receiver(priority, settings)),
      {
        name: HEARTBEAT_RECEIVER,
        webhook_configs: [
          {
            ...(settings.heartbeatUrl
              ? { url: settings.heartbeatUrl }
              : { url_file: secretFile(settings, RECEIVER_SECRETS.heartbeat) }),
            send_resolved: true,
            max_alerts: 1,
          },
        ],
      },
    ],
  };
}

const secretFile = ({ secretsFolder }: AlertmanagerSettings, secret: string) => `${secretsFolder}/${secret}`;

function receiver(priority: Priority, settings: AlertmanagerSettings) {
  const { channels } = PRIORITY_POLICY[priority];
  return {
    name: receiverName(priority),
    ...(channels.includes("pagerduty") && { pagerduty_configs: [pagerDuty(settings)] }),
    ...(channels.includes("slack") && { slack_configs: [slack(priority, settings)] }),
    ...(channels.includes("email") && { email_configs: emails(settings) }),
  };
}

function pagerDuty(settings: AlertmanagerSettings) {
  return {
    routing_key_file: secretFile(settings, RECEIVER_SECRETS.pagerduty),
    ...(settings.pagerDutyUrl && { url: settings.pagerDutyUrl }),
    severity: "{{ .CommonLabels.severity }}",
    description: `{{ .CommonAnnotations.summary }} | Escalation: ${escalationText()}`,
    details: {
      description: "{{ .CommonAnnotations.description }}",
      runbook: "{{ .CommonAnnotations.runbook_url }}",
      escalation: escalationText(),
    },
    send_resolved: true,
  };
}

function slack(priority: Priority, settings: AlertmanagerSettings) {
  const { slackChannel, title } = PRIORITY_POLICY[priority];
  return {
    api_url: settings.slackUrl ?? SLACK_POST_URL,
    http_config: {
      authorization: { type: "Bearer", credentials_file: secretFile(settings, RECEIVER_SECRETS.slack) },
    },
    channel: settings.receivers.slackChannels[slackChannel],
    title: `[${priority} ${title}{{ if eq .Status "resolved" }}, resolved{{ end }}] {{ .CommonLabels.alertname }}: {{ .CommonAnnotations.summary }}`,
    text: "{{ range .Alerts }}{{ .Annotations.description }}\n{{ end }}",
    actions: [{ type: "button", text: "Runbook", url: "{{ .CommonAnnotations.runbook_url }}" }],
    send_resolved: true,
  };
}

function emails(settings: AlertmanagerSettings) {
  return settings.receivers.emails.map((to) => ({
    to,
    from: settings.mail.from,
    smarthost: settings.mail.smarthost,
    auth_username: settings.mail.from,
    auth_password_file: secretFile(settings, RECEIVER_SECRETS.email),
    require_tls: true,
    send_resolved: true,
  }));
}

function timeInterval(name: string, parts: readonly DayPart[]) {
  return {
    name,
    time_intervals: parts.map(({ day, from, to }) => ({
      times: [{ start_time: clock(from), end_time: clock(to) }],
      ...(typeof day === "string"
        ? { weekdays: [day.toLowerCase()] }
        : {
            years: [String(day.getUTCFullYear())],
            months: [String(day.getUTCMonth() + 1)],
            days_of_month: [String(day.getUTCDate())],
          }),
      location: "UTC",
    })),
  };
}
