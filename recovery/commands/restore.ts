import type { Command } from "commander";
import { createInterface } from "node:readline";
import { compareRestored, readersBesideBuilds } from "../compareRestored";
import type { RunContext } from "../context";
import { ExitCode, FailedError, UsageError } from "../errors";
import { Ladder } from "../ladder";
import type { BackupSelector, RestoreOptions } from "../options";
import { planOwnership, type OwnershipPlan } from "../ownership";
import { parseInstantOption } from "../parse";
import { compareTables, type TablesComparison } from "../postgres/compare";
import { withClient } from "../postgres/connect";
import { describeServer, withDatabase, type ServerConnection } from "../postgres/connection";
import { createDatabase } from "../postgres/databases";
import { findProgram } from "../postgres/programs";
import { missingExtensions, restoreArchive } from "../postgres/restoreArchive";
import { dropDatabase, openTarget, swapDatabases, type Target } from "../postgres/target";
import { exitCodeHelp, runVerb } from "../runner";
import { serverOf, type Settings } from "../settings";
import { contradiction, requireSpace, spoolArchive, type SpooledArchive } from "../spool";
import { Stages } from "../stages";
import { dropRehydrated, findArchive, openArchive, rehydrate } from "../store/archiveSource";
import { readCatalogue, select } from "../store/catalogue";
import { BlobStore } from "../store/client";
import type { CatalogueEntry, Manifest, RestoreResult, TableMatch } from "../types";

interface Run {
  settings: Settings;
  context: RunContext;
  store: BlobStore;
  stages: Stages;
  manifest: Manifest;
}

/**
 * Restores a backup into a new or an empty database and compares every table before it says done. An existing
 * database is replaced only when its name was typed, only after the comparison, and its content is kept.
 * @throws UsageError when the target holds data, FailedError when the backup is damaged or the restore fails
 */
export async function runRestore(
  settings: Settings,
  options: RestoreOptions,
  context: RunContext,
): Promise<RestoreResult> {
  const server = serverOf(settings);
  const started = context.now();
  const stages = new Stages(context);
  const store = await BlobStore.open(settings);
  const [entry, target] = await stages.run("locate", async () => [
    await locate(store, settings, options.backup, server, started),
    await openTarget(server, options.to, options.replace, started),
  ]);
  const { manifest } = entry;
  if (!manifest)
    throw new FailedError(
      `backup ${entry.id} is damaged: ${entry.problem ?? "unreadable"}; choose another from list`,
    );
  const run: Run = { settings, context, store, stages, manifest };
  context.progress.note(
    `restore of ${manifest.id} to ${describeServer(withDatabase(server, options.to))} starts`,
  );
  const { spooled, rehydrateSeconds } = await fetchArchive(run, options.wait);
  try {
    const result = await load(run, target, options.to, spooled);
    const seconds = Math.max(0, (context.now().getTime() - started.getTime()) / 1000);
    return { ...result, seconds, rehydrateSeconds, stages: stages.list };
  } finally {
    spooled.remove();
  }
}

async function locate(
  store: BlobStore,
  settings: Settings,
  backup: BackupSelector,
  server: ServerConnection,
  now: Date,
): Promise<CatalogueEntry> {
  const catalogue = await readCatalogue(store, settings);
  const names = new Set(catalogue.map(({ database }) => database));
  if ("id" in backup || backup.database || names.size <= 1) return select(catalogue, backup, now);
  if (names.has(server.database)) return select(catalogue, { ...backup, database: server.database }, now);
  throw new UsageError(`--database: name one of ${[...names].sort().join(", ")}`);
}

async function fetchArchive(
  run: Run,
  wait: RestoreOptions["wait"],
): Promise<{ spooled: SpooledArchive; rehydrateSeconds: number }> {
  const { settings, context, store, stages, manifest } = run;
  const archive = await findArchive(store, manifest);
  if (!archive) throw new FailedError(`the archive of ${manifest.id} is missing: ${manifest.archive.blob}`);
  requireSpace(settings.scratchDirectory, manifest.rawBytes, "the restore");
  const waitedFrom = context.now().getTime();
  const blob = archive.offline
    ? await stages.run("rehydrate", () => rehydrate(store, manifest, context, wait))
    : archive.blob;
  const rehydrateSeconds = archive.offline ? (context.now().getTime() - waitedFrom) / 1000 : 0;
  const spooled = await stages.run(
    "download",
    async (onBytes) =>
      spoolArchive({
        source: await openArchive(store, manifest, blob, context.signal),
        manifest,
        directory: settings.scratchDirectory,
        zstd: findProgram("zstd"),
        signal: context.signal,
        onBytes,
      }),
    manifest.storedBytes,
  );
  if (archive.offline) await dropRehydrated(store, manifest, context);
  const problem = damage(spooled, manifest);
  if (problem) {
    spooled.remove();
    throw new FailedError(`backup ${manifest.id} is damaged: ${problem}; nothing was restored`);
  }
  return { spooled, rehydrateSeconds };
}

