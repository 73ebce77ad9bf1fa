import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Client } from "pg";
import { FailedError, messageOf, NotRunError } from "../../../packages/command/errors";
import { SKIPPABLE } from "../leaveOut";
import { openNameless } from "../namelessFile";
import { childEnvironment, complaint, startProgram } from "../process";
import type { Inventory } from "../types";
import { lostConnection } from "./connect";
import type { TocEntry } from "./toc";
import { programEnvironment, type ServerConnection } from "./connection";
import type { Program } from "../../../packages/programs/postgres";

/** Extensions Azure installs by itself: they exist only there, and only Azure may create them. */
const OF_AZURE = /^(azure|pgaadauth$|pg_azure|pgms_)/;

/**
 * Settings of the sessions that restore. One that breaks off starts again from nothing, so no commit of it waits for
 * the disk. Several indexes are built side by side; workers of each would only take processors from the others.
 */
export const RESTORE_SETTINGS: Readonly<Record<string, string>> = {
  synchronous_commit: "off",
  max_parallel_maintenance_workers: "0",
};

/** Definitions of one restore; rows are not among them. */
const SCRIPT_BYTES = 256 * 1024 * 1024;
/** How libpq, pg and the system say that a server, or the way to it, is gone. */
const LOST =
  /SSL SYSCALL error|server closed the connection|Connection terminated|ECONNRESET|EPIPE|crash of another/;
/** How pg_restore says that a newer pg_dump has written the archive. */
const UNREADABLE = /unsupported version \([\d.]+\) in file header/;
const tooOld = (program: Program, said: string) =>
  new NotRunError(`${program.path} is too old: ${complaint(said)}`);
const DISK_FULL = /no space left on device|could not (extend|write).*file|disk quota exceeded/i;

/** The backup's extensions a server cannot provide, Azure's own left out. */
export async function missingExtensions(client: Client, inventory: Inventory): Promise<string[]> {
  const names = inventory.extensions.map(({ name }) => name).filter((name) => !OF_AZURE.test(name));
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS wanted(name)
     WHERE name NOT IN (SELECT a.name FROM pg_catalog.pg_available_extensions a)`,
    [names],
  );
  return rows.map(({ name }) => name);
}

/** True for an extension that a restore leaves out. */
export const isAzureExtension = (name: string) => OF_AZURE.test(name);

/** How pg_restore is called for one restore. */
export interface RestoreProgram {
  pgRestore: Program;
  server: ServerConnection;
  /** Path of the archive. */
  file: string;
  /** Folder for temporary files. */
  directory: string;
  jobs: number;
  /** Release of the server, where it may be older than pg_restore. */
  targetMajor?: number;
  signal: AbortSignal;
}

/** A database by its name alone: one with an equals sign in it would be read as a connection string of its own. */
const connectionString = (database: string) => `dbname='${database.replace(/[\\']/g, "\\$&")}'`;

/**
 * Restores the listed entries of one section, stopping at the first error.
 * @param list as `pg_restore -L` takes it
 * @param jobs connections; more than one needs the whole archive
 * @throws FailedError when pg_restore fails, NotRunError when the server's disk is full
 */
export async function restoreSection(
  { pgRestore, server, file, directory, signal, targetMajor }: RestoreProgram,
  section: "pre-data" | "data" | "post-data",
  list: readonly string[],
  jobs: number,
): Promise<void> {
  // A newer pg_restore sends settings that an older server refuses; where no other is installed it goes on past them.
  const older = targetMajor !== undefined && targetMajor < pgRestore.major;
  const listed = openNameless(directory, "list");
  try {
    writeFileSync(listed.descriptor, `${list.join("\n")}\n`);
    const program = startProgram(
      pgRestore.path,
      [
        // Owners and grants come when everything is there: see rights.ts.
        ...[
          "--no-owner",
          "--no-acl",
          ...(older ? [] : ["--exit-on-error"]),
          "--no-password",
          "--no-tablespaces",
          "--no-subscriptions",
        ],
        ...[`--section=${section}`, "-L", listed.path, "-d", connectionString(server.database)],
        ...[...(jobs > 1 ? ["-j", String(jobs)] : []), file],
      ],
      {
        signal,
        stdio: ["ignore", "ignore", "pipe"],
        env: childEnvironment(programEnvironment(server, RESTORE_SETTINGS)),
      },
    );
    const { code, error } = await program.ended;
    signal.throwIfAborted();
    if (error) throw new NotRunError(`pg_restore could not be started: ${error.message}`);
    if (code !== 0 && UNREADABLE.test(program.stderr())) throw tooOld(pgRestore, program.stderr());
    if (code !== 0 && !(older && onlyUnknownSettings(program.stderr())))
      throw restoreProblem(server, `pg_restore failed with exit code ${String(code)}`, program.stderr());
  } finally {
    listed.close();
  }
}

/**
 * The listed entries of one section as SQL that a session may run in a transaction of its own, owners and grants left out.
 * @throws FailedError when pg_restore cannot read the archive
 */
