import { totalmem } from "node:os";
import type { Client } from "pg";
import { FailedError } from "../../../packages/command/errors";
import { formatBytes } from "../progress";
import { quoteIdentifier } from "./connect";
import type { TableToDump } from "./inventory";

const MIB = 1024 * 1024;
/** What the runner and the compressor take beside pg_dump. */
const BESIDE = 300 * MIB;
/** pg_dump holds a row's text as it was received, and once more to write it (measured with 200 MB in one value). */
const COPIES = 2;
/** Values that take less than this all together, compressed as they may be, are no row that matters. */
const SMALL = MIB;
/** A stored jsonb, array or the like is longer as text, and may have been compressed. */
const WIDER = 4;

interface Column {
  schema: string;
  table: string;
  name: string;
  type: "bytea" | "text" | "other";
}

/**
 * Makes sure that pg_dump can hold the longest row. Where it cannot, the kernel would end it, or everything in its
 * container, and nobody would say why. Lengths are read without the values; tables without large values are not read.
 * @param memory bytes that everything here may take together; undefined: nobody limits it
 * @throws FailedError naming the table, what it needs and what there is
 */
export async function requireMemory(
  client: Client,
  tables: readonly TableToDump[],
  memory: number | undefined,
): Promise<void> {
  if (memory === undefined) return;
  for (const columns of await largeColumns(client, tables)) {
    const [{ schema, table } = { schema: "", table: "" }] = columns;
    const { filter = null } = tables.find((one) => one.schema === schema && one.table === table) ?? {};
    const { rows } = await client.query<{ bytes: number | null }>(
      `SELECT max(${columns.map(textBytes).join(" + ")})::float8 AS bytes
       FROM ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(table)} ${filter ?? ""}`,
    );
    const needed = COPIES * (rows[0]?.bytes ?? 0) + BESIDE;
    if (needed <= memory) continue;
    throw new FailedError(
      `table ${schema}.${table} has a row of ${formatBytes(rows[0]?.bytes ?? 0)} as text, for which pg_dump and what ` +
        `runs beside it need ${formatBytes(needed)} of memory; ${formatBytes(memory)} is the limit here: give the backup more`,
    );
  }
}

/** Bytes of a column's value as text, without reading a value that is stored apart. */
function textBytes({ name, type }: Column): string {
  const column = quoteIdentifier(name);
  if (type === "bytea") return `COALESCE(2 * pg_catalog.octet_length(${column})::int8, 0)`;
  if (type === "text") return `COALESCE(pg_catalog.octet_length(${column})::int8, 0)`;
  return `COALESCE(${WIDER} * pg_catalog.pg_column_size(${column})::int8, 0)`;
}

/** Columns of any length, by table, of tables with large values. */
async function largeColumns(client: Client, tables: readonly TableToDump[]): Promise<Column[][]> {
  const { rows } = await client.query<Column & { oid: number }>(
    `SELECT c.oid::int8::float8 AS oid, n.nspname AS schema, c.relname AS table, a.attname AS name,
       CASE WHEN a.atttypid = 'pg_catalog.bytea'::regtype THEN 'bytea'
         WHEN a.atttypid IN ('pg_catalog.text'::regtype, 'pg_catalog.varchar'::regtype) THEN 'text' ELSE 'other' END AS type
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attlen = -1
     WHERE c.oid = ANY($1::oid[]) AND c.reltoastrelid <> 0
       AND pg_catalog.pg_relation_size(c.reltoastrelid) >= $2
     ORDER BY c.oid, a.attnum`,
    [tables.map(({ oid }) => oid), SMALL],
  );
  const tablesOf = new Map<number, Column[]>();
  for (const { oid, ...column } of rows) tablesOf.set(oid, [...(tablesOf.get(oid) ?? []), column]);
  return [...tablesOf.values()];
}

/** Bytes that everything in this container may take together; undefined: no less than the machine has. */
export function memoryLimit(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}
