import { decode, encode } from "../document";
import { FailedError, messageOf, UsageError } from "../../../packages/command/errors";
import type { BackupSelector } from "../options";
import type { Settings } from "../settings";
import {
  MANIFEST_FORMAT,
  manifestSchema,
  verifyReportSchema,
  type CatalogueEntry,
  type Manifest,
  type ManifestSummary,
  type VerificationMark,
  type VerifyReport,
} from "../types";
import {
  archiveBlob,
  environmentPrefix,
  instantOf,
  isBackupId,
  manifestBlob,
  newReportBlob,
  parseBlobName,
  tierOf,
} from "./names";
import { backupContainers } from "./containers";
import { UnreadableObject, type Store } from "./store";

const PARALLEL_READS = 16;
/** Bytes of a manifest of some 2,500 tables; longer ones are read one after another, as each is in memory some ten times. */
const READ_ALONE = 1024 * 1024;
/** Bytes of a manifest of some 500,000 tables; what is longer is none, and would not fit into memory. */
const LARGEST_DOCUMENT = 256 * 1024 * 1024;

/** A manifest that was listed, and what lies beside it. */
interface Found {
  entry: CatalogueEntry;
  reports: string[];
  /** Names of what is too long to be a document. */
  large: ReadonlySet<string>;
  /** Of the manifest. */
  bytes: number;
}

/**
 * Every backup of this environment, newest first; damaged manifests included, with what is wrong with them.
 * @param only the id of the one that is meant: no other tier is listed then, and no other's manifest read
 */
export async function readCatalogue(
  store: Store,
  settings: Settings,
  only?: string,
): Promise<CatalogueEntry[]> {
  const found: Found[] = [];
  const wanted = only === undefined ? undefined : tierOf(only);
  for (const { container, tiers } of backupContainers(settings)) {
    if (wanted !== undefined && !tiers.includes(wanted)) continue;
    const sizes = new Map<string, number>();
    // First with a short limit: a store that does not answer is worth seconds, not the minutes of a long upload.
    await store.requireContainer(container);
    for await (const { name, bytes } of store.list(container, environmentPrefix(settings.environment))) {
      sizes.set(name, bytes);
    }
    const names = [...sizes.keys()];
    const large = new Set(names.filter((name) => (sizes.get(name) ?? 0) > LARGEST_DOCUMENT));
    const reports = new Map<string, string[]>();
    for (const name of names) {
      const parsed = parseBlobName(name);
      if (parsed?.part !== "report") continue;
      const backup = manifestBlob(parsed);
      reports.set(backup, [...(reports.get(backup) ?? []), name]);
    }
    for (const name of names) {
      const parsed = parseBlobName(name);
      if (parsed?.part !== "manifest") continue;
      const { id, database } = parsed;
      if (only !== undefined && id !== only) continue;
      const tier = tierOf(id);
      if (!tier || !tiers.includes(tier)) continue;
      found.push({
        entry: { id, container, blob: name, database, tier, verification: null },
        reports: reports.get(name) ?? [],
        large,
        bytes: sizes.get(name) ?? 0,
      });
    }
  }
  const all: CatalogueEntry[] = [];
  const read = async ({ entry, reports, large }: Found) => {
    const content = await (only === undefined ? readSummary : readWhole)(store, settings, entry, large);
    // It was listed a moment ago; a prune was faster.
    if (!content) return;
    Object.assign(entry, content);
    entry.verification = await readMark(store, entry, reports, large);
    all.push(entry);
  };
  const alone = ({ bytes }: Found) => bytes > READ_ALONE;
  await eachParallel(
    found.filter((one) => !alone(one)),
    read,
  );
  for (const one of found.filter(alone)) await read(one);
  return all.sort(
    (one, other) => (instantOf(other.id)?.getTime() ?? 0) - (instantOf(one.id)?.getTime() ?? 0),
  );
}

/** Works through the items, some side by side. */
async function eachParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, items.length) }, worker));
}

/** A function of its own, so that nothing holds the whole manifest while a report is read. */
async function readSummary(
  store: Store,
  settings: Settings,
  entry: CatalogueEntry,
  large: ReadonlySet<string>,
): Promise<{ manifest: ManifestSummary } | { problem: string } | undefined> {
  const content = await readContent(store, settings, entry, large);
  return content && "manifest" in content ? { manifest: summarise(content.manifest) } : content;
}

/** The same with all of it, for the one backup that is meant. */
async function readWhole(
  ...of: Parameters<typeof readContent>
): Promise<{ manifest: ManifestSummary; whole: Manifest } | { problem: string } | undefined> {
  const content = await readContent(...of);
  return content && "manifest" in content
    ? { manifest: summarise(content.manifest), whole: content.manifest }
    : content;
}

/** @see ManifestSummary */
export function summarise(manifest: Manifest): ManifestSummary {
  const { id, tier, snapshotAt, finishedAt, seconds, rawBytes, storedBytes, sha256, server, digest } =
    manifest;
  const { container, blob } = manifest.archive;
  return {
    id,
    tier,
    snapshotAt,
    finishedAt,
    seconds,
    rawBytes,
    storedBytes,
    sha256,
    server,
    digest,
    archive: { container, blob },
    tableCount: manifest.tables.length,
  };
}

/**
 * The whole manifest of an entry of the catalogue.
 * @throws FailedError when the store fails, or the manifest is no longer the one that the entry is of
 */
