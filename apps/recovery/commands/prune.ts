import { InvalidArgumentError, type Command } from "commander";
import { secondsBetween, skewWarning } from "../clock";
import type { RunContext } from "../context";
import { ExitCode, NotRunError } from "../errors";
import type { PruneOptions } from "../options";
import { formatBytes } from "../progress";
import { decideRetention, type RetentionDecision } from "../retention";
import { exitCodeHelp, runVerb, table } from "../runner";
import type { Settings } from "../settings";
import { backupContainers, readCatalogue } from "../store/catalogue";
import { BlobStore } from "../store/client";
import { eraseBlob, storedBlobs, type Erased } from "../store/erase";
import { takeLease } from "../store/lease";
import { databasePrefix, environmentPrefix, instantOf, lockBlob, parseBlobName } from "../store/names";
import type { PruneDecision, PruneResult } from "../types";

/** A restore may still be reading its rehydrated copy. */
const REHYDRATED_KEPT_SECONDS = 2 * 86_400;

/**
 * Deletes backups that are past their retention, see `decideRetention`. Ages are by the blob service's clock.
 * @throws NotRunError when this machine's clock and the blob service's disagree: one of them must be wrong, and a
 * wrong clock would delete everything
 */
export async function runPrune(
  settings: Settings,
  options: PruneOptions,
  context: RunContext,
): Promise<PruneResult> {
  const dryRun = options.dryRun ?? true;
  const store = await BlobStore.open(settings);
  const now = await store.requireContainer(settings.containers.daily);
  const warning = skewWarning("blob service", now, context.now());
  if (warning) throw new NotRunError(`${warning}; nothing is deleted while clocks disagree`);
  const catalogue = await readCatalogue(store, settings);
  const databases = [...new Set(catalogue.map(({ database }) => database))].sort();
  const result: PruneResult = { dryRun, decisions: [], deletedBytes: 0 };
  for (const database of databases) {
    if (options.database && database !== options.database) continue;
    const backups = catalogue.filter((entry) => entry.database === database);
    const decisions = decideRetention(backups, settings.retention, now);
    if (dryRun || !decisions.some((decision) => decision.delete)) {
      result.decisions.push(...decisions.map((decision) => describeDecision(decision, "planned")));
      continue;
    }
    // A backup or another prune of the same database must not run meanwhile.
    const lock = lockBlob(settings.environment, database);
    const lease = await takeLease(store, settings.containers.daily, lock, context);
    try {
      for (const decision of decisions) {
        context.signal.throwIfAborted();
        lease.lost.throwIfAborted();
        const removed = decision.delete ? await remove(store, settings, decision) : undefined;
        result.decisions.push(describeDecision(decision, removed?.outcome ?? "kept", removed?.bytes));
        result.deletedBytes += removed?.bytes ?? 0;
      }
    } finally {
      await lease.release();
    }
  }
  result.deletedBytes += await sweep(store, settings, options, now, dryRun, context);
  return result;
}

/** @param erased bytes a deletion freed; until then, those the backup's manifest states */
function describeDecision(
  decision: RetentionDecision,
  outcome: PruneDecision["outcome"],
  erased?: number,
): PruneDecision {
  const { entry } = decision;
  return {
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
async function remove(store: BlobStore, settings: Settings, { entry }: RetentionDecision): Promise<Erased> {
  const manifest = await eraseBlob(store, entry.container, entry.blob);
  if (manifest.outcome === "refused") return manifest;
  let { bytes } = manifest;
  const prefix = `${databasePrefix(settings.environment, entry.database)}${entry.id}/`;
  for (const { name } of await storedBlobs(store, entry.container, prefix)) {
    bytes += (await eraseBlob(store, entry.container, name)).bytes;
  }
  return { outcome: "deleted", bytes };
}

/**
 * Removes what belongs to no backup: archives whose run was killed before it wrote a manifest and leftovers of
 * deleted backups, once past retention, rehydrated copies nobody reads any more, and what drills made of made-up data.
 * @returns bytes that were freed
 */
async function sweep(
  store: BlobStore,
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
    if (!dryRun) bytes += (await eraseBlob(store, container, name)).bytes;
  };
  for (const [tier, container] of backupContainers(settings)) {
    const days = tier === "daily" ? settings.retention.dailyDays : settings.retention.monthlyDays;
    const prefix = options.database
      ? databasePrefix(settings.environment, options.database)
      : environmentPrefix(settings.environment);
    const found = (await storedBlobs(store, container, prefix)).flatMap((blob) => {
      const parsed = parseBlobName(blob.name);
      return parsed ? [{ ...blob, ...parsed, age: secondsBetween(blob.lastModified, now) }] : [];
    });
    const existing = new Set(
      found.filter(({ part, current }) => part === "manifest" && current).map(({ id }) => id),
    );
    for (const { name, id, part, age } of found) {
      const orphan = !existing.has(id) && age > days * 86_400;
      const stale = part === "rehydrated" && age > REHYDRATED_KEPT_SECONDS;
      if (orphan || stale) await erase(container, name, "it belongs to no backup");
    }
  }
  if (!options.database) {
    const { daily } = settings.containers;
    const limit = settings.retention.dailyDays * 86_400;
    for (const { name, lastModified } of await storedBlobs(store, daily, drillPrefix(settings))) {
      if (secondsBetween(lastModified, now) > limit)
        await erase(daily, name, "a drill made it of made-up data");
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

export function registerPrune(program: Command): void {
  program
    .command("prune")
    .description("delete backups past their retention; without --no-dry-run only say which")
    .option("--dry-run [switch]", "only say what would be deleted (default)", parseSwitch, true)
    .option("--no-dry-run", "delete")
    .option("--database <name>", "only backups of this database")
    .option("--json", "print the decisions as one JSON document")
    .addHelpText("after", exitCodeHelp)
    .action((options: { dryRun: boolean; database?: string; json?: boolean }) =>
      runVerb("prune", options, ["store"], async (settings, context) => {
        const result = await runPrune(settings, options, context);
        return { document: result, text: describe(result), exitCode: ExitCode.ok };
      }),
    );
}

function describe(result: PruneResult): string {
  if (result.decisions.length === 0) return "no backups\n";
  const rows = result.decisions.map(({ outcome, id, bytes, reason }) => [
    outcome,
    id,
    formatBytes(bytes),
    reason,
  ]);
  const planned = result.decisions.filter(({ outcome }) => outcome === "planned").length;
  const end = result.dryRun ? `dry run: ${planned} would be deleted; add --no-dry-run\n` : "";
  return table(["OUTCOME", "ID", "STORED", "REASON"], rows) + end;
}
