import { z } from "zod";
import { cron, image } from "./common";

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
      .min(1)
      .max(2880)
      .describe("Longest time to be back after a disaster, in minutes (report: 240)."),
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
    schedules: z
      .strictObject({
        daily: cron.default("0 3 * * *").describe("Daily backup (report §5.1: 03:00)."),
        monthly: cron
          .default("0 21 1 * *")
          .describe(
            "Monthly backup, on the 1st. Never while a daily one may run: one backup of a database at a time, and the other is skipped.",
          ),
        verify: cron.default("0 5 * * 0").describe("Weekly verification by a full restore."),
        drill: cron.default("0 6 2 * *").describe("Monthly drill (report §11.3)."),
        prune: cron.default("0 7 * * *").describe("Daily removal of expired backups."),
      })
      .prefault({})
      .describe("When the CronJobs run, UTC."),
    deadlineMinutes: z
      .strictObject({
        backup: z
          .int()
          .min(5)
          .max(1440)
          .default(120)
          .describe("Longest a backup may run; at least a minute for every 4 GiB of database.storageGB."),
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
        prune: z.int().min(5).max(1440).default(30).describe("Longest a prune may run."),
      })
      .prefault({})
      .describe("Minutes after which a run is ended; longer than the longest run seen."),
  })
  .describe("Recovery runner and its objectives.");
