import { Channel, PRIORITY_POLICY } from "./priorities";
import { PRIORITIES } from "./types";

/** Names of the Slack channels; the bot must be a member of each. */
export interface SlackChannels {
  incidents: string;
  alerts: string;
  monitoring: string;
}

/** Report §9.3. */
export const DEFAULT_SLACK_CHANNELS: SlackChannels = {
  incidents: "#incidents",
  alerts: "#alerts",
  monitoring: "#monitoring",
};

/** Azure's severity of each priority, and the channel it goes to. */
export function channelBySeverity(channels: SlackChannels): Record<string, string> {
  return Object.fromEntries(
    PRIORITIES.map((priority) => {
      const { azureSeverity, slackChannel } = PRIORITY_POLICY[priority];
      return [`Sev${azureSeverity}`, channels[slackChannel]];
    }),
  );
}

/** Slack's method for posting; it takes the channel per message, where an incoming webhook is bound to one. */
export const SLACK_POST_URL = "https://slack.com/api/chat.postMessage";

/** Where PagerDuty's Microsoft Azure integration takes Azure's own alert format. */
export const pagerDutyAzureUrl = (routingKey: string): string =>
  `https://events.pagerduty.com/integration/${routingKey}/enqueue`;

/** Vault secret that opens each receiver. */
export const RECEIVER_SECRETS = {
  pagerduty: "pagerduty-routing-key",
  slack: "slack-bot-token",
  email: "smtp-password",
  heartbeat: "dead-mans-switch-url",
} as const satisfies Record<Channel | "heartbeat", string>;

/** Who is told, apart from the secrets. */
export interface Receivers {
  /** Addresses of P2 e-mails. */
  emails: readonly string[];
  slackChannels: SlackChannels;
}