export async function scriptOf(
  { pgRestore, file, directory, signal }: Pick<RestoreProgram, "pgRestore" | "file" | "directory" | "signal">,
  section: "pre-data" | "post-data",
  list: readonly string[],
): Promise<string> {
  if (list.length === 0) return "";
  const listed = openNameless(directory, "list");
  try {
    writeFileSync(listed.descriptor, `${list.join("\n")}\n`);
    const { stdout } = await promisify(execFile)(
      pgRestore.path,
      [
        ...["--no-owner", "--no-acl", "--no-tablespaces", "--no-subscriptions", "-f", "-"],
        ...[`--section=${section}`, "-L", listed.path, file],
      ],
      { maxBuffer: SCRIPT_BYTES, env: childEnvironment({ LC_MESSAGES: "C" }), signal },
    );
    // Before the first entry stand settings of a session that is not ours, and at both ends commands of psql.
    const begin = stdout.indexOf("\n-- Name: ");
    return begin < 0 ? "" : stdout.slice(begin).replace(/^\\unrestrict .*$\s*(?![^])/m, "");
  } catch (error) {
    signal.throwIfAborted();
    throw new FailedError(
      `pg_restore cannot read the archive: ${complaint((error as { stderr?: string }).stderr ?? messageOf(error))}`,
    );
  } finally {
    listed.close();
  }
}

/**
 * Whether every error of pg_restore was about a setting that the server does not know. It counts those of its first
 * connection only; each of its other connections has its own.
 */
export function onlyUnknownSettings(said: string): boolean {
  const counted = Number(/errors ignored on restore: (\d+)/.exec(said)?.[1] ?? 0);
  const errors = said.match(/^.*\berror: .*$/gm) ?? [];
  const unknown = /unrecognized configuration parameter "transaction_timeout"/;
  return counted > 0 && errors.length >= counted && errors.every((line) => unknown.test(line));
}

/** What a server said when a restore broke off, as an error that says whether the backup is to blame. */
export function restoreProblem(server: ServerConnection, what: string, said: string): Error {
  if (DISK_FULL.test(said)) return new NotRunError(`the disk of ${server.host} is full: ${complaint(said)}`);
  if (LOST.test(said)) return lostConnection(server, complaint(said));
  return new FailedError(`${what}: ${complaint(said)}${wayRound(said)}`);
}

const REFUSED = /permission denied|superuser/i;

/** Whether a server has said that a role may not do what was asked. */
export const isRefusal = (said: string): boolean => REFUSED.test(said);

/** What rows may break, and where the server's words name it. */
const BROKEN: readonly [pattern: RegExp, kind: "constraint" | "index"][] = [
  [/new row for relation "(?<table>.+?)" violates check constraint "(?<name>.+?)"/, "constraint"],
  [/value for domain (?<table>.+?) violates check constraint "(?<name>.+?)"/, "constraint"],
  // The table it names may be a partition, and the key its parent's.
  [/violates foreign key constraint "(?<name>.+?)"/, "constraint"],
  [/create (?:unique index|exclusion constraint) "(?<name>.+?)"[^]*Command was: ALTER TABLE/, "constraint"],
  [/create unique index "(?<name>.+?)"[^]*Command was: CREATE UNIQUE INDEX/, "index"],
];

/**
 * How to restore without what the restoring role may not create, where that is an object one can do without, or what rows
 * of the backup break.
 */
function wayRound(said: string): string {
  for (const [pattern, kind] of BROKEN) {
    const { table, name } = pattern.exec(said)?.groups ?? {};
    if (name === undefined) continue;
    const named = table === undefined ? name : `${table.replaceAll('"', "")}.${name}`;
    return `; to restore with the rows that break it: --skip '${kind}:${named}'`;
  }
  if (!isRefusal(said)) return "";
  const [, command = ""] = /Command was: CREATE (.*)/.exec(said) ?? [];
  const kind = SKIPPABLE.find((one) => command.startsWith(`${one.toUpperCase().replaceAll("-", " ")} `));
  if (!kind) return "";
  const [, name = ""] =
    /^(?:IF NOT EXISTS )?((?:"(?:[^"]|"")+"|[^\s"(.;])+(?:\.(?:"(?:[^"]|"")+"|[^\s"(.;])+)?)/.exec(
      command.slice(kind.length + 1),
    ) ?? [];
  const bare = name.replace(/"((?:[^"]|"")+)"/g, (_, quoted: string) => quoted.replaceAll('""', '"'));
  return bare ? `; to restore without it: --skip '${kind}:${bare}'` : "";
}

/**
 * The lines of a `pg_restore -L` list that a restore wants, by the number of their entry, in order: pg_restore reads that
 * number alone, and passes over entries that are not of the section or none of its own.
 */
export function wantedEntries(entries: readonly TocEntry[]): Map<number, string> {
  return new Map(entries.filter((entry) => !isUnwanted(entry)).map(({ dumpId }) => [dumpId, `${dumpId};`]));
}

/** Needs rights that nobody has on a managed server. */
const isUnwanted = ({ kind, name }: TocEntry): boolean =>
  kind === "EXTENSION" ? isAzureExtension(name) : kind === "COMMENT" && name.startsWith("EXTENSION ");

/** Reads an archive from end to end without a server. @throws FailedError saying where it breaks */
export async function readWhole(pgRestore: Program, file: string, signal: AbortSignal): Promise<void> {
  const program = startProgram(pgRestore.path, ["-f", "/dev/null", file], {
    signal,
    stdio: ["ignore", "ignore", "pipe"],
    env: childEnvironment({ LC_MESSAGES: "C" }),
  });
  const { code, error } = await program.ended;
  signal.throwIfAborted();
  if (error) throw new NotRunError(`pg_restore could not be started: ${error.message}`);
  if (code === 0) return;
  const said = program.stderr();
  if (UNREADABLE.test(said)) throw tooOld(pgRestore, said);
  throw new FailedError(`pg_restore cannot read the archive: ${complaint(said)}`);
}
