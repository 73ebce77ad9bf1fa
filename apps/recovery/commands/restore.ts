import type { Command } from "commander";
import { createInterface } from "node:readline";
import type { RunContext } from "../context";
import { ExitCode, FailedError, messageOf, UsageError } from "../../../packages/command/errors";
import { parseSkip } from "../leaveOut";
import { checkRules, describeRules, loadMaskRules } from "../mask/rules";
import type { BackupSelector, RestoreOptions } from "../options";
import { parseInstantOption } from "../parse";
import { naming } from "../postgres/connect";
import { describeServer, withDatabase, type ServerConnection } from "../postgres/connection";
import { dropDatabase } from "../postgres/databases";
import {
  describeDatabase,
  openTarget,
  putInPlace,
  switchByHand,
  workBeside,
  type Placed,
  type Target,
} from "../postgres/target";
import { leaseName, type NameLease } from "../postgres/unfinished";
import { restoreInPlace } from "../inPlace/restoreInPlace";
import { restoreInto } from "../restoreInto";
import { nextSteps } from "../restoreSteps";
import type { RunVerb } from "../runner";
import { SETTING_HELP } from "../settingHelp";
import { serverOf, type Settings } from "../settings";
import { Stages } from "../stages";
import { select } from "../store/catalogue";
import { choose, openTargets } from "../store/fleet";
import type { CatalogueEntry, CheckResult, DatabaseProperties, RestoreResult } from "../types";

/**
 * Restores a backup beside the database that is asked for, compares every table, and gives it the name only when all
 * of it is right. An existing database is replaced only when its name was typed, and its content is kept.
 * @throws UsageError when the target holds data, FailedError when the backup is damaged or the restore fails
 */
export async function runRestore(
  settings: Settings,
  options: RestoreOptions,
  context: RunContext,
): Promise<RestoreResult> {
  const server = serverOf(settings);
  return naming(withDatabase(server, options.to), () => restoreOne(settings, server, options, context));
}

async function restoreOne(
  settings: Settings,
  server: ServerConnection,
  options: RestoreOptions,
  context: RunContext,
): Promise<RestoreResult> {
  const started = context.now();
  const stages = new Stages(context);
  const places = await openTargets(settings, options.target);
  const opening = options.inPlace === undefined ? openTarget(server, options.to, options.replace) : undefined;
  // What the stores say comes first.
  opening?.catch(() => undefined);
  const { entry, manifest, place } = await stages.run("locate", () =>
    choose(
      places,
      options.backup,
      (all) => locate(all, options.backup, server, started),
      context.progress.note,
    ),
  );
  const { store } = place;
  if (!manifest)
    throw new FailedError(
      `backup ${entry.id} is damaged: ${entry.problem ?? "unreadable"}; choose another from list`,
    );
  const run = { settings, context, store, stages, manifest };
  const seconds = () => Math.max(0, (context.now().getTime() - started.getTime()) / 1000);
  if (opening === undefined)
    return {
      ...(await restoreInPlace(run, server, options)),
      seconds: seconds(),
      stages: stages.list,
    };
  const destination = await opening;
  if (options.only && destination.kind === "replace")
    throw new UsageError(
      "--table and --schema go into a database of their own, or into one that is in use with --in-place: they cannot replace one",
    );
  if (options.masking) checkRules(options.masking.rules, manifest);
  context.progress.note(
    `restore of ${manifest.id} to ${describeServer(withDatabase(server, options.to))} starts`,
  );
  const lease = await leaseName(destination.maintenance, options.to, context.progress.note);
  try {
    const target = await workBeside(destination, started);
    const { properties, ...restored } = await restoreInto(run, target, lease, options);
    const { ladder, plan, ...loaded } = restored;
    const verdict = ladder.verdict();
    const match = verdict === "PASS";
    const { previous, warning, database } = match
      ? await stages.run("switch", () => switchOver(target, lease, properties, context))
      : await keepBeside(target, manifest.id);
    if (warning) loaded.warnings.push(warning);
    return {
      id: manifest.id,
      database,
      fingerprints: fingerprintsOf(ladder.checks),
      verdict,
      snapshotAt: manifest.snapshotAt,
      ownership: plan.keep ? "kept" : "restoring-role",
      missingRoles: plan.missingRoles,
      previousDatabase: previous,
      ...(options.masking && { masked: describeRules(options.masking.rules) }),
      ...loaded,
      checks: ladder.checks,
      nextSteps: nextSteps({
        database,
        of: manifest.database,
        target,
        match,
        previousDatabase: previous,
        plan,
        standIn: loaded.standIn,
      }),
      seconds: seconds(),
      stages: stages.list,
    };
  } finally {
    await lease.release();
  }
}

