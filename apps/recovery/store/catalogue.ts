import { decode, encode } from "../document";
import { FailedError, messageOf, UsageError } from "../errors";
import type { BackupSelector } from "../options";
import type { Settings } from "../settings";
import {
  manifestSchema,
  verifyReportSchema,
  type CatalogueEntry,
  type Manifest,
  type Tier,
  type VerificationMark,
  type VerifyReport,
} from "../types";
import { refusal, type BlobStore } from "./client";
import {
  environmentPrefix,
  instantOf,
  isBackupId,
  manifestBlob,
  newReportBlob,
  parseBlobName,
} from "./names";

const PARALLEL_READS = 16;
/** A manifest or a report has kilobytes. */
const READ_MS = 20_000;

/** Containers that hold backups, by tier; a tier without a container has none. */
export function backupContainers(settings: Settings): [Tier, string][] {
  const { daily, monthly } = settings.containers;
  return monthly
    ? [
        ["daily", daily],
        ["monthly", monthly],
      ]
    : [["daily", daily]];
}

/** Every backup of this environment, newest first; damaged manifests included, with what is wrong with them. */
export async function readCatalogue(store: BlobStore, settings: Settings): Promise<CatalogueEntry[]> {
  const found = new Map<string, { entry: CatalogueEntry; reports: string[] }>();
  for (const [tier, container] of backupContainers(settings)) {
    const names: string[] = [];
    // First with a short limit: a store that does not answer is worth seconds, not the minutes of a long upload.
    await store.requireContainer(container);
    try {
      const prefix = environmentPrefix(settings.environment);
      for await (const item of store.container(container).listBlobsFlat({ prefix })) names.push(item.name);
    } catch (error) {
      throw store.explain(error, `container "${container}"`);
    }
    const reports = new Map<string, string[]>();
    for (const name of names) {
      const parsed = parseBlobName(name);
      if (parsed?.part === "report") reports.set(parsed.id, [...(reports.get(parsed.id) ?? []), name]);
    }
    for (const name of names) {
      const parsed = parseBlobName(name);
      if (parsed?.part !== "manifest") continue;
      const { id, database } = parsed;
      found.set(`${container}/${id}`, {
        entry: { id, container, blob: name, database, tier, verification: null },
        reports: reports.get(id) ?? [],
      });
    }
  }
  const all = [...found.values()];
  await eachParallel(all, async ({ entry, reports }) => {
    Object.assign(entry, await readManifest(store, settings, entry));
    entry.verification = await readMark(store, entry, reports);
  });
  return all
    .map(({ entry }) => entry)
    .sort((one, other) => (instantOf(other.id)?.getTime() ?? 0) - (instantOf(one.id)?.getTime() ?? 0));
}

async function eachParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, items.length) }, worker));
}

async function readText(store: BlobStore, container: string, blob: string): Promise<string> {
  const abortSignal = AbortSignal.timeout(READ_MS);
  const content = await store
    .container(container)
    .getBlobClient(blob)
    .downloadToBuffer(0, undefined, { abortSignal });
  return content.toString("utf8");
}

async function readManifest(
  store: BlobStore,
  settings: Settings,
  entry: CatalogueEntry,
): Promise<{ manifest: Manifest } | { problem: string }> {
  let text: string;
  try {
    text = await readText(store, entry.container, entry.blob);
  } catch (error) {
    throw store.explain(error, `manifest ${entry.container}/${entry.blob}`);
  }
  try {
    const manifest = decode(manifestSchema, text);
    const expected = { ...entry, environment: settings.environment };
    for (const key of ["id", "database", "tier", "environment"] as const) {
      if (manifest[key] !== expected[key]) throw new Error(`is of another backup (${key} ${manifest[key]})`);
    }
    return { manifest };
  } catch (error) {
    return { problem: `the manifest ${messageOf(error)}` };
  }
}

