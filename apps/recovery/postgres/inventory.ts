import { createHash } from "node:crypto";
import type { Client } from "pg";
import type { Inventory, RoleInventory } from "../types";

/** Schemas of the system, and those that live for one session. */
export const OWN_SCHEMA = `n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`;
/** Objects an extension brings along are the extension's business: another release of it may have others. */
const notOfExtension = (catalogue: string, oid: string) => `NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.${catalogue}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

const RELATION_KINDS = `CASE c.relkind
  WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
  WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type'
  WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index' END`;

/** One row per object a dump carries: its kind and its name, qualified. */
const OBJECTS = `
SELECT ${RELATION_KINDS} AS kind, format('%I.%I', n.nspname, c.relname) AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
WHERE ${OWN_SCHEMA} AND c.relkind IN ('r','p','v','m','S','f','c','i','I')
  AND (x.indexrelid IS NULL OR (x.indisvalid OR c.relkind = 'I')) AND ${notOfExtension("pg_class", "c.oid")}
  AND (x.indexrelid IS NULL OR ${notOfExtension("pg_class", "x.indrelid")})
UNION ALL
SELECT 'schema', format('%I', n.nspname) FROM pg_catalog.pg_namespace n
WHERE ${OWN_SCHEMA} AND ${notOfExtension("pg_namespace", "n.oid")}
UNION ALL
SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END,
  format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE ${OWN_SCHEMA} AND ${notOfExtension("pg_proc", "p.oid")}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i
    WHERE i.classid = 'pg_catalog.pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
UNION ALL
SELECT CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range type' ELSE 'base type' END,
  format('%I.%I', n.nspname, t.typname)
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE ${OWN_SCHEMA} AND t.typtype IN ('d','e','r','b') AND t.typelem = 0 AND ${notOfExtension("pg_type", "t.oid")}
UNION ALL
SELECT CASE k.contype WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint'
    WHEN 'x' THEN 'exclusion constraint' ELSE 'check constraint' END,
  format('%I.%I.%I', n.nspname, c.relname, k.conname)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE ${OWN_SCHEMA} AND k.contype IN ('f','p','u','x','c') AND k.conparentid = 0
  AND ${notOfExtension("pg_class", "c.oid")}
UNION ALL
SELECT 'trigger', format('%I.%I.%I', n.nspname, c.relname, g.tgname)
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE ${OWN_SCHEMA} AND NOT g.tgisinternal AND ${notOfExtension("pg_class", "c.oid")}
UNION ALL
SELECT 'policy', format('%I.%I.%I', n.nspname, c.relname, y.polname)
FROM pg_catalog.pg_policy y JOIN pg_catalog.pg_class c ON c.oid = y.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE ${OWN_SCHEMA}
UNION ALL
SELECT 'rule', format('%I.%I.%I', n.nspname, c.relname, w.rulename)
FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class c ON c.oid = w.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE ${OWN_SCHEMA} AND w.rulename <> '_RETURN' AND ${notOfExtension("pg_class", "c.oid")}`;

const EXTENSIONS = `
SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 1`;

/** Roles without passwords; those of PostgreSQL and of Azure itself exist everywhere. */
const ROLES = `
SELECT r.rolname AS name, r.rolcanlogin AS login, r.rolinherit AS inherit, r.rolcreaterole AS "createRole",
  r.rolcreatedb AS "createDatabase", r.rolbypassrls AS "bypassRowSecurity",
  ARRAY(SELECT g.rolname::text FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    WHERE m.member = r.oid ORDER BY 1) AS "memberOf"
FROM pg_catalog.pg_roles r
WHERE r.rolname !~ '^(pg_|azure_|azuresu|replication$)' ORDER BY 1`;

export interface ObjectName {
  kind: string;
  name: string;
}

/** The objects of the database the client is connected to, in the client's snapshot. */
export async function readObjects(client: Client): Promise<ObjectName[]> {
  const { rows } = await client.query<ObjectName>(OBJECTS);
  return rows;
}

export function countByKind(objects: readonly ObjectName[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of objects) counts[kind] = (counts[kind] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([one], [other]) => one.localeCompare(other)));
}

export function digestObjects(objects: readonly ObjectName[]): string {
  // Sorted here, by code units: the order of a database depends on its collation.
  const lines = objects.map(({ kind, name }) => `${kind} ${name}`).sort();
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

/** Inventory of the client's database and of the server's roles. */
export async function readInventory(client: Client): Promise<Inventory> {
  const objects = await readObjects(client);
  const extensions = await client.query<Inventory["extensions"][number]>(EXTENSIONS);
  const roles = await client.query<RoleInventory>(ROLES);
  return {
    objects: countByKind(objects),
    objectsSha256: digestObjects(objects),
    extensions: extensions.rows,
    roles: roles.rows,
  };
}

export interface TableToDump {
  oid: number;
  /** Number of the file that holds its rows; another one after the table was emptied or written anew. */
  file: number;
  schema: string;
  table: string;
  unlogged: boolean;
  /** Row-level security hides rows of this table from the current role. */
  hidden: boolean;
  /** `WHERE …` of an extension's table: its other rows come with the extension. */
  filter: string | null;
}

/** Tables whose rows a dump must carry. */
export async function readTables(client: Client): Promise<TableToDump[]> {
  const { rows } = await client.query<TableToDump>(`
    SELECT c.oid::int8::float8 AS oid, c.relfilenode::int8::float8 AS file,
      n.nspname AS schema, c.relname AS table, c.relpersistence = 'u' AS unlogged,
      c.relrowsecurity AND NOT r.rolbypassrls AND NOT r.rolsuper
        AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')) AS hidden,
      NULLIF(x.filter, '') AS filter
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN (SELECT f.oid, f.filter, e.extname AS extension
        FROM pg_catalog.pg_extension e, unnest(e.extconfig, e.extcondition) AS f(oid, filter)) x ON x.oid = c.oid,
      (SELECT rolbypassrls, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) r
    WHERE c.relkind = 'r'
      AND (x.oid IS NOT NULL OR ${OWN_SCHEMA} AND ${notOfExtension("pg_class", "c.oid")})`);
  return rows;
}
