import type { Client } from "pg";
import { FailedError } from "../../../packages/command/errors";
import { describeServer, type ServerConnection } from "./connection";
import { disconnect, quoteIdentifier, withClient } from "./connect";
import { droppedOf, readUnlocked } from "./dropped";
import { readInventory, readTables, type TableToDump } from "./inventory";
import { largeTables, type LargeTable } from "./largeTables";
import { requireLegibleNames } from "./names";
import { longRowsOf, type RowLimits } from "./longRows";
import { readNotDumped } from "./notDumped";
import { readNullable } from "./nullable";
import { readProperties } from "./properties";
import type { LeftOut } from "../leaveOut";
import type { DatabaseProperties, Inventory, Manifest } from "../types";

const TABLES_PER_QUERY = 50;

/** What a snapshot holds beside rows. */
export interface SnapshotFacts {
  inventory: Inventory;
  properties: DatabaseProperties;
  /** What the dump will not hold. */
  notDumped: LeftOut[];
  nullable: NonNullable<Manifest["nullable"]>;
}

/** Names of what has changed since a snapshot was taken, by what became of it. */
export interface Missed {
  /** Tables that have been emptied or written anew: to the snapshot they are empty now, whatever they held. */
  rewritten: string[];
  /** Objects that were dropped, with their kinds. */
  dropped: string[];
}

/** A database as of one instant, and a session that keeps this instant readable. */
export interface Snapshot {
  /** For `pg_dump --snapshot`. */
  name: string;
  at: Date;
  server: Manifest["server"];
  /** What else a manifest says of the database: read in the snapshot, beside its dump. */
  facts: Promise<SnapshotFacts>;
  tables: TableToDump[];
  /** Rows of more bytes are to be cut into pieces; undefined: pg_dump can hold the longest. */
  longRowBytes: number | undefined;
  /** Those of the tables that are worth several sessions; none where rows are cut, which is done for pg_dump alone. */
  large: LargeTable[];
  /**
   * Rows of every table in the snapshot, by `schema\0table`. Counted in sessions of their own, a few tables at a time:
   * in this one every table and index would stay locked to the end, and an error would end the snapshot for pg_dump too.
   */
  countRows(signal: AbortSignal): Promise<Map<string, number>>;
  /**
   * What a dump would miss, although the snapshot shows it. Once pg_dump has every lock and definition nothing more can
   * become that.
   */
  missed(): Promise<Missed>;
  close(): Promise<void>;
}

/**
 * Opens a repeatable-read transaction and exports its snapshot: a dump made with it sees exactly what the
 * inventory and the counts see, whatever is written meanwhile.
 * @param client a session for it alone, which ends with it
 * @param lockWaitMs longest wait for the lock on a table
 * @throws FailedError when a table's rows are hidden from the role, or it gives one out
 * to nobody
 */
