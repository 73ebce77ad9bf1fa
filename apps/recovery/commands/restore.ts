import type { Command } from "commander";
import { createInterface } from "node:readline";
import type { RunContext } from "../context";
import { ExitCode, FailedError, UsageError } from "../../../packages/command/errors";
import { parseSkip } from "../leaveOut";
import type { BackupSelector, RestoreOptions } from "../options";
import type { OwnershipPlan } from "../ownership";
import { parseInstantOption } from "../parse";
import { describeServer, withDatabase, type ServerConnection } from "../postgres/connection";
import { openTarget, swapDatabases } from "../postgres/target";
import { restoreInto } from "../restoreInto";
import { exitCodeHelp, runVerb } from "../runner";
import { serverOf, type Settings } from "../settings";
import { Stages } from "../stages";
import { select } from "../store/catalogue";
import { choose, openTargets } from "../store/fleet";
import type { CatalogueEntry, RestoreResult } from "../types";

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
  const places = await openTargets(settings, options.target);
  const [{ entry, place }, target] = await stages.run("locate", async () => [
    await choose(places, (all) => locate(all, options.backup, server, started), context.progress.note),
    await openTarget(server, options.to, options.replace, started),
  ]);
  const { store } = place;
  const { manifest } = entry;
  if (!manifest)
    throw new FailedError(
      `backup ${entry.id} is damaged: ${entry.problem ?? "unreadable"}; choose another from list`,
    );
  context.progress.note(
    `restore of ${manifest.id} to ${describeServer(withDatabase(server, options.to))} starts`,
  );
  const run = { settings, context, store, stages, manifest };
  const { ladder, plan, ...loaded } = await restoreInto(run, target, options);
  const match = ladder.verdict() === "PASS";
  let previousDatabase: string | undefined;
  let { database } = target.working;
  if (target.kind === "replace" && match) {
    previousDatabase = await stages.run("switch", () => swapDatabases(target, options.to, context.now()));
    database = options.to;
  }
  return {
    id: manifest.id,
    database,
    fingerprints: match ? "match" : ladder.verdict() === "FAIL" ? "mismatch" : "not-checked",
    snapshotAt: manifest.snapshotAt,
    ownership: plan.keep ? "kept" : "restoring-role",
    missingRoles: plan.missingRoles,
    previousDatabase,
    ...loaded,
    checks: ladder.checks,
    nextSteps: nextSteps(server, { database, match, previousDatabase, plan }),
    seconds: Math.max(0, (context.now().getTime() - started.getTime()) / 1000),
    stages: stages.list,
  };
}

function locate(
  catalogue: CatalogueEntry[],
  backup: BackupSelector,
  server: ServerConnection,
  now: Date,
): CatalogueEntry {
  const names = new Set(catalogue.map(({ database }) => database));
  if ("id" in backup || backup.database || names.size <= 1) return select(catalogue, backup, now);
  if (names.has(server.database)) return select(catalogue, { ...backup, database: server.database }, now);
  throw new UsageError(`--database: name one of ${[...names].sort().join(", ")}`);
}

function nextSteps(
  { host }: ServerConnection,
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
  target?: string;
  replace?: boolean | string;
  confirm?: string;
  skip?: string[];
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
    .option("--target <name>", "read the backup from this target (default: the best that holds it)")
    .option("--replace [database]", "replace a database that holds data; its name must be typed")
    .option("--confirm <database>", "with --replace: the name, for scripts")
    .option(
      "--skip <kind:name>",
      "leave an object out, such as publication:all or role:old_owner; may be repeated",
      (text: string, named: string[] = []) => [...named, text],
    )
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
          {
            backup,
            to: flags.to,
            target: flags.target,
            replace: await typedName(flags),
            skip: flags.skip?.map(parseSkip),
          },
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
