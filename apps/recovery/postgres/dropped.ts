import type { Client } from "pg";
import { OWN_SCHEMA } from "./inventory";

/** An object of a snapshot that pg_dump does not lock. */
export interface Unlocked {
  kind: "index" | "function" | "statistics";
  oid: number;
  name: string;
}

/**
 * Objects whose definition pg_dump asks the server for, which says nothing of one that is no more, whatever the snapshot
 * shows: an index or a statistics object would be missing in the dump without a word, a function would lose its arguments.
 */
export async function readUnlocked(client: Client): Promise<Unlocked[]> {
  const { rows } = await client.query<Unlocked>(`
    SELECT 'index' AS kind, c.oid::int8::float8 AS oid, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('i', 'I') AND ${OWN_SCHEMA}
    UNION ALL
    SELECT 'function', p.oid::int8::float8, format('%I.%I', n.nspname, p.proname)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN_SCHEMA}
    UNION ALL
    SELECT 'statistics', s.oid::int8::float8, format('%I.%I', n.nspname, s.stxname)
    FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE ${OWN_SCHEMA}`);
  return rows;
}

/** Those that are there no more. @param client a session that does not see the snapshot */
export async function droppedOf(client: Client, objects: readonly Unlocked[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT w.kind || ' ' || w.name AS name FROM unnest($1::text[], $2::oid[], $3::text[]) AS w(kind, oid, name)
     WHERE NOT CASE w.kind WHEN 'index' THEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = w.oid)
       WHEN 'function' THEN EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.oid = w.oid)
       ELSE EXISTS (SELECT FROM pg_catalog.pg_statistic_ext s WHERE s.oid = w.oid) END
     ORDER BY 1`,
    [objects.map(({ kind }) => kind), objects.map(({ oid }) => oid), objects.map(({ name }) => name)],
  );
  return rows.map(({ name }) => name);
}