type Outcome = Placed & { database: string };

/** @throws FailedError that names the restored database, which is complete and waits beside the other */
async function switchOver(
  target: Target,
  lease: NameLease,
  properties: Partial<DatabaseProperties> = {},
  context: RunContext,
): Promise<Outcome> {
  const { name, working } = target;
  const { comment = null, owner } = properties;
  await lease.confirm();
  let placed: Placed;
  try {
    placed = await putInPlace(target, { comment, owner }, context.now());
  } catch (error) {
    // Complete as it is, it must not be taken for the rest of a run that was killed.
    await describeDatabase(target, comment);
    const beside = target.kind === "new" ? "" : `, and "${name}" is as it was`;
    const byHand = await switchByHand(target, owner, context.now());
    throw new FailedError(
      `${messageOf(error)}; the backup is restored and checked as "${working.database}"${beside}. Once nobody ` +
        `uses "${name}" any more, as the restoring role: ${byHand}`,
    );
  }
  const { previous } = placed;
  if (target.kind !== "empty" || previous === undefined) return { ...placed, database: name };
  try {
    await dropDatabase(target.maintenance, previous);
    return { warning: placed.warning, database: name };
  } catch (error) {
    context.progress.note(
      `warning: the empty database "${previous}" could not be dropped: ${messageOf(error)}`,
    );
    return { ...placed, database: name };
  }
}

/** What did not pass stays for whoever looks into it, under a name that nobody takes for the restored one. */
async function keepBeside(target: Target, id: string): Promise<Outcome> {
  await describeDatabase(target, `recovery: backup ${id}, of which a check did not pass`);
  return { database: target.working.database };
}

/** What the checks of the content alone say. */
function fingerprintsOf(checks: readonly CheckResult[]): RestoreResult["fingerprints"] {
  const found = checks.filter(({ id }) => id !== "rights" && !id.startsWith("role-"));
  if (found.some(({ status }) => status === "FAIL")) return "mismatch";
  return found.every(({ status }) => status === "PASS") ? "match" : "not-checked";
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

interface RestoreFlags {
  at?: Date;
  to: string;
  database?: string;
  target?: string;
  replace?: boolean | string;
  inPlace?: boolean;
  confirm?: string;
  skip?: string[];
  createRoles?: boolean;
  table?: string[];
  schema?: string[];
  mask?: string;
  json?: boolean;
}

const ANSWER_WITHIN_MS = 60_000;

/** The database's name, typed: as an option, on the terminal, or through a pipe. */
async function typedName(flags: RestoreFlags): Promise<string | undefined> {
  if (!flags.replace && !flags.inPlace) {
    if (flags.confirm !== undefined) throw new UsageError("--confirm goes with --replace or --in-place");
    return undefined;
  }
  if (flags.replace && flags.inPlace) throw new UsageError("--replace and --in-place exclude each other");
  if (flags.confirm !== undefined) return flags.confirm;
  if (typeof flags.replace === "string") return flags.replace;
  const what = flags.inPlace ? `Tables of database "${flags.to}"` : `Database "${flags.to}"`;
  process.stderr.write(`${what} will be replaced. Type its name to go on: `);
  const lines = createInterface({ input: process.stdin });
  const answer = await new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve(""), ANSWER_WITHIN_MS);
    lines.once("line", (line) => resolve(line.trim()));
    lines.once("close", () => resolve(""));
    lines.once("line", () => clearTimeout(timer));
  });
  lines.close();
  if (!answer)
    throw new UsageError(
      `--${flags.inPlace ? "in-place" : "replace"}: the name was not typed; add --confirm ${flags.to}`,
    );
  return answer;
}

