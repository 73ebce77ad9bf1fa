import type { Client } from "pg";
import type { Manifest } from "../types";
import { OWN_SCHEMA } from "./inventory";

/** Columns of children that take NULL although a table they inherit from, directly or not, has them NOT NULL. */
const NULLABLE = `
WITH RECURSIVE above AS (
  SELECT i.inhrelid AS oid, i.inhparent AS parent FROM pg_catalog.pg_inherits i
  UNION SELECT above.oid, i.inhparent FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.parent
)
SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS table, a.attname AS column
FROM above JOIN pg_catalog.pg_class c ON c.oid = above.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull
  JOIN pg_catalog.pg_attribute p ON p.attrelid = above.parent AND p.attname = a.attname AND p.attnotnull
WHERE c.relkind = 'r' AND ${OWN_SCHEMA} ORDER BY 1, 2`;

/** What a dump from before PostgreSQL 18 does not say of a child: which of its columns may be NULL all the same. */
export async function readNullable(client: Client): Promise<NonNullable<Manifest["nullable"]>> {
  return (await client.query<{ table: string; column: string }>(NULLABLE)).rows;
}

/** Lets these columns take NULL again. @param client the tables' owner */
export async function makeNullable(client: Client, columns: Manifest["nullable"] = []): Promise<void> {
  for (const { table, column } of columns)
    await client.query(
      `ALTER TABLE ONLY ${table} ALTER COLUMN ${client.escapeIdentifier(column)} DROP NOT NULL`,
    );
}
