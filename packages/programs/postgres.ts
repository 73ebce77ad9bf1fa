import { execFile, execFileSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { FailedError, NotRunError } from "../command/errors";

export type ProgramName =
  "pg_dump" | "pg_restore" | "pg_amcheck" | "psql" | "pgbench" | "postgres" | "initdb" | "zstd" | "age";

export interface Program {
  name: ProgramName;
  path: string;
  /** First line of `--version`. */
  version: string;
  major: number;
}

/** Unix account; left out means our own. */
export interface Account {
  uid: number;
  gid: number;
}

const VERSIONED_FOLDERS: readonly [parent: string, folder: RegExp][] = [
  ["/usr/lib/postgresql", /^\d+$/],
  ["/usr", /^pgsql-\d+$/],
  ["/opt/homebrew/opt", /^(postgresql@\d+|libpq)$/],
  ["/usr/local/opt", /^(postgresql@\d+|libpq)$/],
  ["/Applications/Postgres.app/Contents/Versions", /^\d+$/],
];

const INSTALL: Record<ProgramName, string> = {
  pg_dump: "postgresql-client",
  pg_restore: "postgresql-client",
  pg_amcheck: "postgresql",
  psql: "postgresql-client",
  pgbench: "postgresql-contrib",
  postgres: "postgresql",
  initdb: "postgresql",
  zstd: "zstd",
  age: "age",
};

const executable = (file: string) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Debian's dispatcher, which costs a Perl start and picks a version by its own rules. */
const isDispatcher = (file: string) => path.basename(realpathSync(file)) === "pg_wrapper";

function onPath(name: string, searchPath: string): string[] {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .filter((file) => executable(file) && !isDispatcher(file));
}

/** Folders with programs beside PATH and the usual places, first of all: separated as in PATH. */
const GIVEN_FOLDERS = "POSTGRES_PROGRAMS";

function inVersionedFolders(name: ProgramName): string[] {
  return VERSIONED_FOLDERS.flatMap(([parent, folder]) =>
    (existsSync(parent) ? readdirSync(parent) : [])
      .filter((entry) => folder.test(entry))
      .map((entry) => path.join(parent, entry, "bin", name))
      .filter(executable),
  );
}

/** What programs said of themselves, by file and its last change: who backs up and restores asks for each many times. */
const described = new Map<string, Program>();

function describe(name: ProgramName, file: string): Program {
  const key = keyOf(name, file);
  const known = described.get(key) ?? ask(name, file);
  described.set(key, known);
  return known;
}

function keyOf(name: ProgramName, file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  return JSON.stringify([name, file, mtimeMs, size, ino]);
}

/**
 * Asks the first installation of each for its version, beside whatever else is done until it is wanted. One that does not
 * run is found out then.
 */
export async function askAhead(names: readonly ProgramName[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      try {
        const [file] = candidates(name);
        if (file === undefined) return;
        const key = keyOf(name, file);
        const { stdout } = await promisify(execFile)(file, ["--version"]);
        described.set(key, programOf(name, file, stdout));
      } catch {
        // Whoever wants it is told.
      }
    }),
  );
}