export function registerRestore(program: Command, runVerb: RunVerb): void {
  program
    .command("restore")
    .description("restore a backup into a new or empty database and compare every table before saying done")
    .argument("[id]", "the backup; see list")
    .option("--at <time>", "the newest backup taken at or before this instant", parseInstantOption)
    .requiredOption("--to <database>", "database to restore into, on the server of DATABASE_URL")
    .option("--database <name>", "with --at: choose among backups of this database")
    .option("--target <name>", "read the backup from this target (default: the best that holds it)")
    .option("--replace [database]", "replace a database that holds data; its name must be typed")
    .option(
      "--in-place",
      "with --table or --schema: replace their rows in the database that is in use, or make what is gone; all or nothing",
    )
    .option("--confirm <database>", "with --replace and --in-place: the name, for scripts")
    .option(
      "--skip <kind:name>",
      "leave an object out, such as publication:all or role:old_owner; may be repeated",
      (text: string, named: string[] = []) => [...named, text],
    )
    .option("--create-roles", "make the roles that the backup names and the server lacks, without login")
    .option(
      "--table <schema.table>",
      "only this table, with what it needs, into a database of its own; may be repeated",
      (text: string, named: string[] = []) => [...named, text],
    )
    .option(
      "--schema <name>",
      "only the tables of this schema; may be repeated",
      (text: string, named: string[] = []) => [...named, text],
    )
    .option("--mask <file>", "mask personal data on the way, by rules in a YAML file; needs MASK_KEY")
    .option("--json", "print the result as one JSON document")
    .action((id: string | undefined, flags: RestoreFlags) =>
      runVerb("restore", flags, ["database", "store"], async (settings, context) => {
        if ((id === undefined) === (flags.at === undefined))
          throw new UsageError("name one backup: an id or --at <time>");
        const backup: BackupSelector =
          id === undefined ? { at: flags.at as Date, database: flags.database } : { id };
        const typed = await typedName(flags);
        const result = await runRestore(
          settings,
          {
            backup,
            to: flags.to,
            target: flags.target,
            ...(flags.inPlace ? { inPlace: typed } : { replace: typed }),
            skip: flags.skip?.map(parseSkip),
            createRoles: flags.createRoles,
            ...((flags.table ?? flags.schema) && { only: { tables: flags.table, schemas: flags.schema } }),
            ...(flags.mask !== undefined && { masking: maskingOf(settings, flags.mask) }),
          },
          context,
        );
        const { verdict } = result;
        const exitCode =
          verdict === "PASS" ? ExitCode.ok : verdict === "FAIL" ? ExitCode.failed : ExitCode.notRun;
        return { document: result, text: describe(result), exitCode };
      }),
    );
}

function maskingOf({ maskKey }: Settings, file: string): RestoreOptions["masking"] {
  if (!maskKey) throw new UsageError(`MASK_KEY: missing; ${SETTING_HELP.MASK_KEY ?? ""}`);
  return { rules: loadMaskRules(file), key: Buffer.from(maskKey) };
}

function describe(result: RestoreResult): string {
  const found = result.checks.filter(({ status }) => status !== "PASS");
  return [
    `${result.id} restored to "${result.database}" in ${result.seconds.toFixed(1)} s; fingerprints: ${result.fingerprints}; verdict: ${result.verdict}`,
    ...(result.inPlace ?? []).map(({ table, before, after }) =>
      before === null
        ? `${table}: made again, ${after} rows`
        : `${table}: ${before} rows before, ${after} now`,
    ),
    ...result.warnings.map((warning) => `warning: ${warning}`),
    ...found.map(({ id, status, actual }) => `${status} ${id}: ${actual}`),
    "Next:",
    ...result.nextSteps.map((step, index) => `  ${index + 1}. ${step}`),
    "",
  ].join("\n");
}
