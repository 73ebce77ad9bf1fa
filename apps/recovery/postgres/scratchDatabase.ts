import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { messageOf, NotRunError } from "../../../packages/command/errors";
import type { Settings } from "../settings";
import type { Manifest } from "../types";
import { quoteIdentifier, withClient } from "./connect";
import { withDatabase, type ServerConnection } from "./connection";
import { startScratchServer } from "./scratch";
import type { Provision } from "./provision";
import { leaseName, type NameLease } from "./unfinished";

/** Where a verification restores to. */
export interface Scratch {
  kind: "throwaway" | "url";
  version: string;
  /** Whether who restores there is one: then everything of a backup comes back, and its code may do anything. */
  superuser: boolean;
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
  provision: Provision;
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
  const name = `verify_${randomBytes(6).toString("hex")}`;
  const given = settings.scratchServer;
  if (!given) {
    const { server, createRole, ...scratch } = await startScratchServer({
      wantedMajor: manifest.server.major,
      directory: settings.scratchDirectory,
      signal,
    });
    return {
      ...scratch,
      kind: "throwaway",
      superuser: false,
      maintenance: server,
      database: withDatabase(server, name),
      created: () => Promise.resolve(),
      async lendRoles(names) {
        for (const role of await rolesLacking(server, names)) await createRole(role);
      },
    };
  }
  const lent: string[] = [];
  let facts: { version: string; superuser: boolean };
  let lease: NameLease;
  try {
    facts = await withClient(given, async (client) => {
      const { rows } = await client.query<{ version: string; major: number; superuser: boolean }>(
        `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
           rolsuper AS superuser FROM pg_catalog.pg_roles WHERE rolname = current_user`,
      );
      const [row] = rows;
      if (!row) throw new NotRunError("the scratch server does not tell its version");
      if (row.major < manifest.server.major) {
        throw new NotRunError(
          `the scratch server has version ${row.version}, older than the backup's ${manifest.server.version}`,
        );
      }
      return { version: row.version, superuser: row.superuser };
    });
    lease = await leaseName(given, name, note);
  } catch (error) {
    throw error instanceof NotRunError ? error : new NotRunError(`scratch server: ${messageOf(error)}`);
  }
  return {
    kind: "url",
    ...facts,
    maintenance: given,
    database: withDatabase(given, name),
    created: (client) => lease.mark(client, name),
    lendRoles: (names) => lendRoles(given, names, lent),
    provision: () => Promise.resolve(new Set()),
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

/** Those of the names that are no role of the server. */
async function rolesLacking(server: ServerConnection, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  return withClient(server, async (client) => {
    const { rows } = await client.query<{ role: string }>(
      `SELECT DISTINCT role FROM unnest($1::text[]) AS w(role)
       WHERE role NOT IN (SELECT rolname FROM pg_catalog.pg_roles)`,
      [names],
    );
    return rows.map(({ role }) => role);
  });
}

async function lendRoles(server: ServerConnection, names: readonly string[], lent: string[]): Promise<void> {
  for (const role of await rolesLacking(server, names)) {
    try {
      await withClient(server, (client) => client.query(`CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`));
      lent.push(role);
    } catch (error) {
      if (/already exists/.test(messageOf(error))) continue;
      throw new NotRunError(
        `the scratch server lacks role ${role}, which the backup's policies name: ${messageOf(error)}`,
      );
    }
  }
}
