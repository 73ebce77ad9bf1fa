import { randomBytes } from "node:crypto";
import { TIERS, type Tier } from "../types";

const ARCHIVE = "archive.pgdump.zst";
/** What is encrypted says so by its name, too. */
const ENCRYPTED = `${ARCHIVE}.age`;
const MANIFEST = "manifest.json";

/** Where the parts of one backup are in its container. */
export interface BackupPath {
  environment: string;
  database: string;
  id: string;
}

/**
 * A new, never used id: `app-daily-20260205T030000123Z-9f3c`. Ids of one database sort by time.
 * Names of databases may hold anything; the id keeps what is safe in a URL and a shell.
 */
export function newBackupId(database: string, tier: Tier, snapshotAt: Date): string {
  const slug =
    database
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "") || "database";
  return `${slug.slice(0, 40)}-${tier}-${compact(snapshotAt)}-${randomBytes(2).toString("hex")}`;
}

const compact = (instant: Date) => instant.toISOString().replace(/[-:.]/g, "");
const ID = new RegExp(
  `^[a-z0-9-]+-(${TIERS.join("|")})-(\\d{4})(\\d\\d)(\\d\\d)T(\\d\\d)(\\d\\d)(\\d\\d)(\\d{3})Z-[0-9a-f]{4}$`,
);

export function isBackupId(text: string): boolean {
  return ID.test(text);
}

/** The tier an id carries. */
export function tierOf(id: string): Tier | undefined {
  return ID.exec(id)?.[1] as Tier | undefined;
}

/** The snapshot's instant an id carries: known even when the manifest is damaged. */
export function instantOf(id: string): Date | undefined {
  const match = ID.exec(id);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second, millisecond] = match.slice(2).map(Number);
  return new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, millisecond));
}

/** `.` and `..` are names of databases, too, and must not lead anywhere. */
export const encodeName = (database: string) =>
  /^\.{1,2}$/.test(database) ? database.replaceAll(".", "%2E") : encodeURIComponent(database);

const folder = (at: BackupPath) => `${environmentPrefix(at.environment)}${encodeName(at.database)}/${at.id}/`;

export const environmentPrefix = (environment: string) => `${environment}/`;
export const databasePrefix = (environment: string, database: string) =>
  `${environmentPrefix(environment)}${encodeName(database)}/`;
export const archiveBlob = (at: BackupPath, encrypted = false) =>
  `${folder(at)}${encrypted ? ENCRYPTED : ARCHIVE}`;
export const manifestBlob = (at: BackupPath) => `${folder(at)}${MANIFEST}`;
const reportPrefix = (at: BackupPath) => `${folder(at)}verifications/`;
export const newReportBlob = (at: BackupPath, when: Date) =>
  `${reportPrefix(at)}${compact(when)}-${randomBytes(2).toString("hex")}.json`;
/** Copy of an archived blob that can be read; made by a restore, removed by prune. */
export const rehydratedBlob = (at: BackupPath) => `${folder(at)}rehydrated-${ARCHIVE}`;
export const lockBlob = (environment: string, database: string) =>
  `${environmentPrefix(environment)}locks/${encodeName(database)}`;
/** A copy keeps other copies out and no backup: no encoded name of a database holds an `@`. */
export const copyLockBlob = (environment: string, database: string) =>
  `${lockBlob(environment, database)}@copy`;

export type BlobPart = "archive" | "manifest" | "report" | "rehydrated";

/** The database an encoded name stands for; undefined for a text that stands for none. */
function decodeName(text: string): string | undefined {
  try {
    const database = decodeURIComponent(text);
    return encodeName(database) === text ? database : undefined;
  } catch {
    return undefined;
  }
}

/** What a blob name means; undefined for a name this runner does not write. */
export function parseBlobName(name: string): (BackupPath & { part: BlobPart }) | undefined {
  const [environment, encoded, id, ...rest] = name.split("/");
  if (!environment || !encoded || !id || !isBackupId(id)) return undefined;
  const database = decodeName(encoded);
  if (database === undefined) return undefined;
  const file = rest.join("/");
  const part: BlobPart | undefined =
    file === ARCHIVE || file === ENCRYPTED
      ? "archive"
      : file === MANIFEST
        ? "manifest"
        : file === `rehydrated-${ARCHIVE}`
          ? "rehydrated"
          : /^verifications\/[^/]+\.json$/.test(file)
            ? "report"
            : undefined;
  return part && { environment, database, id, part };
}