function damage(spooled: SpooledArchive, manifest: Manifest): string | undefined {
  if (spooled.storedBytes !== manifest.storedBytes || spooled.sha256 !== manifest.sha256) {
    return `the archive has ${spooled.storedBytes} bytes with SHA-256 ${spooled.sha256}, not those of its manifest`;
  }
  return "problem" in spooled.content ? spooled.content.problem : contradiction(spooled.content, manifest);
}

async function load(
  run: Run,
  target: Target,
  name: string,
  spooled: SpooledArchive,
): Promise<Omit<RestoreResult, "seconds" | "rehydrateSeconds" | "stages">> {
  const { settings, context, stages, manifest } = run;
  const { jobs } = settings;
  const { signal } = context;
  const warnings: string[] = [];
  const plan = await prepare(target, manifest, spooled, warnings);
  let begun: Promise<TablesComparison> | undefined;
  const ladder = new Ladder("L4", signal);
  let tables: TableMatch[];
  try {
    const task = {
      pgRestore: findProgram("pg_restore"),
      server: target.working,
      file: spooled.file,
      jobs,
      keepOwnership: plan.keep,
      signal,
    };
    await stages.run("restore", () =>
      restoreArchive(task, () => {
        begun = compareTables(target.working, manifest, { jobs: readersBesideBuilds(jobs), signal });
        begun.catch(() => undefined);
      }),
    );
    const place = () => ({ server: target.working, manifest });
    tables = await compareRestored(ladder, stages, place, { jobs, signal, begun });
    await stages.run("analyze", () => withClient(target.working, (client) => client.query("ANALYZE")));
  } catch (error) {
    // Nobody may take a database for restored that is not.
    if (target.kind === "empty") context.progress.note(`database "${name}" holds part of a restore: drop it`);
    else await dropDatabase(target.maintenance, target.working.database);
    await begun?.catch(() => undefined);
    throw error;
  }
  const match = ladder.verdict() === "PASS";
  let previousDatabase: string | undefined;
  let { database } = target.working;
  if (target.kind === "replace" && match) {
    previousDatabase = await stages.run("switch", () => swapDatabases(target, name, context.now()));
    database = name;
  }
  return {
    id: manifest.id,
    database,
    fingerprints: match ? "match" : ladder.verdict() === "FAIL" ? "mismatch" : "not-checked",
    snapshotAt: manifest.snapshotAt,
    ownership: plan.keep ? "kept" : "restoring-role",
    missingRoles: plan.missingRoles,
    previousDatabase,
    warnings,
    checks: ladder.checks,
    tables,
    nextSteps: nextSteps(run, { database, match, previousDatabase, plan }),
  };
}

async function prepare(
  target: Target,
  manifest: Manifest,
  spooled: SpooledArchive,
  warnings: string[],
): Promise<OwnershipPlan> {
  if ("problem" in spooled.content) throw new FailedError(spooled.content.problem);
  const { entries } = spooled.content;
  return withClient(target.maintenance, async (client) => {
    const missing = await missingExtensions(client, manifest.inventory);
    if (missing.length > 0) {
      throw new FailedError(
        `the server does not offer the extensions ${missing.join(", ")}; allow them first (azure.extensions)`,
      );
    }
    const plan = await planOwnership(client, entries, manifest.inventory);
    if (!plan.keep) {
      const reasons = [
        ...plan.missingRoles.map((role) => `role ${role} does not exist`),
        ...plan.foreignOwners.map((role) => `the restoring role is no member of ${role}`),
      ];
      warnings.push(`owners and grants are not restored: ${reasons.join(", ")}`);
    }
    if (target.kind !== "empty") {
      const locale = await createDatabase(client, target.working.database, manifest.server);
      if (locale)
        warnings.push(
          `the server has no locale ${manifest.server.collate}; ${locale} is used: text may sort differently`,
        );
    }
    return plan;
  });
}

