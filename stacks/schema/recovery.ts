import { z } from "zod";
import { isAgeKey } from "./ageKey";
import { apart, cron, image, isPublicUrl, matching, publicCidr, unique } from "./common";
import { isPlaceholder } from "./placeholders";

const recipient = matching(
  /^age1[02-9ac-hj-np-z]{58}$/,
  "a public key of age: age1 and 58 lower-case letters and digits, as age-keygen prints it",
).refine(isAgeKey, "a public key of age as age-keygen prints it; its checksum says that letters are wrong");

const encryption = z
  .strictObject({
    recipients: unique(recipient, String)
      .default([])
      .describe(
        "Public keys of age that every new backup is encrypted for before it leaves the pod. With any, the private halves are expected in the vaults (backup-decryption-keys), and verification needs them. Removing all leaves new backups without encryption of our own; old ones still need their keys.",
      ),
  })
  .prefault({})
  .describe("Encryption of backups with keys of our own, on top of Azure's.");

/**
 * Regions of AWS in the EU, the UK and Switzerland (https://docs.aws.amazon.com/general/latest/gr/s3.html): backups stay
 * where personal data may, as everything in Azure does.
 */
export const AWS_REGIONS = [
  "eu-central-1",
  "eu-central-2",
  "eu-north-1",
  "eu-south-1",
  "eu-south-2",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "eusc-de-east-1",
] as const;

const s3 = z
  .strictObject({
    endpoint: z
      .url({ protocol: /^https$/, error: "an https URL without a path, e.g. https://s3.forma3d.com" })
      .refine((text) => /^https:\/\/[^/?#]+\/?$/.test(text), "an https URL without a path")
      .refine(isPublicUrl, "an https URL of a public name, without a user: its keys are secrets of the vault")
      // Written out, it could be of another region than the one that is checked.
      .refine(
        (text) => !/\.amazonaws\.(com|eu|com\.cn)\/?$/i.test(text),
        "nothing for AWS: where its backups lie follows from region",
      )
      .optional()
      .describe("Address of an S3-compatible service. Absent: AWS."),
    region: matching(/^(?=.{1,40}$)[a-z0-9]+(-[a-z0-9]+)*$/, "a region such as eu-central-1").describe(
      "Region that requests are signed for.",
    ),
    bucket: matching(
      /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
      "3-63 lower-case letters, digits and single hyphens",
    )
      // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
      .refine(
        (name) => !/^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3)$/.test(name),
        "a name S3 does not keep to itself",
      )
      .refine((name) => !isPlaceholder(name), "the name of a bucket: this one keeps its place")
      .describe(
        "Bucket of all tiers, made with Object Lock and without a default retention. In it every name begins with the environment's.",
      ),
    objectLock: z
      .enum(["governance", "compliance"])
      .default("compliance")
      .describe(
        "How archives and manifests are locked for their tier's retention; compliance: against everybody.",
      ),
    addresses: apart(publicCidr)
      .min(1, "at least one range, or no pod could reach the service")
      .describe(
        "Public addresses of the service, port 443: the only ones outside Azure that what works on backups may reach. Network policies know no host names.",
      ),
  })
  .optional()
  .describe(
    "A third target, with another provider. Its access key is expected in the vaults (backup-s3-access-key-id, backup-s3-secret-access-key). Needs encryption.recipients.",
  );

/** Nothing of the report §5.3 brings a database back sooner: its replica takes over in five minutes. */
const LEAST_RTO_MINUTES = 5;

export const recovery = z
  .strictObject({
    image: image.describe("Image of the recovery runner, built from apps/recovery/Dockerfile."),
    rpoMinutes: z
      .int()
      .min(1)
      .max(1440)
      .describe("Most data that may be lost in a disaster, in minutes (report: 60)."),
    rtoMinutes: z
      .int()
      .min(LEAST_RTO_MINUTES)
      .max(2880)
      .describe(
        `Longest time to be back after a disaster, in minutes (report: 240); at least ${LEAST_RTO_MINUTES}, what the report gives a database alone.`,
      ),
    keepLast: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe("Newest backups per tier that prune never deletes."),
    scratchGiB: z
      .int()
      .min(1)
      .max(16384)
      .describe(
        "Size of the scratch volume in which verification restores a backup, in GiB: the archive and the database beside it, about twice the data; at least database.storageGB.",
      ),
    encryption,
    s3,
    schedules: z
      .strictObject({
        hourly: cron
          .default("0 0-2,4-23 * * *")
          .describe(
            "Hourly backup, in every hour but the daily one's. Together the backups leave no gap longer than rpoMinutes.",
          ),
        daily: cron.default("0 3 * * *").describe("Daily backup (report §5.1: 03:00)."),
        weekly: cron
          .default("30 12 * * 0")
          .describe("Weekly backup, on Sunday. Never while a daily or monthly one may run."),
        monthly: cron
          .default("30 21 1 * *")
          .describe(
            "Monthly backup, on the 1st. Never while a daily one may run: one backup of a database at a time.",
          ),
        copy: cron
          .default("40 * * * *")
          .describe(
            "Hourly look whether a target lacks a backup that another holds; it is then copied there.",
          ),
        verify: cron
          .default("15 * * * *")
          .describe("Hourly: a full restore of each backup that nobody has proved yet, the newest first."),
        drill: cron.default("0 6 2 * *").describe("Monthly drill (report §11.3)."),
        prune: cron.default("20 7 * * *").describe("Daily removal of expired backups, of every tier."),
      })
      .prefault({})
      .describe("When the CronJobs run, UTC."),
    deadlineMinutes: z
      .strictObject({
        hourly: z
          .int()
          .min(5)
          .max(1440)
          .default(55)
          .describe(
            "Longest an hourly backup may run: less than the time to the next; a plan warns when a full disk would need more, a minute for every 4 GiB of database.storageGB.",
          ),
        backup: z
          .int()
          .min(5)
          .max(1440)
          .default(120)
          .describe(
            "Longest any other backup may run; at least a minute for every 4 GiB of database.storageGB.",
          ),
        verify: z
          .int()
          .min(5)
          .max(1440)
          .default(240)
          .describe(
            "Longest a verification may run; at least a minute for every 2 GiB of database.storageGB.",
          ),
        drill: z
          .int()
          .min(5)
          .max(1440)
          .default(300)
          .describe("Longest a drill may run; above the RTO it measures."),
        copy: z
          .int()
          .min(5)
          .max(1440)
          .default(240)
          .describe("Longest a copy may run; what is left then comes with the next."),
        prune: z.int().min(5).max(1440).default(30).describe("Longest a prune may run."),
      })
      .prefault({})
      .describe("Minutes after which a run is ended; longer than the longest run seen."),
  })
  .describe("Recovery runner and its objectives.");
