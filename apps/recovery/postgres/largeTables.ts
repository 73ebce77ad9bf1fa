import type { Client } from "pg";
import type { TableToDump } from "./inventory";

/** Below this, reading a table takes less time than dividing it does. */
const LARGE_TABLE_BYTES = 8 * 1024 * 1024;
/** Each session that reads them locks all of them with their indexes, and a server's places for locks are counted. */
const MOST_TABLES = 32;
/** First release that reads a range of pages without reading those before it. */
const READS_RANGES = 14;

/** A table whose rows sessions of the runner read, instead of pg_dump. */
export interface LargeTable {
  oid: number;
  schema: string;
  table: string;
  /** Qualified, and quoted as pg_dump does. */
  name: string;
  /** As pg_dump lists them: generated ones are not among them. */
  columns: string;
}

/** How pg_dump asks for its rows. */
export const dumpStatement = ({ name, columns }: LargeTable) => `COPY ${name} (${columns}) TO stdout;`;

/**
 * The largest tables that can be read by ranges of pages, as of their last vacuum or analysis: one that nobody has
 * counted since it was filled is pg_dump's. Nothing is locked.
 * @param tables that a dump must carry
 * @param least bytes on disk, default 8 MiB
 */
export async function largeTables(
  client: Client,
  { major, inRecovery }: { major: number; inRecovery: boolean },
  tables: readonly TableToDump[],
  least = LARGE_TABLE_BYTES,
): Promise<LargeTable[]> {
  if (major < READS_RANGES) return [];
  const whole = tables.filter(({ filter, unlogged }) => filter === null && !(unlogged && inRecovery));
  const { rows } = await client.query<LargeTable>(
    `SELECT c.oid::int8::float8 AS oid, n.nspname AS schema, c.relname AS table,
       format('%I.%I', n.nspname, c.relname) AS name, l.columns
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'heap'
       LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid,
       LATERAL (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS columns
         FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') l,
       LATERAL (SELECT (GREATEST(c.relpages, 0)::int8 + GREATEST(t.relpages, 0)) * current_setting('block_size')::int8
         AS bytes) s
     WHERE c.oid = ANY($1::oid[]) AND l.columns IS NOT NULL AND s.bytes >= $2
     ORDER BY s.bytes DESC LIMIT ${MOST_TABLES}`,
    [whole.map(({ oid }) => oid), least],
  );
  return rows;
}
