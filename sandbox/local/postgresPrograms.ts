import { NotRunError } from "../../recovery/errors";
import { findServer, installations } from "../../recovery/postgres/programs";

/**
 * The server programs to start: of the wanted major version, or the newest installed.
 * @throws NotRunError saying what to install
 */
export function serverPrograms(wanted?: number): { initdb: string; postgres: string; version: number } {
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
