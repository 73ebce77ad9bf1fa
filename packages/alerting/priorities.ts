import { Priority } from "./types";

export type Channel = "pagerduty" | "slack" | "email";

/** What follows from a priority. */
export interface PriorityPolicy {
  title: string;
  /** Label of report §9.2 that dashboards and silences know. */
  severity: "critical" | "warning" | "info";
  /** Azure's scale, 0 the worst. */
  azureSeverity: 0 | 2 | 3 | 4;
  channels: readonly Channel[];
  /** Which of the configured Slack channels (report §9.3). */
  slackChannel: "incidents" | "alerts" | "monitoring";
  /** Incident severity it usually opens, and when someone must have answered (report §6.1). */
  incident: "SEV-1" | "SEV-2" | "SEV-3" | "SEV-4";
  responseMinutes: number;
  /** Silence before the same unresolved alerts are sent again, as Prometheus writes it. */
  repeatInterval: string;
  /** Wait for more alerts of the same group before the first message. */
  groupWait: string;
}

/** Report §9.2 (channels), §9.3 (Slack channels) and §6.1 (response). */
export const PRIORITY_POLICY: Readonly<Record<Priority, PriorityPolicy>> = {
  P1: {
    title: "Page",
    severity: "critical",
    azureSeverity: 0,
    channels: ["pagerduty", "slack"],
    slackChannel: "incidents",
    incident: "SEV-1",
    responseMinutes: 15,
    repeatInterval: "1h",
    groupWait: "10s",
  },
  P2: {
    title: "Urgent",
    severity: "warning",
    azureSeverity: 2,
    channels: ["slack", "email"],
    slackChannel: "alerts",
    incident: "SEV-2",
    responseMinutes: 30,
    repeatInterval: "4h",
    groupWait: "30s",
  },
  P3: {
    title: "Warning",
    severity: "warning",
    azureSeverity: 3,
    channels: ["slack"],
    slackChannel: "alerts",
    incident: "SEV-3",
    responseMinutes: 120,
    repeatInterval: "12h",
    groupWait: "1m",
  },
  P4: {
    title: "Info",
    severity: "info",
    azureSeverity: 4,
    channels: ["slack"],
    slackChannel: "monitoring",
    incident: "SEV-4",
    responseMinutes: 1_440,
    repeatInterval: "3d",
    groupWait: "5m",
  },
};

/** Minutes on the incident's clock by which each level has answered, or the next is called (report §6.3). */
export const ESCALATION: readonly { who: string; minutes: number; only?: "SEV-1" }[] = [
  { who: "Primary on-call", minutes: 5 },
  { who: "Secondary on-call", minutes: 10 },
  { who: "Engineering lead", minutes: 15 },
  { who: "CTO", minutes: 30, only: "SEV-1" },
];

/** The escalation path in one line, for the page itself. */
export function escalationText(): string {
  return ESCALATION.map(({ who, minutes, only }) => `${who} ${minutes} min${only ? ` (${only})` : ""}`).join(
    " → ",
  );
}
