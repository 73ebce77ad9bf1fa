import type { Client } from "pg";
import { UsageError } from "../../../packages/command/errors";
import type { TableFingerprint } from "../types";
import { personalKind } from "./catalogue";
import { columnsOf, type MaskRules } from "./rules";

/** Names of what the types of columns consist of: parts of composite types, whichever arrays, domains and ranges hold them. */
const PARTS = `WITH RECURSIVE inside("table", "column", type, part) AS (
    SELECT w.name, a.attname::text, a.atttypid, NULL::name FROM unnest($1::text[]) AS w(name)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(w.name) AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT inside."table", inside."column", next.type, next.part FROM inside
      JOIN pg_catalog.pg_type t ON t.oid = inside.type,
      LATERAL (
        SELECT t.typelem AS type, NULL::name AS part WHERE t.typelem <> 0
        UNION ALL SELECT t.typbasetype, NULL WHERE t.typbasetype <> 0
        UNION ALL SELECT r.rngsubtype, NULL FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid
        UNION ALL SELECT a.atttypid, a.attname FROM pg_catalog.pg_attribute a
          WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
      ) AS next
  )
  SELECT DISTINCT "table", "column", part FROM inside WHERE part IS NOT NULL ORDER BY 1, 2, 3`;

/**
 * Refuses columns without a rule of whose composite type a part looks personal: a dump names the type alone, so this is
 * found out when the tables are there, and have no rows yet.
 * @throws UsageError naming each
 */
export async function requireRulesOfParts(
  client: Client,
  { columns }: MaskRules,
  tables: readonly TableFingerprint[],
): Promise<void> {
  const named = new Map(tables.map(({ name, copy }) => [name, columnsOf(copy).table]));
  const { rows } = await client.query<{ table: string; column: string; part: string }>(PARTS, [
    [...named.keys()],
  ]);
  const problems = rows.flatMap(({ table, column, part }) => {
    const name = `${named.get(table) ?? table}.${column}`;
    const kind = columns.has(name) ? undefined : personalKind(part);
    return kind === undefined
      ? []
      : [`--mask: part ${part} of column ${name} looks like ${kind}, and the column has no rule`];
  });
  if (problems.length > 0) throw new UsageError([...problems, "nothing of it is kept"]);
}
