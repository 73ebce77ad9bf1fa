import { z } from "zod";
import { ACCESS_TIERS, STORAGE_SKUS } from "../../packages/azure-facts";

export const PURPOSES = ["daily", "monthly", "evidence", "incidents"] as const;

const tier = z.strictObject({
  tier: z.enum(ACCESS_TIERS).describe("Access tier. Archive is offline: reading it takes up to 15 hours."),
  afterDays: z.int().min(1).max(3650).describe("Days after the last write at which the blob moves there."),
});

const container = z.strictObject({
  purpose: z
    .enum(PURPOSES)
    .describe("What it holds: daily or monthly backups, drill evidence, or incident records."),
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
      .enum(STORAGE_SKUS)
      .describe(
        "Replication of the backup account. Standard_RAGRS keeps a readable copy in the paired region.",
      ),
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
  .describe("Storage account of backups, drill evidence and incident records.");
