/**
 * The documents the runner writes and prints. Each carries its format and version in `format`; a reader refuses
 * a version it does not know, so a field may be added within a version but never change its meaning.
 */
import { z } from "zod";

export const MANIFEST_FORMAT = "forma3d-backup/1";
export const VERIFICATION_FORMAT = "forma3d-verification/1";

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");
export const instantSchema = z.iso.datetime({ precision: 3 });
const count = z.number().int().nonnegative();

/** How often a backup of each kind is made; how long it is kept comes from the settings. */
export const TIERS = ["hourly", "daily", "weekly", "monthly"] as const;
export const tierSchema = z.enum(TIERS);
export type Tier = z.infer<typeof tierSchema>;

/** One table's content in the snapshot. */
const tableFingerprintSchema = z.strictObject({
  /** Schema-qualified and quoted as SQL needs it: `public."Order"`. */
  name: z.string(),
  rows: count,
  /** Bytes of the rows' COPY text. */
  bytes: count,
  /** SHA-256 over the rows' COPY text in physical order, each row behind its length (see postgres/rows.ts). */
  sha256: sha256Schema,
  /** Statement that reads exactly the columns that were dumped, in their order. */
  copy: z.string(),
  /**
   * Of a partition whose rows are loaded through its topmost table and may come to lie in another one: that table, and
   * the sum of the rows' SHA-256, the same in any order.
   */
  scattered: z.strictObject({ through: z.string(), sum: sha256Schema }).optional(),
  /** `WHERE …`: the rows of an extension's table that are not the extension's own, which a dump leaves out. */
  filter: z.string().optional(),
});
export type TableFingerprint = z.infer<typeof tableFingerprintSchema>;

const sequenceSchema = z.strictObject({
  name: z.string(),
  /** A string: sequences reach 2^63 - 1. */
  value: z.string(),
  called: z.boolean(),
});
export type SequenceValue = z.infer<typeof sequenceSchema>;

const roleSchema = z.strictObject({
  name: z.string(),
  login: z.boolean(),
  inherit: z.boolean(),
  createRole: z.boolean(),
  createDatabase: z.boolean(),
  bypassRowSecurity: z.boolean(),
  memberOf: z.array(z.string()),
});
export type RoleInventory = z.infer<typeof roleSchema>;

const inventorySchema = z.strictObject({
  /** How many objects of each kind, by kind: `table`, `index`, `function`… Members of extensions excluded. */
  objects: z.record(z.string(), count),
  /** SHA-256 over the sorted list of `kind name` of the same objects. */
  objectsSha256: sha256Schema,
  extensions: z.array(z.strictObject({ name: z.string(), version: z.string(), schema: z.string() })),
  roles: z.array(roleSchema),
});
export type Inventory = z.infer<typeof inventorySchema>;

/** What belongs to the database itself and is not part of a dump. */
const databasePropertiesSchema = z.strictObject({
  owner: z.string(),
  /** Role `PUBLIC` is everybody. Null: nobody ever changed PostgreSQL's defaults. */
  grants: z
    .array(z.strictObject({ role: z.string(), privilege: z.string(), grantable: z.boolean() }))
    .nullable(),
  /** `name=value`, of the database, or of a role in it. */
  settings: z.array(z.strictObject({ role: z.string().nullable(), setting: z.string() })),
  /** -1: no limit. */
  connectionLimit: z.number().int(),
  comment: z.string().nullable(),
  /** Who compares text. With libc, collate and ctype of `server` say how. */
  localeProvider: z.enum(["libc", "icu", "builtin"]),
  locale: z.string().nullable(),
  icuRules: z.string().nullable(),
});
export type DatabaseProperties = z.infer<typeof databasePropertiesSchema>;

/** An object that is not in a backup, or does not come back from one, and why. */
export const leftOutSchema = z.strictObject({ kind: z.string(), name: z.string(), reason: z.string() });