export async function openSnapshot(
  client: Client,
  server: ServerConnection,
  lockWaitMs: number,
  limits?: RowLimits,
): Promise<Snapshot> {
  const lockWait = { lock_timeout: String(lockWaitMs) };
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const facts = await readFacts(client, server);
    if (facts.server.encoding === "SQL_ASCII") await requireLegibleNames(client);
    const tables = await readTables(client);
    const hidden = tables.filter((table) => table.hidden).map(({ schema, table }) => `${schema}.${table}`);
    if (hidden.length > 0) {
      // A login may act as another role, whose attributes count then.
      const { rows } = await client.query<{ role: string }>("SELECT current_user::text AS role");
      const role = rows[0]?.role ?? server.user;
      throw new FailedError(
        `row-level security hides rows of ${hidden.join(", ")} in ${describeServer(server)} from role ` +
          `"${role}"; a backup would be incomplete: ALTER ROLE ${quoteIdentifier(role)} BYPASSRLS`,
      );
    }
    const longRowBytes = await longRowsOf(client, server, { name: facts.name, tables, lockWait }, limits);
    const large =
      longRowBytes === undefined ? await largeTables(client, facts.server, tables, limits?.largeTable) : [];
    const more = readMore(client);
    const unlocked = readUnlocked(client);
    // Whoever waits for it learns of it; a snapshot that is given up has nobody who does.
    for (const promise of [more, unlocked]) promise.catch(() => undefined);
    return {
      ...facts,
      facts: more,
      tables,
      longRowBytes,
      large,
      countRows: (signal) =>
        countRows(
          server,
          facts.name,
          facts.server.inRecovery ? tables.filter((t) => !t.unlogged) : tables,
          lockWait,
          signal,
        ),
      async missed() {
        const objects = await unlocked;
        return withClient(server, async (fresh) => ({
          rewritten: await rewrittenTables(fresh, tables),
          dropped: await droppedOf(fresh, objects),
        }));
      },
      close: () => disconnect(client),
    };
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

async function readMore(client: Client): Promise<SnapshotFacts> {
  const inventory = await readInventory(client);
  const properties = await readProperties(client);
  const notDumped = await readNotDumped(client);
  return { inventory, properties, notDumped, nullable: await readNullable(client) };
}

type Facts = Omit<Manifest["server"], "host" | "port" | "systemIdentifier"> & { name: string; at: number };

async function readFacts(
  client: Client,
  server: ServerConnection,
): Promise<Pick<Snapshot, "name" | "at" | "server">> {
  const { rows } = await client.query<Facts>(`
    SELECT pg_catalog.pg_export_snapshot() AS name,
      (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::float8 AS at,
      pg_catalog.pg_is_in_recovery() AS "inRecovery",
      CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
        ELSE pg_catalog.pg_current_wal_lsn() END::text AS lsn,
      current_setting('server_version') AS version,
      current_setting('server_version_num')::int / 10000 AS major,
      pg_catalog.pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collate, d.datctype AS ctype,
      pg_catalog.pg_database_size(d.oid)::float8 AS "databaseBytes"
    FROM pg_catalog.pg_database d WHERE d.datname = current_database()`);
  const [facts] = rows;
  if (!facts) throw new FailedError(`database ${describeServer(server)} vanished while it was being opened`);
  const { name, at, ...known } = facts;
  return {
    name,
    at: new Date(Math.floor(at)),
    server: {
      ...known,
      host: server.host,
      port: server.port,
      systemIdentifier: await systemIdentifier(client),
    },
  };
}

/** Null where the role may not know: a managed service keeps it to itself. */
async function systemIdentifier(client: Client): Promise<string | null> {
  const allowed = await client.query(
    "SELECT has_function_privilege(current_user, 'pg_catalog.pg_control_system()', 'EXECUTE') AS allowed",
  );
  if (!(allowed.rows[0] as { allowed: boolean }).allowed) return null;
  const { rows } = await client.query(
    "SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()",
  );
  return (rows[0] as { id: string }).id;
}

async function countRows(
  server: ServerConnection,
  snapshot: string,
  tables: readonly TableToDump[],
  lockWait: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  if (tables.length === 0) return counts;
  await withClient(
    server,
    async (client) => {
      // It may be waiting for somebody's lock.
      signal.addEventListener("abort", () => client.connection.stream.destroy(), { once: true });
      for (let from = 0; from < tables.length; from += TABLES_PER_QUERY) {
        const batch = tables.slice(from, from + TABLES_PER_QUERY);
        const parts = batch.map(
          ({ schema, table, filter }, index) =>
            `SELECT ${index} AS index, (SELECT count(*)::float8 FROM ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(table)} ${filter ?? ""}) AS rows`,
        );
        signal.throwIfAborted();
        await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)}`);
        const { rows } = await client.query<{ index: number; rows: number }>(parts.join(" UNION ALL "));
        await client.query("COMMIT");
        for (const { index, rows: count } of rows) {
          const { schema, table } = batch[index] as TableToDump;
          counts.set(`${schema}\0${table}`, count);
        }
      }
    },
    lockWait,
  );
  return counts;
}

async function rewrittenTables(client: Client, tables: readonly TableToDump[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', w.schema, w.name) AS name
     FROM unnest($1::oid[], $2::oid[], $3::text[], $4::text[]) AS w(oid, file, schema, name)
     WHERE pg_catalog.pg_relation_filenode(w.oid) IS DISTINCT FROM w.file ORDER BY 1`,
    [
      tables.map(({ oid }) => oid),
      tables.map(({ file }) => file),
      tables.map(({ schema }) => schema),
      tables.map(({ table }) => table),
    ],
  );
  return rows.map(({ name }) => name);
}