export async function readManifest(
  store: Store,
  settings: Settings,
  entry: CatalogueEntry,
): Promise<Manifest> {
  const content = await readContent(store, settings, entry, new Set());
  if (!content) throw new FailedError(`backup ${entry.id} was deleted meanwhile`);
  if ("problem" in content) throw new FailedError(`backup ${entry.id} is damaged: ${content.problem}`);
  if (content.manifest.digest !== entry.manifest?.digest)
    throw new FailedError(`the manifest of backup ${entry.id} was replaced meanwhile`);
  return content.manifest;
}

async function readContent(
  store: Store,
  settings: Settings,
  entry: CatalogueEntry,
  large: ReadonlySet<string>,
): Promise<{ manifest: Manifest } | { problem: string } | undefined> {
  const stored = await readDocument(store, entry.container, entry.blob, large);
  if (!stored) return undefined;
  if (stored instanceof UnreadableObject)
    return { problem: `the manifest cannot be read: ${stored.message}` };
  try {
    const text = stored.toString("utf8");
    requireKnownFormat(text);
    const manifest = decode(manifestSchema, text);
    requireItsPlace(manifest, entry, settings.environment);
    return { manifest };
  } catch (error) {
    return { problem: `the manifest ${messageOf(error)}` };
  }
}

/** A document, or why this one alone cannot be read. @param large those that are none @throws FailedError when the store fails */
async function readDocument(
  store: Store,
  container: string,
  name: string,
  large: ReadonlySet<string>,
): Promise<Buffer | UnreadableObject | undefined> {
  if (large.has(name)) return new UnreadableObject(`it has more than ${LARGEST_DOCUMENT} bytes`);
  try {
    return await store.read(container, name);
  } catch (error) {
    if (error instanceof UnreadableObject) return error;
    throw error;
  }
}

/** Of a stored document; within a text of it the quotes would be escaped. */
const FORMAT = /"format":"(forma3d-backup\/\d+)"/;

/** @throws Error when a newer runner has written the manifest */
function requireKnownFormat(text: string): void {
  const [, format = MANIFEST_FORMAT] = FORMAT.exec(text) ?? [];
  if (format !== MANIFEST_FORMAT)
    throw new Error(`is of format ${format}, which this runner does not know: take a newer one`);
}

/**
 * Whoever may write to a store could file a manifest that leads to another's archive, or that calls an old backup new.
 * @throws Error unless the manifest says the same as the place it was found in
 */
function requireItsPlace(manifest: Manifest, entry: CatalogueEntry, environment: string): void {
  const { id, database, tier, container } = entry;
  const { archive, snapshotAt } = manifest;
  const place = { environment, database, id };
  const expected: [field: string, said: string, is: string | undefined][] = [
    ...(["id", "database", "environment"] as const).map(
      (key) => [key, manifest[key], place[key]] satisfies [string, string, string],
    ),
    ["tier", manifest.tier, tier],
    ["snapshotAt", snapshotAt, instantOf(id)?.toISOString()],
    ["archive.container", archive.container, container],
    ["archive.blob", archive.blob, archiveBlob(place, archive.encryption !== undefined)],
  ];
  const wrong = expected.find(([, said, is]) => said !== is);
  if (wrong) throw new Error(`is of another backup (${wrong[0]} ${wrong[1]})`);
}

/**
 * The newest conclusive report that speaks about exactly this manifest. One that cannot be read, or is damaged, may have
 * said that the backup is bad: what older ones say counts for nothing then.
 */
async function readMark(
  store: Store,
  entry: CatalogueEntry,
  reports: string[],
  large: ReadonlySet<string>,
): Promise<VerificationMark | null> {
  for (const report of [...reports].sort().reverse()) {
    // An unreachable store throws: it must not look like "not verified".
    const stored = await readDocument(store, entry.container, report, large);
    if (!stored) continue;
    if (stored instanceof UnreadableObject) return null;
    let parsed: VerifyReport;
    try {
      parsed = decode(verifyReportSchema, stored.toString("utf8"));
    } catch {
      return null;
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

/** Nobody has a conclusive report of it: neither that it is good nor that it is not. */
export function isUnproved(entry: CatalogueEntry): boolean {
  return entry.verification?.verdict !== "FAIL" && !isVerified(entry);
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
    const named = catalogue.filter(({ id }) => id === selector.id);
    // A folder that somebody copied has the id as well.
    const entry = named.find(({ manifest }) => manifest) ?? named[0];
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
export async function writeManifest(
  store: Store,
  container: string,
  manifest: Manifest,
  retainUntil?: Date,
): Promise<void> {
  await putNew(store, container, manifestBlob(manifest), encode(manifest), retainUntil);
}

/** Stores a report beside its backup. */
export async function writeReport(store: Store, container: string, report: VerifyReport): Promise<string> {
  const name = newReportBlob(report, new Date(report.endedAt));
  await putNew(store, container, name, encode(report));
  return name;
}

async function putNew(
  store: Store,
  container: string,
  name: string,
  text: string,
  retainUntil?: Date,
): Promise<void> {
  // Hot, whatever the archive's tier: the catalogue must be readable at once.
  const accessTier = store.kind === "azure" ? "Hot" : undefined;
  const options = { contentType: "application/json", accessTier, retainUntil };
  if (await store.create(container, name, Buffer.from(text), options)) return;
  // A write whose answer got lost is repeated by the client, and finds its own first attempt.
  if ((await store.read(container, name))?.toString("utf8") === text) return;
  throw new FailedError(`blob ${container}/${name} at ${store.location} exists already`);
}