export const manifestSchema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  id: z.string(),
  environment: z.string(),
  database: z.string(),
  tier: tierSchema,
  /** The database server's clock at the moment the snapshot was taken: what RPO is measured from. */
  snapshotAt: instantSchema,
  startedAt: instantSchema,
  finishedAt: instantSchema,
  seconds: z.number().nonnegative(),
  /** Bytes of the uncompressed pg_dump archive. */
  rawBytes: count,
  /** Bytes of the stored blob. */
  storedBytes: count,
  /** SHA-256 of the stored blob. */
  sha256: sha256Schema,
  /**
   * SHA-256 of the uncompressed archive up to its first row: every statement a restore runs. With it a restore may
   * begin before the whole archive is there. Backups of older releases of the runner lack it.
   */
  tocSha256: sha256Schema.optional(),
  /**
   * Rows of more bytes of COPY text are in pieces in the archive, and digested as postgres/rows.ts says; absent: there
   * was none that pg_dump could not hold.
   */
  longRowBytes: count.optional(),
  archive: z.strictObject({
    container: z.string(),
    blob: z.string(),
    compression: z.literal("zstd"),
    /** How the compressed archive is encrypted; absent: it is not. `recipients` are public keys. */
    encryption: z
      .strictObject({ format: z.literal("age/v1"), recipients: z.array(z.string()).min(1) })
      .optional(),
  }),
  server: z.strictObject({
    host: z.string(),
    port: z.number().int(),
    version: z.string(),
    major: z.number().int(),
    /** Null where the role may not read it. */
    systemIdentifier: z.string().nullable(),
    inRecovery: z.boolean(),
    lsn: z.string(),
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    /** Size on disk, indexes included: what a restore needs. */
    databaseBytes: count,
  }),
  /** Backups of older releases of the runner lack it. */
  properties: databasePropertiesSchema.optional(),
  /** What the dump could not hold; absent: nothing. */
  notDumped: z.array(leftOutSchema).optional(),
  /** Columns of child tables that take NULL although an ancestor's do not (see postgres/nullable.ts); absent: none. */
  nullable: z.array(z.strictObject({ table: z.string(), column: z.string() })).optional(),
  runner: z.strictObject({
    pgDump: z.string(),
    /** Seconds the runner's clock was ahead of the database server's (negative: behind). */
    clockAheadSeconds: z.number(),
  }),
  tables: z.array(tableFingerprintSchema),
  largeObjects: z.strictObject({ count, bytes: count, sum: z.string() }),
  sequences: z.array(sequenceSchema),
  inventory: inventorySchema,
  /** SHA-256 over the canonical JSON of every other field. */
  digest: sha256Schema,
});
export type Manifest = z.infer<typeof manifestSchema>;

export const checkStatusSchema = z.enum(["PASS", "FAIL", "NOT_RUN", "TIMED_OUT"]);
export type CheckStatus = z.infer<typeof checkStatusSchema>;
/** PASS only when every check of the run passed; FAIL outweighs TIMED_OUT, which outweighs NOT_RUN. */
export type Verdict = CheckStatus;

export const levelSchema = z.enum(["L0", "L1", "L2", "L3", "L4", "L5", "L6"]);
export type Level = z.infer<typeof levelSchema>;

export const checkSchema = z.strictObject({
  id: z.string(),
  level: levelSchema,
  status: checkStatusSchema,
  expected: z.string(),
  actual: z.string(),
  seconds: z.number().nonnegative().optional(),
});
export type CheckResult = z.infer<typeof checkSchema>;

export const tableMatchSchema = z.strictObject({ name: z.string(), rows: count, match: z.boolean() });
export type TableMatch = z.infer<typeof tableMatchSchema>;

/** One timed step of a run, in order. */
export const stageSchema = z.strictObject({
  name: z.string(),
  startedAt: instantSchema,
  seconds: z.number().nonnegative(),
  bytes: count.optional(),
});
export type Stage = z.infer<typeof stageSchema>;

export const verifyReportSchema = z.strictObject({
  format: z.literal(VERIFICATION_FORMAT),
  id: z.string(),
  environment: z.string(),
  database: z.string(),
  tier: tierSchema,
  verdict: checkStatusSchema,
  /** The last level that was asked for. A backup counts as verified from L4 on. */
  through: levelSchema,
  startedAt: instantSchema,
  endedAt: instantSchema,
  seconds: z.number().nonnegative(),
  /** Digest of the manifest this report speaks about; null when that manifest cannot be read. */
  manifestDigest: sha256Schema.nullable(),
  scratch: z.strictObject({ kind: z.enum(["throwaway", "url", "none"]), version: z.string() }),
  stages: z.array(stageSchema),
  checks: z.array(checkSchema),
  tables: z.array(tableMatchSchema),
  digest: sha256Schema,
});
export type VerifyReport = z.infer<typeof verifyReportSchema>;

/** The newest conclusive (PASS or FAIL) verification of a backup. */
export interface VerificationMark {
  verdict: "PASS" | "FAIL";
  at: string;
  through: Level;
  report: string;
}

/**
 * What the catalogue keeps of a manifest: no list, so that it is as small for 10,000 tables as for one. Who needs the
 * rest reads the manifest of the one backup that is meant.
 */
