import type { Command } from "commander";
import { secondsBetween, TOLERATED_SKEW_SECONDS } from "../clock";
import { formatDuration } from "../duration";
import { ExitCode } from "../errors";
import type { RunStatus } from "../options";
import { parseDurationOption } from "../parse";
import { exitCodeHelp, runVerb, table } from "../runner";
import { isVerified, readCatalogue } from "../store/catalogue";
import { BlobStore } from "../store/client";
import type { CatalogueEntry, StatusEntry } from "../types";

/**
 * How old the newest and the newest verified backup of every database are, against their limits.
 * Ages run from the snapshot, by the blob service's clock.
 */
export const runStatus: RunStatus = async (settings, options) => {
  const store = await BlobStore.open(settings);
  const now = await store.requireContainer(settings.containers.daily);
  const catalogue = await readCatalogue(store, settings);
  const names = new Set(catalogue.map(({ database }) => database));
  if (options.database) names.add(options.database);
  if (names.size === 0 && settings.server) names.add(settings.server.database);
  const limits = {
    maxAgeSeconds: options.maxAgeSeconds ?? settings.maxAgeSeconds,
    maxVerifiedAgeSeconds: options.maxVerifiedAgeSeconds ?? settings.maxVerifiedAgeSeconds,
  };
  return [...names]
    .filter((name) => !options.database || name === options.database)
    .sort()
    .map((database) =>
      judge(
        database,
        catalogue.filter((entry) => entry.database === database),
        limits,
        now,
      ),
    );
};

export function judge(
  database: string,
  backups: CatalogueEntry[],
  limits: { maxAgeSeconds: number; maxVerifiedAgeSeconds: number },
  now: Date,
): StatusEntry {
  const problems: string[] = [];
  for (const { id, problem } of backups) if (problem) problems.push(`${id} is damaged: ${problem}`);
  const sound = backups.filter(({ manifest, verification }) => manifest && verification?.verdict !== "FAIL");
  const [last] = backups;
  if (last?.verification?.verdict === "FAIL")
    problems.push(`the newest backup ${last.id} failed verification`);
  const age = (entry: CatalogueEntry | undefined, limit: number, what: string) => {
    if (!entry?.manifest) {
      problems.push(`there is no ${what}`);
      return null;
    }
    const { id, snapshotAt } = entry.manifest;
    const ageSeconds = secondsBetween(new Date(snapshotAt), now);
    if (ageSeconds < -TOLERATED_SKEW_SECONDS) {
      problems.push(`the ${what} is dated ${formatDuration(-ageSeconds)} in the future: a clock is wrong`);
    } else if (ageSeconds > limit) {
      problems.push(
        `the ${what} is ${formatDuration(ageSeconds)} old, the limit is ${formatDuration(limit)}`,
      );
    }
    return { id, snapshotAt, ageSeconds };
  };
  const newest = age(sound[0], limits.maxAgeSeconds, "backup");
  const verified = sound.find(isVerified);
  const newestVerified = age(verified, limits.maxVerifiedAgeSeconds, "verified backup");
  return {
    database,
    newest,
    newestVerified: newestVerified && { ...newestVerified, verifiedAt: verified?.verification?.at ?? "" },
    ...limits,
    ok: problems.length === 0,
    problems,
  };
}

export function registerStatus(program: Command): void {
  program
    .command("status")
    .description("compare the age of the newest and the newest verified backup with their limits")
    .option("--database <name>", "only this database; it must have backups")
    .option("--rpo <duration>", "oldest allowed newest backup (default BACKUP_MAX_AGE)", parseDurationOption)
    .option("--verified-within <duration>", "oldest allowed newest verified backup", parseDurationOption)
    .option("--json", "print one JSON array, an entry per database")
    .addHelpText("after", exitCodeHelp)
    .action((options: { database?: string; rpo?: number; verifiedWithin?: number; json?: boolean }) =>
      runVerb("status", options, ["store"], async (settings, context) => {
        const limits = { maxAgeSeconds: options.rpo, maxVerifiedAgeSeconds: options.verifiedWithin };
        const entries = await runStatus(settings, { database: options.database, ...limits }, context);
        const ok = entries.length > 0 && entries.every((entry) => entry.ok);
        return { document: entries, text: describe(entries), exitCode: ok ? ExitCode.ok : ExitCode.failed };
      }),
    );
}

function describe(entries: StatusEntry[]): string {
  if (entries.length === 0) return "no backups\n";
  const age = (newest: StatusEntry["newest"]) => (newest ? formatDuration(newest.ageSeconds) : "-");
  const rows = entries.map((entry) => [
    entry.database,
    age(entry.newest),
    age(entry.newestVerified),
    entry.ok ? "ok" : "NOT OK",
  ]);
  const problems = entries.flatMap((entry) =>
    entry.problems.map((problem) => `${entry.database}: ${problem}\n`),
  );
  return table(["DATABASE", "NEWEST", "NEWEST VERIFIED", "STATE"], rows) + problems.join("");
}