/** The newest conclusive report that speaks about exactly this manifest. */
async function readMark(
  store: BlobStore,
  entry: CatalogueEntry,
  reports: string[],
): Promise<VerificationMark | null> {
  for (const report of [...reports].sort().reverse()) {
    let parsed: VerifyReport;
    try {
      parsed = decode(verifyReportSchema, await readText(store, entry.container, report));
    } catch (error) {
      // A damaged or vanished report proves nothing; an unreachable store must not look like "not verified".
      if (refusal(error) && refusal(error)?.status !== 404) throw error;
      continue;
    }
    if (parsed.id !== entry.id) continue;
    if (parsed.verdict !== "PASS" && parsed.verdict !== "FAIL") continue;
    if (parsed.verdict === "PASS" && parsed.manifestDigest !== entry.manifest?.digest) continue;
    return { verdict: parsed.verdict, at: parsed.endedAt, through: parsed.through, report };
  }
  return null;
}

/** Verified means: content compared (L4 or further), and nothing found since. */
export function isVerified(entry: CatalogueEntry): boolean {
  const mark = entry.verification;
  return entry.manifest !== undefined && mark?.verdict === "PASS" && mark.through >= "L4";
}

/**
 * The backup that is meant.
 * @param random 0 to 1, picks among several
 * @throws UsageError for an id nobody wrote, FailedError when no backup qualifies
 */
export function select(
  catalogue: CatalogueEntry[],
  selector: BackupSelector,
  now: Date,
  random: () => number = Math.random,
): CatalogueEntry {
  if ("id" in selector) {
    const entry = catalogue.find(({ id }) => id === selector.id);
    if (entry) return entry;
    const known = isBackupId(selector.id) ? "" : " (ids look like app-daily-20260205T030000000Z-9f3c)";
    throw new UsageError(`no backup "${selector.id}" in the catalogue${known}; see the verb list`);
  }
  const ofDatabase = catalogue.filter(({ database }) => !selector.database || database === selector.database);
  const what = selector.database ? `backup of database "${selector.database}"` : "backup";
  if ("latest" in selector) {
    const [newest] = ofDatabase;
    if (!newest) throw new FailedError(`the catalogue holds no ${what}`);
    return newest;
  }
  const instant = (entry: CatalogueEntry) => instantOf(entry.id)?.getTime() ?? 0;
  if ("at" in selector) {
    const earlier = ofDatabase.filter((entry) => instant(entry) <= selector.at.getTime());
    const sound = earlier.find((entry) => entry.manifest && entry.verification?.verdict !== "FAIL");
    if (sound) return sound;
    const oldest = ofDatabase.at(-1);
    const hint = oldest ? `; the oldest is ${oldest.id}` : "";
    throw new FailedError(
      earlier.length > 0
        ? `every ${what} at or before ${selector.at.toISOString()} is damaged or failed verification`
        : `no ${what} was taken at or before ${selector.at.toISOString()}${hint}`,
    );
  }
  const since = now.getTime() - selector.randomWithinSeconds * 1000;
  const recent = ofDatabase.filter((entry) => instant(entry) >= since);
  const picked = recent[Math.floor(random() * recent.length)];
  if (!picked) throw new FailedError(`no ${what} was taken since ${new Date(since).toISOString()}`);
  return picked;
}

/** Writes the catalogue entry of a backup: from here on it exists. */
export async function writeManifest(store: BlobStore, container: string, manifest: Manifest): Promise<void> {
  await putNew(store, container, manifestBlob(manifest), encode(manifest));
}

/** Stores a report beside its backup. */
export async function writeReport(
  store: BlobStore,
  container: string,
  report: VerifyReport,
): Promise<string> {
  const name = newReportBlob(report, new Date(report.endedAt));
  await putNew(store, container, name, encode(report));
  return name;
}

async function putNew(store: BlobStore, container: string, name: string, text: string): Promise<void> {
  const body = Buffer.from(text);
  try {
    await store
      .container(container)
      .getBlockBlobClient(name)
      .upload(body, body.length, {
        conditions: { ifNoneMatch: "*" },
        // Hot, whatever the archive's tier: the catalogue must be readable at once.
        tier: "Hot",
        blobHTTPHeaders: { blobContentType: "application/json" },
      });
  } catch (error) {
    throw store.explain(error, `blob ${container}/${name}`);
  }
}