function ask(name: ProgramName, file: string): Program {
  let output: string;
  try {
    output = execFileSync(file, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    throw new NotRunError(`${file} is there but does not run; reinstall ${INSTALL[name]}`);
  }
  return programOf(name, file, output);
}

function programOf(name: ProgramName, file: string, output: string): Program {
  const version = (output.split("\n").find((line) => /\d/.test(line)) ?? "").trim();
  return { name, path: file, version, major: majorOf(version) };
}

/**
 * Every installation of a program: those on PATH first, then those of `POSTGRES_PROGRAMS` and of the versioned
 * folders, newest first.
 */
export function installations(name: ProgramName, searchPath = process.env.PATH ?? ""): Program[] {
  const others = elsewhere(name)
    .map((file) => describe(name, file))
    .sort((one, other) => other.major - one.major);
  const first = onPath(name, searchPath).map((file) => describe(name, file));
  return [...first, ...others];
}

const candidates = (name: ProgramName) => [...onPath(name, process.env.PATH ?? ""), ...elsewhere(name)];

const elsewhere = (name: ProgramName) => [
  ...onPath(name, process.env[GIVEN_FOLDERS] ?? ""),
  ...inVersionedFolders(name),
];

/**
 * The program to use: the first on PATH, else the newest in the usual versioned folders.
 * @throws NotRunError saying what to install
 */
export function findProgram(name: ProgramName): Program {
  const [file] = onPath(name, process.env.PATH ?? "");
  if (file) return describe(name, file);
  const [found] = name === "zstd" ? [] : installations(name);
  if (found) return found;
  throw missing(name);
}

/** In bytes. C libraries write to a pipe in pieces of 4 KiB, each of which wakes its reader. */
const WIDE_BUFFER = 1024 * 1024;

/**
 * How to start a program that writes gigabytes to a pipe: in pieces of 1 MiB where `stdbuf` of the GNU core utilities
 * is on PATH, which saves a tenth of a backup's time on two processors, and as it is elsewhere.
 */
export function writingWidely(
  { path: file }: Program,
  args: readonly string[],
): [file: string, args: string[]] {
  const [stdbuf] = onPath("stdbuf", process.env.PATH ?? "");
  return stdbuf ? [stdbuf, [`--output=${WIDE_BUFFER}`, file, ...args]] : [file, [...args]];
}

/**
 * The server programs of one installation: of the wanted major version, else the next newer one.
 * @throws NotRunError when there is none
 */
export function findServer(wantedMajor: number): { postgres: Program; initdb: Program } {
  const candidates = installations("postgres").sort((one, other) => one.major - other.major);
  const postgres = candidates.find(({ major }) => major >= wantedMajor);
  if (!postgres) {
    const installed = candidates.map(({ major }) => major).join(", ");
    if (installed) {
      throw new NotRunError(
        `no PostgreSQL server ${wantedMajor} or newer here (found ${installed}); install it`,
      );
    }
    throw missing("postgres");
  }
  const initdb = path.join(path.dirname(realpathSync(postgres.path)), "initdb");
  if (!executable(initdb)) throw missing("initdb");
  return { postgres, initdb: describe("initdb", initdb) };
}

function missing(name: ProgramName): NotRunError {
  const what = INSTALL[name];
  return new NotRunError(
    `${name} was found neither on PATH nor in the usual folders; install it: ` +
      `apt-get install ${what} (Debian, Ubuntu), dnf install ${what} (Fedora), brew install ${what} (macOS)`,
  );
}

/** The first of a release: what comes behind it, each of which takes a start to ask, is not asked. */
function ofRelease(name: ProgramName, major: number): Program | undefined {
  for (const file of candidates(name)) {
    const program = describe(name, file);
    if (program.major === major) return program;
  }
  return undefined;
}

/** The one of the server's own release, else the next newer one, else the newest there is. */
function closest(programs: readonly Program[], serverMajor: number): Program | undefined {
  const sorted = [...programs].sort((one, other) => one.major - other.major);
  // The first of a release is the one on PATH.
  return sorted.find(({ major }) => major >= serverMajor) ?? sorted.findLast(() => true);
}

/**
 * The `pg_dump` for a server: of its own release, or the next newer one.
 * @throws FailedError naming both versions and what to install; NotRunError when there is none at all
 */
export function dumpProgram(serverMajor: number, server: string): Program {
  const found =
    ofRelease("pg_dump", serverMajor) ??
    closest(installations("pg_dump"), serverMajor) ??
    findProgram("pg_dump");
  if (found.major >= serverMajor) return found;
  throw new FailedError(
    `${found.name} ${found.major} (${found.path}) is older than the server ${server}, version ${serverMajor}; ` +
      `install ${INSTALL.pg_dump}-${serverMajor} or newer`,
  );
}

/**
 * The `pg_restore` for an archive: of the target server's release where it can read the archive, because a newer one
 * sends settings that an older server does not know; else the next newer one.
 * @param dumpMajor release of the pg_dump that wrote the archive; an older pg_restore may not read it
 * @throws NotRunError saying what to install
 */
export function restoreProgram(dumpMajor: number, serverMajor: number): Program {
  const own = serverMajor >= dumpMajor ? ofRelease("pg_restore", serverMajor) : undefined;
  if (own) return own;
  const installed = installations("pg_restore");
  const found = closest(
    installed.filter(({ major }) => major >= dumpMajor),
    serverMajor,
  );
  if (found) return found;
  const { path: file, major } = installed[0] ?? findProgram("pg_restore");
  throw new NotRunError(
    `pg_restore ${major} (${file}) is too old for an archive of pg_dump ${dumpMajor}; ` +
      `install ${INSTALL.pg_restore}-${dumpMajor} or newer`,
  );
}

/** Release in a program's `--version` line, as manifests keep it; 0 when it says none. */
export const majorOf = (version: string): number => Number(/(\d+)/.exec(version)?.[1] ?? 0);

/** `postgres` refuses to run as root: the account to use instead, or undefined when we are somebody else already. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const fields = accounts.find((line) => line.startsWith(`${name}:`))?.split(":");
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new NotRunError(
    "postgres refuses to run as root, and there is no account postgres or nobody to run it as",
  );
}
