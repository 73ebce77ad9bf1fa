import type { Client } from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { FailedError, messageOf, UsageError } from "../../../packages/command/errors";
import { connect, quoteIdentifier, withClient } from "./connect";
import { describeServer, withDatabase, type ServerConnection } from "./connection";
import { databaseExists, isEmptyDatabase } from "./databases";

/** Databases that belong to PostgreSQL or to Azure. */
const RESERVED = ["postgres", "template0", "template1", "azure_maintenance", "azure_sys"];
const MAX_NAME_BYTES = 63;
const RENAME_ATTEMPTS = 20;
/** Attempts while a session is there that only its owner can end. */
const PATIENCE = 2;

/** Where a restore writes to first, and what stands in its way. */
export interface Target {
  kind: "new" | "empty" | "replace";
  /** Any database that is there, to create and rename from. */
  maintenance: ServerConnection;
  /** The database to load into. */
  working: ServerConnection;
}

/**
 * Finds out whether a database may be restored into.
 * @param confirmed the name the caller typed to have an existing database replaced
 * @throws UsageError when it holds data and nobody confirmed, or the name cannot be used
 */
export async function openTarget(
  server: ServerConnection,
  name: string,
  confirmed: string | undefined,
  now: Date,
): Promise<Target> {
  if (RESERVED.includes(name))
    throw new UsageError(`--to ${name}: this database belongs to the server itself`);
  const length = Buffer.byteLength(name);
  if (length === 0 || length > MAX_NAME_BYTES) {
    throw new UsageError(`--to: a database name has 1 to ${MAX_NAME_BYTES} bytes, this one has ${length}`);
  }
  if (confirmed !== undefined && confirmed !== name) {
    throw new UsageError(
      `--replace: "${confirmed}" was typed, the database is "${name}"; nothing was changed`,
    );
  }
  const maintenance = await reachable(server);
  const target = withDatabase(server, name);
  if (!(await withClient(maintenance, (client) => databaseExists(client, name)))) {
    return { kind: "new", maintenance, working: target };
  }
  if (await withClient(target, isEmptyDatabase)) return { kind: "empty", maintenance, working: target };
  if (confirmed === undefined) {
    throw new UsageError(
      `database ${describeServer(target)} is not empty and was left as it is; restore to a new name, ` +
        `or add --replace --confirm ${name}`,
    );
  }
  return { kind: "replace", maintenance, working: withDatabase(server, besideName(name, "restore", now)) };
}

/** The database the URL names may be the one that was lost. */
async function reachable(server: ServerConnection): Promise<ServerConnection> {
  const candidates = [...new Set(["postgres", server.database, "template1"])];
  let failure: unknown;
  for (const database of candidates) {
    try {
      await (await connect(withDatabase(server, database))).end();
      return withDatabase(server, database);
    } catch (error) {
      failure ??= error;
      // Only these say that another database may work; a refused login would only be refused again.
      if (!/does not exist|permission denied|not currently accepting/.test(messageOf(error))) break;
    }
  }
  throw failure;
}

/** `app_restore_20260205T030000Z`, cut so that it stays a legal name. */
function besideName(name: string, what: string, now: Date): string {
  const suffix = `_${what}_${now.toISOString().replace(/[-:]|\.\d+/g, "")}`;
  let head = name;
  while (Buffer.byteLength(head + suffix) > MAX_NAME_BYTES) head = head.slice(0, -1);
  return head + suffix;
}

/**
 * Puts the restored database in the place of the existing one, which is kept under another name.
 * @returns the name the previous content has now
 */
export async function swapDatabases(target: Target, name: string, now: Date): Promise<string> {
  const previous = besideName(name, "before", now);
  await withClient(target.maintenance, async (client) => {
    await renameDatabase(client, name, previous);
    try {
      await renameDatabase(client, target.working.database, name);
    } catch (error) {
      await renameDatabase(client, previous, name);
      throw error;
    }
  });
  return previous;
}

async function renameDatabase(client: Client, from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(`ALTER DATABASE ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(to)}`);
      return;
    } catch (error) {
      const inUse = /being accessed by other users/.test(messageOf(error));
      // The server itself has waited five seconds for them by now.
      const held = inUse ? await remaining(client, from) : [];
      if (attempt < RENAME_ATTEMPTS && inUse && (held.length === 0 || attempt < PATIENCE)) {
        await sleep(100);
        continue;
      }
      const reason = inUse
        ? held.length > 0
          ? `a session of ${held.join(", ")} uses it, which the restoring role may not end`
          : "others keep connecting to it; stop the application first"
        : messageOf(error);
      throw new FailedError(`database ${from} could not be renamed to ${to}: ${reason}`);
    }
  }
}

/** Ends the sessions of a database that may be ended, and says whose are left. */
async function remaining(client: Client, database: string): Promise<string[]> {
  const { rows } = await client.query<{ pid: number; who: string }>(
    `SELECT pid, format('%s (%s)', usename, NULLIF(application_name, '')) AS who
     FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid()`,
    [database],
  );
  const left: string[] = [];
  for (const { pid, who } of rows) {
    try {
      await client.query("SELECT pg_catalog.pg_terminate_backend($1)", [pid]);
    } catch {
      // Only a superuser may end a superuser's session.
      left.push(who);
    }
  }
  return [...new Set(left)];
}

export async function dropDatabase(maintenance: ServerConnection, name: string): Promise<void> {
  await withClient(maintenance, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`),
  );
}
