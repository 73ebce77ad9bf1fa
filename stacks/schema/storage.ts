import { z } from "zod";
import { ACCESS_TIERS, ONE_REGION_SKUS } from "../../packages/azure-facts";
import { region } from "./common";

/** Tiers of backups; each has a container and a schedule. */
export const BACKUP_TIERS = ["hourly", "daily", "weekly", "monthly"] as const;

export const PURPOSES = [...BACKUP_TIERS, "evidence", "incidents"] as const;

const tier = z.strictObject({
  tier: z.enum(ACCESS_TIERS).describe("Access tier. Archive is offline: reading it takes up to 15 hours."),
  afterDays: z.int().min(1).max(3650).describe("Days after the last write at which the blob moves there."),
});

const container = z.strictObject({
  purpose: z
    .enum(PURPOSES)
    .describe("What it holds: backups of a tier, drill evidence, or incident records."),
  retentionDays: z
    .int()
    .min(1)
    .max(3650)
    .describe(
      "Days a blob is promised to exist. The runner's prune ends backups later, and only those with a verified successor; incident records end by deleteAfterDays, drill reports never.",
    ),
  immutabilityDays: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .describe(
      "Days in which nobody can change or delete a blob (time-based WORM policy, unlocked until an operator locks it). At most retentionDays. Absent: none.",
    ),
  tiers: z
    .array(tier)
    .default([])
    .describe("Moves to colder tiers, in order; days and coldness strictly rise."),
  deleteAfterDays: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .describe(
      "Days after which the lifecycle deletes a blob; at least retentionDays. Only for incident records, and not in an immutable container, whose blobs the lifecycle never deletes. Backups and the chain of drill reports refuse it: it would delete the last good backup when backups stop.",
    ),
});

export const storage = z
  .strictObject({
    redundancy: z
      .enum(ONE_REGION_SKUS)
      .default("Standard_ZRS")
      .describe(
        "Replication of each of the two backup accounts within its region: Standard_ZRS survives the loss of a zone. Standard_LRS where the region has no zones. No account copies itself to another region: every backup is written to both.",
      ),
    copy: z
      .strictObject({
        location: region
          .optional()
          .describe(
            "Region of the second account where the environment has one region only; otherwise it stands in regions.secondary. Changing it makes a new, empty account.",
          ),
        redundancy: z
          .enum(ONE_REGION_SKUS)
          .optional()
          .describe("Replication of the second account, where its region has no zones. Default: redundancy."),
      })
      .prefault({})
      .describe("The second backup account."),
    softDeleteDays: z.int().min(1).max(365).describe("Days a deleted blob or container can be brought back."),
    previousVersionDays: z
      .int()
      .min(1)
      .max(3650)
      .default(30)
      .describe("Days a previous version of a blob is kept."),
    containers: z
      .array(container)
      .describe("One container per purpose. Removing one is refused while it is protected."),
  })
  .describe(
    "The two storage accounts of backups, drill evidence and incident records, one per region; both have the same containers.",
  );
