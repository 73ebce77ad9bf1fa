import { InvalidArgumentError, type Command } from "commander";
import { secondsBetween, skewWarning } from "../clock";
import type { RunContext } from "../context";
import { ExitCode, messageOf, NotRunError } from "../../../packages/command/errors";
import type { PruneOptions } from "../options";
import { formatBytes } from "../progress";
import { decideRetention, type RetentionDecision } from "../retention";
import { table, type RunVerb } from "../runner";
import type { Settings } from "../settings";
import { isVerified, readCatalogue } from "../store/catalogue";
import { backupContainers, CLOCKS, lockContainer } from "../store/containers";
import { askAll, openTargets, type Place } from "../store/fleet";
import { takeLease } from "../store/lease";
import {
  databasePrefix,
  environmentPrefix,
  instantOf,
  lockBlob,
  parseBlobName,
  tierOf,
} from "../store/names";
import type { Erased, Store } from "../store/store";
import type { CatalogueEntry, PruneDecision, PruneResult } from "../types";

/** A restore may still be reading its rehydrated copy. */
const REHYDRATED_KEPT_SECONDS = 2 * 86_400;
/** An upload that broke off may be gone on with by a copy for so long. */
const UNFINISHED_KEPT_SECONDS = 2 * 86_400;

/**
 * Deletes backups that are past their retention, see `decideRetention`, in each target by what that target holds and
 * has proved. Ages are by the target's clock. One that does not answer keeps the others from nothing.
 * @throws NotRunError when this machine's clock and the store's disagree: one of them must be wrong, and a
 * wrong clock would delete everything
 */
export async function runPrune(
  settings: Settings,
  options: PruneOptions,
  context: RunContext,
): Promise<PruneResult> {
  const dryRun = options.dryRun ?? true;
  const places = await openTargets(settings, options.target);
  const results = await askAll(places, (place) => pruneTarget(place, options, context));
  context.signal.throwIfAborted();
  return {
    dryRun,
    decisions: results.answers.flatMap(({ answer }) => answer.decisions),
    deletedBytes: results.answers.reduce((sum, { answer }) => sum + answer.deletedBytes, 0),
    failures: results.outages.map(({ target, error }) => ({ target, message: error.message })),
  };
}

async function pruneTarget(
  { name, store, settings }: Place,
  options: PruneOptions,
  context: RunContext,
): Promise<Pick<PruneResult, "decisions" | "deletedBytes">> {
  const dryRun = options.dryRun ?? true;
  const now = await store.requireContainer(lockContainer(settings));
  const warning = skewWarning(CLOCKS[store.kind], now, context.now());
  if (warning) throw new NotRunError(`${warning}; nothing is deleted while clocks disagree`);
  const catalogue = await readCatalogue(store, settings);
  const databases = [...new Set(catalogue.map(({ database }) => database))].sort();
  const decided: PruneDecision[] = [];
  let deletedBytes = 0;
  for (const database of databases) {
    if (options.database && database !== options.database) continue;
    const backups = catalogue.filter((entry) => entry.database === database);
    const hollow = await hollowAmong(store, backups, context);
    const decisions = decideRetention(backups, settings.retention, now, hollow);
    if (dryRun || !decisions.some((decision) => decision.delete)) {
      decided.push(...decisions.map((decision) => describeDecision(name, decision, "planned")));
      continue;
    }
    // A backup or another prune of the same database must not run meanwhile.
    const lock = lockBlob(settings.environment, database);
    const lease = await takeLease(store, lockContainer(settings), lock, context);
    try {
      for (const decision of decisions) {
        context.signal.throwIfAborted();
        lease.lost.throwIfAborted();
        const removed = decision.delete ? await remove(store, settings, decision) : undefined;
        decided.push(describeDecision(name, decision, removed?.outcome ?? "kept", removed?.bytes));
        deletedBytes += removed?.bytes ?? 0;
      }
    } finally {
      await lease.release();
    }
  }
  deletedBytes += await sweep(store, settings, options, now, dryRun, context);
  return { decisions: decided, deletedBytes };
}

/**
 * Those of the verified backups whose archive is gone or of another size:
 * somebody else may write to the store, too, and what was proved once lets others go only while it is there.
 */
async function hollowAmong(
  store: Store,
  newestFirst: readonly CatalogueEntry[],
  context: RunContext,
): Promise<Set<string>> {
  const hollow = new Set<string>();
  for (const { id, manifest } of newestFirst.filter(isVerified)) {
    if (!manifest) continue;
    const { container, blob } = manifest.archive;
    const found = await store.find(container, blob);
    if (found?.bytes === manifest.storedBytes) continue;
    const what = found ? `has ${found.bytes} bytes` : "is missing";
    context.progress.note(`warning: the archive of ${id} ${what}: although it was verified, it lets none go`);
    hollow.add(id);
  }
  return hollow;
}

/** @param erased bytes a deletion freed; until then, those the backup's manifest states */
function describeDecision(
  target: string,
  decision: RetentionDecision,
  outcome: PruneDecision["outcome"],
  erased?: number,
): PruneDecision {
  const { entry } = decision;
  return {
    target,
    id: entry.id,
    database: entry.database,
    tier: entry.tier,
    snapshotAt: entry.manifest?.snapshotAt ?? instantOf(entry.id)?.toISOString() ?? "",
    action: decision.delete ? "delete" : "keep",
    reason: outcome === "refused" ? `${decision.reason}; still immutable, kept` : decision.reason,
    outcome: decision.delete ? outcome : "kept",
    bytes: outcome === "deleted" && erased !== undefined ? erased : (entry.manifest?.storedBytes ?? 0),
  };
}

