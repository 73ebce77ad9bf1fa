import type { Command } from "commander";
import { secondsBetween, TOLERATED_SKEW_SECONDS } from "../clock";
import { formatDuration } from "../duration";
import { ExitCode, FailedError } from "../../../packages/command/errors";
import type { RunStatus } from "../options";
import { parseDurationOption } from "../parse";
import { table, type RunVerb } from "../runner";
import { isVerified, readCatalogue } from "../store/catalogue";
import { behind, outageOf } from "../store/behind";
import { lockContainer } from "../store/containers";
import { askAll, merge, openTargets } from "../store/fleet";
import { SINGLE_TARGET } from "../targets";
import type { CatalogueEntry, StatusEntry } from "../types";

/**
 * How old the newest and the newest verified backup of every database are in every target, against their limits, and
 * which backups a target lacks that another holds. Ages run from the snapshot, by the target's clock.
 * @throws FailedError when no target that answers knows a database, and one is silent
 */
export const runStatus: RunStatus = async (settings, options) => {
  const places = await openTargets(settings, options.target);
  const { answers, outages } = await askAll(places, async ({ store, settings: own }) => ({
    now: await store.requireContainer(lockContainer(own)),
    catalogue: await readCatalogue(store, own),
  }));
  const backups = merge(answers.map(({ place, answer }) => ({ place, catalogue: answer.catalogue })));
  const names = new Set(backups.map(({ database }) => database));
  if (options.database) names.add(options.database);
  if (names.size === 0 && settings.server) names.add(settings.server.database);
  const [outage] = outages;
  // Whoever is silent may hold what the others do not.
  if (names.size === 0 && outage) throw new FailedError(`${outage.target}: ${outage.error.message}`);
  const limits = {
    maxAgeSeconds: options.maxAgeSeconds ?? settings.maxAgeSeconds,
    maxVerifiedAgeSeconds: options.maxVerifiedAgeSeconds ?? settings.maxVerifiedAgeSeconds,
  };
  const databases = [...names].filter((name) => !options.database || name === options.database).sort();
  return databases.flatMap((database) =>
    places.map((place) => {
      const answer = answers.find((one) => one.place === place)?.answer;
      const outage = outageOf(outages, place.name);
      if (!answer) return silent(database, place.name, limits, outage?.error.message ?? "");
      const own = answer.catalogue.filter((entry) => entry.database === database);
      const entry = judge(database, own, limits, answer.now, place.name);
      entry.behind = behind(
        place,
        backups.filter((backup) => backup.database === database),
        answer.now,
      ).map(({ id }) => id);
      if (entry.behind.length > 0)
        entry.problems.push(
          `${entry.behind.length} backups of other targets are missing here, the newest ${entry.behind[0] ?? ""}; see copy`,
        );
      return { ...entry, ok: entry.problems.length === 0 };
    }),
  );
};

/** What is known of a target that does not answer: nothing. */
function silent(
  database: string,
  target: string,
  limits: { maxAgeSeconds: number; maxVerifiedAgeSeconds: number },
  problem: string,
): StatusEntry {
  const problems = [`it does not answer: ${problem}`];
  return {
    database,
    target,
    newest: null,
    newestVerified: null,
    held: 0,
    proved: 0,
    behind: [],
    ...limits,
    ok: false,
    problems,
  };
}

export function judge(
  database: string,
  backups: CatalogueEntry[],
  limits: { maxAgeSeconds: number; maxVerifiedAgeSeconds: number },
  now: Date,
  target = SINGLE_TARGET,
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
    target,
    held: backups.length,
    proved: backups.filter(isVerified).length,
    behind: [],
    newest,
    newestVerified: newestVerified && { ...newestVerified, verifiedAt: verified?.verification?.at ?? "" },
    ...limits,
    ok: problems.length === 0,
    problems,
  };
}

interface StatusFlags {
  database?: string;
  target?: string;
  rpo?: number;
  verifiedWithin?: number;
  json?: boolean;
}

export function registerStatus(program: Command, runVerb: RunVerb): void {
  program
    .command("status")
    .description("compare the age of the newest and the newest verified backup with their limits")
    .option("--database <name>", "only this database; it must have backups")
    .option("--target <name>", "only this target")
    .option("--rpo <duration>", "oldest allowed newest backup (default BACKUP_MAX_AGE)", parseDurationOption)
    .option("--verified-within <duration>", "oldest allowed newest verified backup", parseDurationOption)
    .option("--json", "print one JSON array, an entry per database and target")
    .action((options: StatusFlags) =>
      runVerb("status", options, ["store"], async (settings, context) => {
        const limits = { maxAgeSeconds: options.rpo, maxVerifiedAgeSeconds: options.verifiedWithin };
        const { database, target } = options;
        const entries = await runStatus(settings, { database, target, ...limits }, context);
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
    entry.target,
    age(entry.newest),
    age(entry.newestVerified),
    `${entry.proved} of ${entry.held}`,
    entry.ok ? "ok" : "NOT OK",
  ]);
  const problems = entries.flatMap((entry) =>
    entry.problems.map((problem) => `${entry.database} in ${entry.target}: ${problem}\n`),
  );
  return (
    table(["DATABASE", "TARGET", "NEWEST", "NEWEST VERIFIED", "PROVED", "STATE"], rows) + problems.join("")
  );
}
