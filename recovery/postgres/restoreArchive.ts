import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import type { Client } from "pg";
import { FailedError, messageOf, NotRunError } from "../errors";
import { childEnvironment, complaint, startProgram } from "../process";
import type { Inventory } from "../types";
import { programEnvironment, type ServerConnection } from "./connection";
import type { Program } from "./programs";

/** Extensions Azure installs by itself: they exist only there, and only Azure may create them. */
const OF_AZURE = /^(azure|pgaadauth$|pg_azure|pgms_)/;
/** Entries of the table of contents that need rights nobody has on a managed server. */
const UNWANTED = /^\d+; \d+ \d+ (EXTENSION - (azure|pgaadauth|pg_azure|pgms_)|COMMENT - EXTENSION )/;

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

interface RestoreTask {
  pgRestore: Program;
  server: ServerConnection;
  file: string;
  jobs: number;
  /** Keep owners and grants; otherwise everything belongs to the connecting role. */
  keepOwnership: boolean;
  signal: AbortSignal;
}

/**
 * Loads an archive into an empty database, in parallel, stopping at the first error.
 * @param onDataLoaded called when every row is in and before indexes and constraints are built: what reads the rows
 * from then on shares the machine with work that mostly waits for one processor
 * @throws FailedError when pg_restore fails, NotRunError when the server's disk is full or pg_restore is too old
 */
export async function restoreArchive(task: RestoreTask, onDataLoaded: () => void): Promise<void> {
  const folder = mkdtempSync(path.join(path.dirname(task.file), "toc-"));
  try {
    const list = path.join(folder, "list");
    writeFileSync(list, await wantedEntries(task.pgRestore, task.file, task.signal));
    // Tables and rows in one run: see the number of connections below.
    await restoreSections(task, list, ["pre-data", "data"]);
    onDataLoaded();
    await restoreSections(task, list, ["post-data"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function restoreSections(task: RestoreTask, list: string, sections: string[]): Promise<void> {
  const { pgRestore, server, signal } = task;
  const ownership = task.keepOwnership ? [] : ["--no-owner", "--no-acl"];
  const program = startProgram(
    pgRestore.path,
    [
      ...["--exit-on-error", "--no-password", "--no-tablespaces", "--no-subscriptions", ...ownership],
      ...sections.map((section) => `--section=${section}`),
      // At least two: only a parallel restore empties each table it created in the transaction that loads it, and
      // only then do rows lie in the order they were dumped in.
      ...["-j", String(Math.max(2, task.jobs)), "-L", list, "-d", server.database, task.file],
    ],
    {
      signal,
      stdio: ["ignore", "ignore", "pipe"],
      env: childEnvironment(programEnvironment(server, { synchronous_commit: "off" })),
    },
  );
  const { code, error } = await program.ended;
  signal.throwIfAborted();
  if (error) throw new NotRunError(`pg_restore could not be started: ${error.message}`);
  if (code === 0) return;
  const said = program.stderr();
  if (DISK_FULL.test(said)) throw new NotRunError(`the disk of ${server.host} is full: ${complaint(said)}`);
  throw new FailedError(`pg_restore failed with exit code ${String(code)}: ${complaint(said)}`);
}

async function wantedEntries(pgRestore: Program, file: string, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(pgRestore.path, ["-l", file], {
      maxBuffer: 256 * 1024 * 1024,
      env: childEnvironment({ LC_MESSAGES: "C" }),
      signal,
    });
    return stdout
      .split("\n")
      .filter((line) => !UNWANTED.test(line))
      .join("\n");
  } catch (error) {
    signal.throwIfAborted();
    const said = complaint((error as { stderr?: string }).stderr ?? messageOf(error));
    if (/unsupported version/i.test(said)) throw new NotRunError(`${pgRestore.path} is too old: ${said}`);
    throw new FailedError(`pg_restore cannot read the archive: ${said}`);
  }
}

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
  const said = complaint(program.stderr());
  if (/unsupported version/i.test(said)) throw new NotRunError(`${pgRestore.path} is too old: ${said}`);
  throw new FailedError(`pg_restore cannot read the archive: ${said}`);
}
