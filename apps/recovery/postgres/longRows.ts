import type { Client } from "pg";
import { FailedError } from "../../../packages/command/errors";
import { formatBytes } from "../progress";
import { quoteIdentifier, withClient } from "./connect";
import type { ServerConnection } from "./connection";
import type { TableToDump } from "./inventory";

const MIB = 1024 * 1024;
/** pg_dump holds a row up to three times, and COPY may double its text: six times this are within 200 MiB. */
const LONG_ROW = 16 * MIB;
/** Rows longer than this are cut where one is longer than {@link LONG_ROW}: pg_dump then holds little more. */
const CUT_ABOVE = MIB;
/** A server makes no text of a row of as much: its largest allocation. */
const NO_TEXT = 1024 * MIB;
/** How much longer a stored jsonb, array or the like is as text, at most, if it was not compressed. */
const WIDER = 8;
/** A value compressed to this part of the longest row may be longer than it: only its text says. */
const COMPRESSED = 100;

/** Bytes of a row as text, and of a table; other than the defaults only in tests. */
export interface RowLimits {
  /** Longer ones are cut. */
  longRow?: number;
  /** None is as long. */
  noText?: number;
  /** A larger table is read by the runner itself. */
  largeTable?: number;
}

interface Column {
  schema: string;
  table: string;
  name: string;
  type: "bytea" | "text" | "other";
}

/**
 * Looks for rows that pg_dump could not hold. Only tables with large values are read, most without the values, and in a
 * session of its own: in the snapshot's each would stay locked to the end.
 * @param exporting the session of the snapshot
 * @param snapshot its name, what it holds, and the settings that bound a session's wait for a lock
 * @returns above how many bytes a row is to be cut into pieces; undefined: no row is too long
 * @throws FailedError naming the table with a row that no server can give out, whoever asks
 */
export async function longRowsOf(
  exporting: Client,
  server: ServerConnection,
  snapshot: { name: string; tables: readonly TableToDump[]; lockWait: Readonly<Record<string, string>> },
  { longRow = LONG_ROW, noText = NO_TEXT }: RowLimits = {},
): Promise<number | undefined> {
  const { name, tables, lockWait } = snapshot;
  const large = await largeColumns(exporting, tables, longRow / COMPRESSED);
  if (large.length === 0) return undefined;
  return withClient(
    server,
    async (client) => {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(name)}`);
      let longest = 0;
      for (const columns of large) {
        const [{ schema, table } = { schema: "", table: "" }] = columns;
        const { filter = null } = tables.find((one) => one.schema === schema && one.table === table) ?? {};
        const exact = columns.filter(({ type }) => type !== "other");
        const { rows } = await client.query<{ bytes: number | null; sure: number | null }>(
          `SELECT max(${sum(columns, longRow)})::float8 AS bytes, max(${sum(exact, longRow)})::float8 AS sure
         FROM ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(table)} ${filter ?? ""}`,
        );
        const [{ bytes, sure } = { bytes: 0, sure: 0 }] = rows;
        if ((sure ?? 0) >= noText)
          throw new FailedError(
            `table ${schema}.${table} has a row of ${formatBytes(sure ?? 0)} as text, and PostgreSQL gives out none of ` +
              `${formatBytes(noText)} or more: no dump can hold it; divide its values, or make large objects of them`,
          );
        longest = Math.max(longest, bytes ?? 0);
      }
      return longest > longRow ? Math.min(longRow, CUT_ABOVE) : undefined;
    },
    lockWait,
  );
}

const sum = (columns: readonly Column[], longRow: number) =>
  columns.map((column) => textBytes(column, longRow)).join(" + ") || "0";

/** Bytes of a column's value as text; of most values without reading one that is stored apart. */
function textBytes({ name, type }: Column, longRow: number): string {
  const column = quoteIdentifier(name);
  if (type === "bytea") return `COALESCE(2 * pg_catalog.octet_length(${column})::int8, 0)`;
  if (type === "text") return `COALESCE(pg_catalog.octet_length(${column})::int8, 0)`;
  const stored = `pg_catalog.pg_column_size(${column})::int8`;
  const large = `${COMPRESSED} * ${stored} > ${longRow} THEN pg_catalog.octet_length(${column}::text)::int8`;
  return `COALESCE(CASE WHEN ${large} ELSE ${WIDER} * ${stored} END, 0)`;
}

/** Columns of any length, by table, of tables whose large values take as much all together, compressed as they may be. */
async function largeColumns(
  client: Client,
  tables: readonly TableToDump[],
  storedBytes: number,
): Promise<Column[][]> {
  const { rows } = await client.query<Column & { oid: number }>(
    `SELECT c.oid::int8::float8 AS oid, n.nspname AS schema, c.relname AS table, a.attname AS name,
       CASE WHEN a.atttypid = 'pg_catalog.bytea'::regtype THEN 'bytea'
         WHEN a.atttypid IN ('pg_catalog.text'::regtype, 'pg_catalog.varchar'::regtype) THEN 'text' ELSE 'other' END AS type
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attlen = -1
     WHERE c.oid = ANY($1::oid[]) AND c.reltoastrelid <> 0
       AND pg_catalog.pg_relation_size(c.reltoastrelid) >= $2
     ORDER BY c.oid, a.attnum`,
    [tables.map(({ oid }) => oid), Math.floor(storedBytes)],
  );
  const tablesOf = new Map<number, Column[]>();
  for (const { oid, ...column } of rows) tablesOf.set(oid, [...(tablesOf.get(oid) ?? []), column]);
  return [...tablesOf.values()];
}