function nextSteps(
  run: Run,
  done: { database: string; match: boolean; previousDatabase?: string; plan: OwnershipPlan },
): string[] {
  const { database, match, previousDatabase, plan } = done;
  if (!match)
    return [`Do not switch over: "${database}" differs from the backup; restore another one (see list).`];
  const steps: string[] = [];
  if (plan.missingRoles.length > 0) {
    steps.push(`Create the roles ${plan.missingRoles.join(", ")} and grant them what the application needs.`);
  }
  if (previousDatabase) {
    steps.push("Restart the application: its connections were ended.");
    steps.push(`Drop "${previousDatabase}", the previous content, once you are sure you do not need it.`);
  } else {
    const { host } = serverOf(run.settings);
    steps.push(
      `Bring the schema up to date: run the application's migrations against "${database}" on ${host}.`,
    );
    steps.push(`Switch over: put "${database}" into the API's DATABASE_URL secret and restart it.`);
  }
  return steps;
}

interface RestoreFlags {
  at?: Date;
  to: string;
  database?: string;
  replace?: boolean | string;
  confirm?: string;
  json?: boolean;
}

const ANSWER_WITHIN_MS = 60_000;

/** The database's name, typed: as an option, on the terminal, or through a pipe. */
async function typedName(flags: RestoreFlags): Promise<string | undefined> {
  if (!flags.replace) {
    if (flags.confirm !== undefined) throw new UsageError("--confirm goes with --replace");
    return undefined;
  }
  if (flags.confirm !== undefined) return flags.confirm;
  if (typeof flags.replace === "string") return flags.replace;
  process.stderr.write(`Database "${flags.to}" will be replaced. Type its name to go on: `);
  const lines = createInterface({ input: process.stdin });
  const answer = await new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve(""), ANSWER_WITHIN_MS);
    lines.once("line", (line) => resolve(line.trim()));
    lines.once("close", () => resolve(""));
    lines.once("line", () => clearTimeout(timer));
  });
  lines.close();
  if (!answer) throw new UsageError(`--replace: the name was not typed; add --confirm ${flags.to}`);
  return answer;
}

export function registerRestore(program: Command): void {
  program
    .command("restore")
    .description("restore a backup into a new or empty database and compare every table before saying done")
    .argument("[id]", "the backup; see list")
    .option("--at <time>", "the newest backup taken at or before this instant", parseInstantOption)
    .requiredOption("--to <database>", "database to restore into, on the server of DATABASE_URL")
    .option("--database <name>", "with --at: choose among backups of this database")
    .option("--replace [database]", "replace a database that holds data; its name must be typed")
    .option("--confirm <database>", "with --replace: the name, for scripts")
    .option("--json", "print the result as one JSON document")
    .addHelpText("after", exitCodeHelp)
    .action((id: string | undefined, flags: RestoreFlags) =>
      runVerb("restore", flags, ["database", "store"], async (settings, context) => {
        if ((id === undefined) === (flags.at === undefined))
          throw new UsageError("name one backup: an id or --at <time>");
        const backup: BackupSelector =
          id === undefined ? { at: flags.at as Date, database: flags.database } : { id };
        const result = await runRestore(
          settings,
          { backup, to: flags.to, replace: await typedName(flags) },
          context,
        );
        const codes = { match: ExitCode.ok, mismatch: ExitCode.failed, "not-checked": ExitCode.notRun };
        return { document: result, text: describe(result), exitCode: codes[result.fingerprints] };
      }),
    );
}

function describe(result: RestoreResult): string {
  const found = result.checks.filter(({ status }) => status !== "PASS");
  return [
    `${result.id} restored to "${result.database}" in ${result.seconds.toFixed(1)} s; fingerprints: ${result.fingerprints}`,
    ...result.warnings.map((warning) => `warning: ${warning}`),
    ...found.map(({ id, status, actual }) => `${status} ${id}: ${actual}`),
    "Next:",
    ...result.nextSteps.map((step, index) => `  ${index + 1}. ${step}`),
    "",
  ].join("\n");
}
