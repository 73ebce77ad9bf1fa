import { z } from "zod";
import { DEFAULT_SLACK_CHANNELS } from "../../packages/alerting/receivers";
import { RUNBOOK_BASE_URL } from "../../packages/alerting/runbooks";
import { DEFAULT_THRESHOLDS } from "../../packages/alerting/settings";
import { COMPONENTS, INCIDENT_PHASES, LONGEST_ADDRESS } from "../../infra/statusPage/incidents";
import { SECRET_WORDS } from "../secretWords";
import { email, image, instant, isPublicUrl, matching, region, unique } from "./common";
import { isPlaceholder } from "./placeholders";

const PUBLISHED_AT = "an https address of a folder, without a slash at its end";

/** Whether pages can stand below an address: written as browsers write it, and no page itself. */
function isFolder(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { href, pathname } = new URL(text);
  return (
    isPublicUrl(text) &&
    href.replace(/\/$/, "") === text &&
    !pathname.includes("//") &&
    !/\.(html?|md|pdf)$/i.test(pathname)
  );
}

const D = DEFAULT_THRESHOLDS;
/** Below it a limit is passed by a platform at rest, and its alert never ends. */
const LEAST_PERCENT = 10;
/** Alerts fire above their limit, and nothing is above all there is. */
const MOST_PERCENT = 99;
const percent = z.int().min(LEAST_PERCENT).max(MOST_PERCENT);
/** At 95 percent Azure makes the server read-only: an alert has to come before (https://learn.microsoft.com/azure/postgresql/compute-storage/concepts-storage). */
const storagePercent = z.int().min(LEAST_PERCENT).max(94);

const pair = (defaults: { warning: number; urgent: number }, limit: z.ZodInt) =>
  z
    .strictObject({
      warning: limit.default(defaults.warning).describe("Warns."),
      urgent: limit.default(defaults.urgent).describe("Is urgent."),
    })
    .prefault({});

const thresholds = z
  .strictObject({
    databaseConnectionsPercent: percent
      .default(D.databaseConnectionsPercent)
      .describe("Share of the database's connections in use, percent."),
    databaseCpuPercent: percent
      .default(D.databaseCpuPercent)
      .describe("CPU of the database over 15 minutes, percent."),
    databaseStoragePercent: pair(D.databaseStoragePercent, storagePercent).describe(
      "Disk of the database, percent; at 95 Azure makes the server read-only.",
    ),
    databaseWalGiB: z
      .int()
      .min(1)
      .max(1024)
      .default(D.databaseWalGiB)
      .describe("Write-ahead log kept on the server, GiB."),
    diskPercent: pair(D.diskPercent, percent).describe("Disks of nodes and volumes, percent."),
    memoryPercent: percent
      .default(D.memoryPercent)
      .describe("Memory of containers, nodes and database, percent."),
    apiLatencySeconds: z
      .number()
      .min(0.05)
      .max(D.apiLatencySeconds)
      .default(D.apiLatencySeconds)
      .describe("p95 of the API, seconds; at most the objective's own, so that the alert comes first."),
    errorPercent: z
      .number()
      .min(0.1)
      .max(4.9)
      .default(D.errorPercent)
      .describe("Share of failed requests that warns, percent; 5 pages."),
    webhookSilenceMinutes: z
      .int()
      .min(5)
      .max(1440)
      .default(D.webhookSilenceMinutes)
      .describe("Minutes without a webhook from the shop in business hours."),
    businessHours: z
      .strictObject({
        from: z.int().min(0).max(23).default(D.businessHours.from).describe("First hour, UTC."),
        to: z.int().min(1).max(24).default(D.businessHours.to).describe("Hour after the last one, UTC."),
      })
      .prefault({})
      .describe("Hours in which orders are expected."),
    webhookFloodPerSecond: z
      .int()
      .min(5)
      .max(1000)
      .default(D.webhookFloodPerSecond)
      .describe("Webhooks a second that are a flood."),
    edgeFloodRequests: z
      .int()
      .min(1000)
      .max(10000000)
      .default(D.edgeFloodRequests)
      .describe("Requests in five minutes at the edge that are a flood."),
    authFailures: z
      .int()
      .min(5)
      .max(1000)
      .default(D.authFailures)
      .describe("Failed sign-ins in five minutes."),
    certificateDays: z
      .strictObject({
        warning: z
          .int()
          .min(7)
          .max(44)
          .default(D.certificateDays.warning)
          .describe("Warns; less than the 45 days before expiry in which Front Door renews."),
        urgent: z.int().min(2).max(30).default(D.certificateDays.urgent).describe("Pages."),
      })
      .prefault({})
      .describe("Days before a certificate expires."),
    secretDays: z.int().min(7).max(90).default(D.secretDays).describe("Days before a vault secret expires."),
    backupMaxAgeHours: z
      .int()
      .min(1)
      .max(168)
      .default(D.backupMaxAgeHours)
      .describe(
        "Oldest allowed newest daily backup, hours. The newest of any tier is held against recovery.rpoMinutes.",
      ),
    backupMaxUnverifiedDays: z
      .int()
      .min(1)
      .max(92)
      .default(D.backupMaxUnverifiedDays)
      .describe("Oldest allowed proof of a backup, days."),
    backupMaxUnprovedHours: z
      .int()
      .min(1)
      .max(168)
      .default(D.backupMaxUnprovedHours)
      .describe("Hours after which a backup that no restore has proved counts as a backlog."),
    drillMaxAgeDays: z
      .int()
      .min(1)
      .max(92)
      .default(D.drillMaxAgeDays)
      .describe("Most days between two drills."),
    readinessMaxAgeHours: z
      .int()
      .min(1)
      .max(168)
      .default(D.readinessMaxAgeHours)
      .describe("Oldest allowed newest readiness check, hours."),
    backupShrinkPercent: z
      .int()
      .min(10)
      .max(90)
      .default(D.backupShrinkPercent)
      .describe("Shrinkage of a backup against the week's mean that is suspicious, percent."),
  })
  .prefault({})
  .describe("Limits at which alerts fire; all have defaults.");

