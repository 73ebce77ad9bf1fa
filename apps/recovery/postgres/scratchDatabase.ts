import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { messageOf, NotRunError } from "../../../packages/command/errors";
import type { Settings } from "../settings";
import type { Manifest } from "../types";
import { quoteIdentifier, withClient } from "./connect";
import { withDatabase, type ServerConnection } from "./connection";
import { startScratchServer } from "./scratch";
import { leaseName, type NameLease } from "./unfinished";

/** Where a verification restores to. */
export interface Scratch {
  kind: "throwaway" | "url";
  version: string;
  /** Database to connect to while the scratch database does not exist. */
  maintenance: ServerConnection;
  /** The scratch database; the caller creates it, and calls `created`. */
  database: ServerConnection;
  /** Marks the scratch database as one that a later run drops, should this one be killed. */
  created(client: Client): Promise<void>;
  /**
   * Makes roles that a backup's policies and user mappings name, where the server lacks them: they cannot log in, and
   * go with the scratch database.
   * @throws NotRunError when the server does not let them be made
   */
  lendRoles(names: readonly string[]): Promise<void>;
  /** Removes the scratch database, and the server if it is a throwaway one. */
  stop(): Promise<void>;
}

/**
 * The server of `SCRATCH_DATABASE_URL`, or a throwaway one.
 * @throws NotRunError when there is none to be had: then nothing is known about the backup
 */
export async function openScratch(
  settings: Settings,
  manifest: Manifest,
  signal: AbortSignal,
  note: (message: string) => void,
): Promise<Scratch> {
  const lent: string[] = [];
  const lend = (server: ServerConnection) => (names: readonly string[]) => lendRoles(server, names, lent);
  const name = `verify_${randomBytes(6).toString("hex")}`;
  const given = settings.scratchServer;
  if (!given) {
    const { server, version, stop } = await startScratchServer({
      wantedMajor: manifest.server.major,
      directory: settings.scratchDirectory,
      signal,
    });
    return {
      kind: "throwaway",
      version,
      maintenance: server,
      database: withDatabase(server, name),
      created: () => Promise.resolve(),
      lendRoles: lend(server),
      stop,
    };
  }
  let version: string;
  let lease: NameLease;
  try {
    version = await withClient(given, async (client) => {
      const { rows } = await client.query<{ version: string; major: number }>(
        "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major",
      );
      const [row] = rows;
      if (!row) throw new NotRunError("the scratch server does not tell its version");
      if (row.major < manifest.server.major) {
        throw new NotRunError(
          `the scratch server has version ${row.version}, older than the backup's ${manifest.server.version}`,
        );
      }
      return row.version;
    });
    lease = await leaseName(given, name, note);
  } catch (error) {
    throw error instanceof NotRunError ? error : new NotRunError(`scratch server: ${messageOf(error)}`);
  }
  return {
    kind: "url",
    version,
    maintenance: given,
    database: withDatabase(given, name),
    created: (client) => lease.mark(client, name),
    lendRoles: lend(given),
    async stop() {
      try {
        await withClient(given, async (client) => {
          await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
          // One that another verification needs as well stays, and goes with that one.
          for (const role of lent)
            await client.query(`DROP ROLE ${quoteIdentifier(role)}`).catch(() => undefined);
        });
      } catch (error) {
        note(`warning: the scratch database ${name} could not be dropped: ${messageOf(error)}`);
      } finally {
        await lease.release();
      }
    },
  };
}

async function lendRoles(server: ServerConnection, names: readonly string[], lent: string[]): Promise<void> {
  if (names.length === 0) return;
  await withClient(server, async (client) => {
    const { rows } = await client.query<{ role: string }>(
      `SELECT DISTINCT role FROM unnest($1::text[]) AS w(role)
       WHERE role NOT IN (SELECT rolname FROM pg_catalog.pg_roles)`,
      [names],
    );
    for (const { role } of rows) {
      try {
        await client.query(`CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`);
        lent.push(role);
      } catch (error) {
        if (/already exists/.test(messageOf(error))) continue;
        throw new NotRunError(
          `the scratch server lacks role ${role}, which the backup's policies name: ${messageOf(error)}`,
        );
      }
    }
  });
}