/** Deletes the manifest first: from then on the backup does not exist, however far the rest gets. */
async function remove(store: Store, settings: Settings, { entry }: RetentionDecision): Promise<Erased> {
  const manifest = await store.erase(entry.container, entry.blob);
  if (manifest.outcome === "refused") return manifest;
  let { bytes } = manifest;
  const prefix = `${databasePrefix(settings.environment, entry.database)}${entry.id}/`;
  for (const { name } of await store.held(entry.container, prefix)) {
    bytes += (await store.erase(entry.container, name)).bytes;
  }
  return { outcome: "deleted", bytes };
}

/**
 * Removes what belongs to no backup: archives whose run was killed before it wrote a manifest and leftovers of
 * deleted backups, once past retention, rehydrated copies nobody reads any more, and what drills made of made-up data.
 * @returns bytes that were freed
 */
async function sweep(
  store: Store,
  settings: Settings,
  options: PruneOptions,
  now: Date,
  dryRun: boolean,
  context: RunContext,
): Promise<number> {
  let bytes = 0;
  const erase = async (container: string, name: string, why: string): Promise<void> => {
    context.signal.throwIfAborted();
    context.progress.note(`${dryRun ? "would remove" : "removing"} ${container}/${name}: ${why}`);
    if (!dryRun) bytes += (await store.erase(container, name)).bytes;
  };
  for (const { container } of backupContainers(settings)) {
    const prefix = options.database
      ? databasePrefix(settings.environment, options.database)
      : environmentPrefix(settings.environment);
    const found = (await store.held(container, prefix)).flatMap((blob) => {
      const parsed = parseBlobName(blob.name);
      return parsed ? [{ ...blob, ...parsed, age: secondsBetween(blob.lastModified, now) }] : [];
    });
    const existing = new Set(
      found.filter(({ part, current }) => part === "manifest" && current).map(({ id }) => id),
    );
    for (const { name, id, part, age } of found) {
      const days = settings.retention.days[tierOf(id) ?? "monthly"];
      const orphan = !existing.has(id) && age > days * 86_400;
      const stale = part === "rehydrated" && age > REHYDRATED_KEPT_SECONDS;
      if (orphan || stale) await erase(container, name, "it belongs to no backup");
    }
  }
  if (!options.database && !dryRun) {
    const before = new Date(now.getTime() - UNFINISHED_KEPT_SECONDS * 1000);
    for (const { container } of backupContainers(settings)) {
      const prefix = environmentPrefix(settings.environment);
      // Who may not end them leaves them to the store's own rules: no backup depends on it.
      const said = await store.endUnfinished(container, prefix, before).then(
        (ended) => (ended > 0 ? `ended ${ended} uploads to ${container} that nobody finished` : undefined),
        (error: unknown) => `warning: unfinished uploads stay: ${messageOf(error)}`,
      );
      if (said) context.progress.note(said);
    }
  }
  if (!options.database) {
    const container = lockContainer(settings);
    const limit = settings.retention.days.daily * 86_400;
    for (const { name, lastModified } of await store.held(container, drillPrefix(settings))) {
      if (secondsBetween(lastModified, now) > limit)
        await erase(container, name, "a drill made it of made-up data");
    }
  }
  return bytes;
}

/** Where drills file the backups of data they made up themselves: nothing there replaces or is replaced by anything. */
const drillPrefix = ({ environment }: Settings) => environmentPrefix(`${environment}-drill`);

function parseSwitch(text: string): boolean {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("expected true or false");
  return text === "true";
}

export function registerPrune(program: Command, runVerb: RunVerb): void {
  program
    .command("prune")
    .description("delete backups past their retention; without --no-dry-run only say which")
    .option("--dry-run [switch]", "only say what would be deleted (default)", parseSwitch, true)
    .option("--no-dry-run", "delete")
    .option("--database <name>", "only backups of this database")
    .option("--target <name>", "only in this target")
    .option("--json", "print the decisions as one JSON document")
    .action((options: { dryRun: boolean; database?: string; target?: string; json?: boolean }) =>
      runVerb("prune", options, ["store"], async (settings, context) => {
        const result = await runPrune(settings, options, context);
        for (const { target, message } of result.failures)
          context.progress.note(`error: target ${target}: ${message}`);
        const exitCode = result.failures.length > 0 ? ExitCode.failed : ExitCode.ok;
        return { document: result, text: describe(result), exitCode };
      }),
    );
}

function describe(result: PruneResult): string {
  if (result.decisions.length === 0) return "no backups\n";
  const rows = result.decisions.map(({ target, outcome, id, bytes, reason }) => [
    outcome,
    target,
    id,
    formatBytes(bytes),
    reason,
  ]);
  const planned = result.decisions.filter(({ outcome }) => outcome === "planned").length;
  const end = result.dryRun ? `dry run: ${planned} would be deleted; add --no-dry-run\n` : "";
  return table(["OUTCOME", "TARGET", "ID", "STORED", "REASON"], rows) + end;
}