const channel = z
  .string()
  .regex(/^#[a-z0-9][a-z0-9_-]{0,79}$/, "a Slack channel such as #alerts")
  // https://slack.com/help/articles/213185467, reserved words
  .refine(
    (name) => !/^#(channel|everyone|here|group|me)$/.test(name),
    "a Slack channel such as #alerts, by no word Slack keeps to itself",
  );
const windowName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,39}$/, "2-40 lower-case letters, digits or hyphens, starting with a letter");

const announced = z.strictObject({
  name: windowName.describe("Unique name."),
  startsAt: instant.describe("Begin, UTC."),
  endsAt: instant.describe("End, UTC."),
  announcedAt: instant.describe(
    "When customers were told, UTC. Uptime leaves the window out only when that was 48 hours before its begin.",
  ),
  reason: matching(/^\S.{3,198}\S$/, "5-200 characters of text")
    .refine(
      (text) => /\p{L}{3}/u.test(text) && !isPlaceholder(text) && !/[<>]/.test(text),
      "5-200 characters of text, in words",
    )
    .refine((text) => !/\p{C}/u.test(text), "5-200 characters of text, each of which is seen")
    // Gatus takes what begins with $ in its file for a variable (https://github.com/TwiN/gatus#readme).
    .refine((text) => !text.includes("$"), "text without $, with which the status page fills in variables")
    .refine((text) => !SECRET_WORDS.test(text), "what is done; customers read it, so no secret")
    .describe("What is done; customers read it."),
});

export const alerts = z
  .strictObject({
    emails: unique(email, String).min(1).max(10).describe("Receivers of P2 e-mails."),
    slackChannels: z
      .strictObject({
        incidents: channel.default(DEFAULT_SLACK_CHANNELS.incidents).describe("P1."),
        alerts: channel.default(DEFAULT_SLACK_CHANNELS.alerts).describe("P2 and P3."),
        monitoring: channel.default(DEFAULT_SLACK_CHANNELS.monitoring).describe("P4."),
      })
      .prefault({})
      .describe("Slack channels; the bot must be a member of each."),
    runbookBaseUrl: z
      .string()
      .regex(/^https:\/\/[^\s?#@]*[^\s/?#@]$/, PUBLISHED_AT)
      .refine(isFolder, PUBLISHED_AT)
      .default(RUNBOOK_BASE_URL)
      .describe(
        "Address under which the folder runbooks/ of the site (npm run site) is published; every alert links there.",
      ),
    thresholds,
    maintenance: z
      .array(announced)
      .max(50)
      .default([])
      .describe("Announced maintenance: mutes every alert but the heartbeat. Remove windows that are over."),
  })
  .describe("Alerts and who hears of them. The receivers' keys are secrets.");

/** GiB of logs a day. */
export const DEFAULT_LOG_CAP_GIB = 5;

export const monitoring = z
  .strictObject({
    region: region.describe(
      "Region of metrics, logs, rules and dashboards, and of the group of what is global, Front Door included. With two regions it is another than the primary, so that losing that one is an alert and not silence, and the failover can change the entry. Changing it replaces them all: empty history, new entry.",
    ),
    logCapGiB: z
      .number()
      .min(1)
      .max(1000)
      .default(DEFAULT_LOG_CAP_GIB)
      .describe(
        "Most logs the workspace takes in a day, GiB; what comes after is lost until the next day: with less than 1 what the clusters say of themselves fills it by noon. It bounds the bill of a loop that logs: 5 GiB every day would be about 450 USD a month.",
      ),
    postgresExporterImage: image.describe("Image of prometheus-community/postgres_exporter."),
    blackboxExporterImage: image.describe("Image of prometheus/blackbox_exporter."),
  })
  .describe("Managed Prometheus, Grafana and exporters.");

const incident = z.strictObject({
  at: instant.describe("When this is said, UTC."),
  phase: z.enum(INCIDENT_PHASES).describe("Phase of the incident; it picks the message."),
  service: z.enum(COMPONENTS as [string, ...string[]]).describe("What it is about."),
  hours: z
    .int()
    .min(1)
    .max(72)
    .optional()
    .describe("Estimated hours to resolution; needed once it is identified."),
  postmortem: z
    .string()
    .max(LONGEST_ADDRESS)
    .refine(isPublicUrl, "an https address everybody can open")
    .refine(
      (address) => !SECRET_WORDS.test(address) && !address.includes("$"),
      "an https address everybody may know, without $",
    )
    .meta({ allowed: "an https address everybody can open" })
    .optional()
    .describe("Address of the postmortem, when it is resolved."),
});

export const statusPage = z
  .strictObject({
    provider: z
      .enum(["statping", "gatus"])
      .describe(
        "Program of the page in the cluster: Statping-ng, or Gatus, which is configured as code. The page outside is always Gatus.",
      ),
    outsideRegion: region.describe(
      "Region of the page that survives whichever region serves: none of `regions`.",
    ),
    statpingImage: image.describe("Image of Statping-ng."),
    gatusImage: image.describe("Image of Gatus."),
    frontImage: image.describe("Image of nginx for unprivileged users, the page's read-only front."),
    incidents: z
      .array(incident)
      .max(20)
      .default([])
      .describe("What customers are told about incidents now, the newest first. Empty when all is well."),
  })
  .describe("Status pages: one in the cluster, one outside its region.");