export type ManifestSummary = Pick<
  Manifest,
  | "id"
  | "tier"
  | "snapshotAt"
  | "finishedAt"
  | "seconds"
  | "rawBytes"
  | "storedBytes"
  | "sha256"
  | "server"
  | "digest"
> & {
  archive: Pick<Manifest["archive"], "container" | "blob">;
  tableCount: number;
};

/** A backup as the catalogue knows it. */
export interface CatalogueEntry {
  id: string;
  container: string;
  /** Name of the manifest blob. */
  blob: string;
  database: string;
  tier: Tier;
  /** Undefined when the manifest cannot be read or contradicts its own digest: see `problem`. */
  manifest?: ManifestSummary;
  /** All of it, where the catalogue was read for this backup alone. */
  whole?: Manifest;
  problem?: string;
  verification: VerificationMark | null;
}

export interface RestoreResult {
  id: string;
  /** The database that now holds the data. */
  database: string;
  seconds: number;
  fingerprints: "match" | "mismatch" | "not-checked";
  /** PASS: the content is the backup's, rights are back, and each role that was tried can work. */
  verdict: Verdict;
  snapshotAt: string;
  /** Seconds spent waiting for an archived blob to come online; part of `seconds`. */
  rehydrateSeconds: number;
  /**
   * `kept`: owners and grants as dumped. `restoring-role`: a role is missing or out of reach, and what it owned belongs
   * to `standIn`, or to the caller where that may make no role.
   */
  ownership: "kept" | "restoring-role";
  /** Role without login, for which the caller may act, that owns what has no owner on this server. */
  standIn?: string;
  missingRoles: string[];
  /** What was not brought back, by name, and why. */
  leftOut: { kind: string; name: string; reason: string }[];
  /** With `--mask`: every column that was not taken over as it was, and what became of it. */
  masked?: { column: string; mask: string }[];
  /** With `--in-place`: rows of each table before and now; null: it was not there. */
  inPlace?: { table: string; before: number | null; after: number }[];
  /** With `--replace` and `--in-place`: where the previous content still is. */
  previousDatabase?: string;
  warnings: string[];
  stages: Stage[];
  checks: CheckResult[];
  tables: TableMatch[];
  nextSteps: string[];
}

/** One table of a backup against the database's. */
export interface TableDifference {
  name: string;
  state: "same" | "differs" | "missing" | "other columns";
  /** Column its ranges are of; null: the table has no key and is compared as a whole. */
  key: string | null;
  /** Rows in the backup, and in the database; null where the table cannot be read as it was. */
  backup: number;
  database: number | null;
  /** Ranges that differ: from `from` on, up to `before` and without it; null: no bound. */
  ranges: { from: string | null; before: string | null; backup: number; database: number }[];
}

export interface DiffResult {
  id: string;
  snapshotAt: string;
  /** Host, port and name. */
  database: string;
  same: boolean;
  tables: TableDifference[];
  /** Tables that the backup does not have. */
  added: string[];
  others: { what: string; match: boolean; expected: string; actual: string }[];
}

export interface StatusEntry {
  database: string;
  target: string;
  newest: { id: string; snapshotAt: string; ageSeconds: number } | null;
  newestVerified: { id: string; snapshotAt: string; ageSeconds: number; verifiedAt: string } | null;
  /** Backups the target holds, and those of them that a restore has proved there. */
  held: number;
  proved: number;
  /** Ids of backups that another target holds and this one lacks, though it should still have them; see `copy`. */
  behind: string[];
  /** Oldest allowed newest backup. */
  maxAgeSeconds: number;
  /** Oldest allowed newest verified backup. */
  maxVerifiedAgeSeconds: number;
  ok: boolean;
  problems: string[];
}

export interface PruneDecision {
  target: string;
  id: string;
  database: string;
  tier: Tier;
  snapshotAt: string;
  action: "keep" | "delete";
  reason: string;
  /** What happened: `planned` in a dry run. */
  outcome: "kept" | "planned" | "deleted" | "refused";
  bytes: number;
}

/** What became of one backup that a target lacked; without an id, of a target that does not answer. */
export interface CopyResult {
  id: string;
  from?: string;
  to: string;
  /** `busy`: another copy runs there, or the backup itself may still be on its way. */
  outcome: "copied" | "failed" | "busy";
  bytes: number;
  /** Those of them that an earlier copy, which broke off, had stored already. */
  resumedBytes?: number;
  problem?: string;
}

export interface PruneResult {
  dryRun: boolean;
  decisions: PruneDecision[];
  deletedBytes: number;
  /** Targets in which nothing could be decided, or not to the end. */
  failures: { target: string; message: string }[];
}
