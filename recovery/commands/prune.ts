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
import { BlobStore, refusal } from "../store/client";
import { takeLease } from "../store/lease";
import { databasePrefix, environmentPrefix, instantOf, lockBlob, parseBlobName } from "../store/names";
import type { PruneDecision, PruneResult } from "../types";

/** A restore may still be reading its rehydrated copy. */
const REHYDRATED_KEPT_SECONDS = 2 * 86_400;
const IMMUTABLE_CODES = /immutab|legalhold|BlobNotFoundDueToPolicy/i;

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
        const outcome = decision.delete ? await remove(store, settings, decision) : "kept";
        result.decisions.push(describeDecision(decision, outcome));
      }
    } finally {
      await lease.release();
    }
  }
  await sweep(store, settings, options, now, dryRun, context);
  for (const { outcome, bytes } of result.decisions) if (outcome === "deleted") result.deletedBytes += bytes;
  return result;
}

function describeDecision(decision: RetentionDecision, outcome: PruneDecision["outcome"]): PruneDecision {
  const { entry } = decision;
  return {
    id: entry.id,
    database: entry.database,
    tier: entry.tier,
    snapshotAt: entry.manifest?.snapshotAt ?? instantOf(entry.id)?.toISOString() ?? "",
    action: decision.delete ? "delete" : "keep",
    reason: outcome === "refused" ? `${decision.reason}; still immutable, kept` : decision.reason,
    outcome: decision.delete ? outcome : "kept",
    bytes: entry.manifest?.storedBytes ?? 0,
  };
}

/** Deletes the manifest first: from then on the backup does not exist, however far the rest gets. */
async function remove(
  store: BlobStore,
  settings: Settings,
  { entry }: RetentionDecision,
): Promise<"deleted" | "refused"> {
  const container = store.container(entry.container);
  if (!(await deleteBlob(store, entry.container, entry.blob))) return "refused";
  const prefix = `${databasePrefix(settings.environment, entry.database)}${entry.id}/`;
  for await (const { name } of container.listBlobsFlat({ prefix }))
    await deleteBlob(store, entry.container, name);
  return "deleted";
}

/** @returns false when an immutability policy or a legal hold forbids it */
async function deleteBlob(store: BlobStore, container: string, name: string): Promise<boolean> {
  try {
    await store.container(container).getBlobClient(name).delete({ deleteSnapshots: "include" });
    return true;
  } catch (error) {
    const said = refusal(error);
    if (said?.status === 404) return true;
    if (said?.status === 409 && IMMUTABLE_CODES.test(said.code)) return false;
    throw store.explain(error, `blob ${container}/${name}`);
  }
}

/**
 * Removes what belongs to no backup: archives whose run was killed before it wrote a manifest and leftovers of
 * deleted backups, once past retention, and rehydrated copies nobody reads any more.
 */
async function sweep(
  store: BlobStore,
  settings: Settings,
  options: PruneOptions,
  now: Date,
  dryRun: boolean,
  context: RunContext,
): Promise<void> {
  for (const [tier, container] of backupContainers(settings)) {
    const days = tier === "daily" ? settings.retention.dailyDays : settings.retention.monthlyDays;
    const found: { name: string; id: string; part: string; age: number }[] = [];
    const prefix = options.database
      ? databasePrefix(settings.environment, options.database)
      : environmentPrefix(settings.environment);
    for await (const { name, properties } of store.container(container).listBlobsFlat({ prefix })) {
      const parsed = parseBlobName(name);
      if (parsed)
        found.push({
          name,
          id: parsed.id,
          part: parsed.part,
          age: secondsBetween(properties.lastModified, now),
        });
    }
    const existing = new Set(found.filter(({ part }) => part === "manifest").map(({ id }) => id));
    for (const { name, id, part, age } of found) {
      const orphan = !existing.has(id) && age > days * 86_400;
      const stale = part === "rehydrated" && age > REHYDRATED_KEPT_SECONDS;
      if (!orphan && !stale) continue;
      context.progress.note(
        `${dryRun ? "would remove" : "removing"} ${container}/${name}: it belongs to no backup`,
      );
      if (!dryRun) await deleteBlob(store, container, name);
    }
  }
}

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
