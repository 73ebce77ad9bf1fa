import { realpathSync } from "node:fs";
import path from "node:path";
import { NotRunError } from "../command/errors";
import { projectRoot } from "../command/root";
import { findServer, installations, type ProgramName } from "../programs/postgres";

/** Release of PostgreSQL that production runs. */
export const PRODUCTION_MAJOR = 17;

/** Where `postgresql.sh` unpacks a release, below the repository's root. */
const UNPACKED = path.join(projectRoot(__dirname), ".build/postgresql");

export interface ServerPrograms {
  initdb: string;
  postgres: string;
  version: number;
}

const unpacked = (major: number) => path.join(UNPACKED, String(major), "bin");

/** PATH with the releases `postgresql.sh` unpacked in front. */
const searchPath = (major: number) => [unpacked(major), process.env.PATH ?? ""].join(path.delimiter);

/**
 * The server programs to start: of the wanted major version, or the newest installed.
 * @throws NotRunError saying what to install
 */
export function serverPrograms(wanted?: number): ServerPrograms {
  const [own] = wanted === undefined ? [] : installations("postgres", unpacked(wanted));
  if (own && own.major === wanted) {
    return { postgres: own.path, initdb: path.join(path.dirname(own.path), "initdb"), version: own.major };
  }
  const installed = installations("postgres").map(({ major }) => major);
  if (wanted !== undefined && installed.length > 0 && !installed.includes(wanted)) {
    throw new NotRunError(
      `PostgreSQL ${wanted} is not installed (found ${[...new Set(installed)].join(", ")}); ` +
        `install it: apt-get install postgresql-${wanted} postgresql-contrib (Debian, Ubuntu), ` +
        `brew install postgresql@${wanted} (macOS)`,
    );
  }
  const { postgres, initdb } = findServer(wanted ?? Math.max(0, ...installed));
  return { postgres: postgres.path, initdb: initdb.path, version: postgres.major };
}

/**
 * The programs of production's release where they are to be found, else of the newest installed: an older server
 * still tells most of what the newer one would.
 */
export function productionPrograms(): ServerPrograms {
  try {
    return serverPrograms(PRODUCTION_MAJOR);
  } catch (error) {
    if (!(error instanceof NotRunError)) throw error;
    return serverPrograms();
  }
}

/** Path of a client program that is no older than the server. @throws NotRunError saying what to install */
export function clientProgram(name: ProgramName, major: number): string {
  const found = installations(name, searchPath(major)).find((program) => program.major >= major);
  if (!found)
    throw new NotRunError(
      `no ${name} ${major} or newer here; get it with: sh packages/local-servers/postgresql.sh`,
    );
  return realpathSync(found.path);
}

/** Lets this process and what it starts find production's client programs, where `postgresql.sh` unpacked them. */
export function usePrograms(): void {
  process.env.POSTGRES_PROGRAMS ??= unpacked(PRODUCTION_MAJOR);
}
