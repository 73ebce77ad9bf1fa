import type { Client } from "pg";
import { FailedError, messageOf } from "../../../packages/command/errors";
import { quoteIdentifier } from "../postgres/connect";
import { copyOutStatement, type TocEntry } from "../postgres/toc";
import { wordsOf } from "../postgres/statements";
import { sqlName, tableName, type Parts } from "./parts";

/** A foreign key of the database that one of the tables has or is named in. */
export interface ForeignKey {
  name: string;
  /** The table that has it and the one it names, as SQL needs them. */
  own: string;
  other: string;
  definition: string;
  comment: string | null;
}

/** What a lock is waited for, and how often: whoever waits for one that excludes readers makes them wait, too. */
const LOCK_WAIT = { each: "5s", attempts: 6 };
/** SQLSTATE of a lock that could not be had in time, and of a deadlock that was broken. */
const LOCKED = new Set(["55P03", "40P01"]);

/** Owners of tables, named as SQL needs them, and of schemas. */
export async function ownersOf(
  client: Client,
  tables: readonly string[],
  schemas: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ owner: string }>(
    `SELECT DISTINCT pg_catalog.pg_get_userbyid(c.relowner) AS owner FROM pg_catalog.pg_class c
       WHERE c.oid = ANY(SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS w(name))
     UNION SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY($2)`,
    [tables, schemas],
  );
  return rows.map(({ owner }) => owner);
}

/** Foreign keys that tables of the database have or are named in, each once: a partition's is its table's. */
export async function foreignKeys(client: Client, tables: readonly TocEntry[]): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `WITH RECURSIVE touched AS (
       SELECT k.oid, k.conparentid FROM pg_catalog.pg_constraint k,
         (SELECT pg_catalog.to_regclass(name) AS oid FROM unnest($1::text[]) AS w(name)) t
       WHERE k.contype = 'f' AND (k.conrelid = t.oid OR k.confrelid = t.oid)
       UNION SELECT k.oid, k.conparentid FROM pg_catalog.pg_constraint k JOIN touched ON k.oid = touched.conparentid)
     SELECT k.conname AS name, k.conrelid::regclass::text AS own, k.confrelid::regclass::text AS other,
       pg_catalog.pg_get_constraintdef(k.oid) AS definition, pg_catalog.obj_description(k.oid, 'pg_constraint') AS comment
     FROM pg_catalog.pg_constraint k WHERE k.conparentid = 0 AND k.oid IN (SELECT oid FROM touched) ORDER BY 2, 1`,
    [tables.map(sqlName)],
  );
  return rows;
}

/** A check that was never held against the rows that were there, which may break it. */
export interface LooseCheck {
  own: string;
  name: string;
  definition: string;
  comment: string | null;
}

/** Check constraints of tables that are not valid, each once: a partition's is its table's. */
export async function looseChecks(client: Client, tables: readonly TocEntry[]): Promise<LooseCheck[]> {
  const { rows } = await client.query<LooseCheck>(
    `SELECT k.conrelid::regclass::text AS own, k.conname AS name, pg_catalog.pg_get_constraintdef(k.oid) AS definition,
       pg_catalog.obj_description(k.oid, 'pg_constraint') AS comment
     FROM pg_catalog.pg_constraint k
     WHERE k.contype = 'c' AND NOT k.convalidated AND k.coninhcount = 0
       AND k.conrelid IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS w(name)) ORDER BY 1, 2`,
    [tables.map(sqlName)],
  );
  return rows;
}

/**
 * An owner may have given up rights on a table of theirs: the session takes those it lacks to replace the rows of tables,
 * and to lock others.
 * @returns the statements that give them up again
 */
export async function takeRights(
  client: Client,
  replaced: readonly string[],
  others: readonly string[],
): Promise<string[]> {
  const wanted = [
    ...replaced.flatMap((table) =>
      ["SELECT", "INSERT", "TRUNCATE"].map((right) => ({ table, right, or: right })),
    ),
    // Any of the three is enough for a lock.
    ...others
      .filter((table) => !replaced.includes(table))
      .map((table) => ({ table, right: "TRUNCATE", or: "TRUNCATE, UPDATE, DELETE" })),
  ];
  const { rows } = await client.query<{ table: string; right: string }>(
    `SELECT DISTINCT w."table", w."right"
     FROM unnest($1::text[], $2::text[], $3::text[]) AS w("table", "right", anyof),
       LATERAL pg_catalog.to_regclass(w."table") AS o(oid)
     WHERE o.oid IS NOT NULL AND NOT pg_catalog.has_table_privilege(o.oid, w.anyof)`,
    [wanted.map(({ table }) => table), wanted.map(({ right }) => right), wanted.map((one) => one.or)],
  );
  const each = (verb: string, preposition: string) =>
    rows.map(({ table, right }) => `${verb} ${right} ON TABLE ${table} ${preposition} CURRENT_USER`);
  await runAll(client, each("GRANT", "TO"));
  return each("REVOKE", "FROM");
}

/**
 * Locks tables against everybody else until the transaction ends, patiently, but never holding readers up for long.
 * @param asking session of who may see what others do
 * @param begin starts the transaction; called again for each attempt
 * @throws FailedError naming whoever holds them
 */
export async function lockTables(
  client: Client,
  asking: Client,
  tables: readonly string[],
  begin: () => Promise<void>,
  note: (message: string) => void,
): Promise<void> {
  const sorted = [...new Set(tables)].sort();
  for (let attempt = 1; ; attempt += 1) {
    await begin();
    try {
      await client.query(`SET LOCAL lock_timeout = '${LOCK_WAIT.each}'`);
      if (sorted.length > 0)
        await client.query(
          `LOCK TABLE ${sorted.map((name) => `ONLY ${name}`).join(", ")} IN ACCESS EXCLUSIVE MODE`,
        );
      return;
    } catch (error) {
      await client.query("ROLLBACK");
      if (!LOCKED.has((error as { code?: string }).code ?? "")) throw error;
      const holders = await holdersOf(asking, sorted);
      if (attempt === LOCK_WAIT.attempts)
        throw new FailedError(
          `the tables are in use by ${holders}; nothing was changed. Stop what uses them and try again`,
        );
      note(`waiting for the tables, which ${holders} uses: attempt ${attempt} of ${LOCK_WAIT.attempts}`);
    }
  }
}

async function holdersOf(client: Client, tables: readonly string[]): Promise<string> {
  const { rows } = await client.query<{ who: string }>(
    `SELECT DISTINCT pg_catalog.format('%s (%s)', a.usename, NULLIF(a.application_name, '')) AS who
     FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
     WHERE l.granted AND l.pid <> pg_catalog.pg_backend_pid()
       AND l.relation IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS w(name))`,
    [tables],
  );
  return rows.map(({ who }) => who).join(", ") || "somebody who is gone now";
}

/** A relation of the database by the name of a table of the backup. */
interface Shape {
  name: string;
  isTable: boolean;
  columns: string[] | null;
  /** Partitions that are not among the tables. */
  others: string[] | null;
}

/**
 * Refuses tables that would lose more than rows: columns that the backup does not have, or partitions of which it has no
 * rows. A table that comes with one of its partitions keeps the others.
 * @throws FailedError naming all of them
 */
export async function requireSameShape(
  client: Client,
  { existing, replaced }: Pick<Parts, "existing" | "replaced">,
  data: readonly TocEntry[],
): Promise<void> {
  const { rows } = await client.query<Shape>(
    `SELECT w.name, c.relkind IN ('r', 'p') AS "isTable",
       (SELECT pg_catalog.array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       (SELECT pg_catalog.array_agg(p.relid::text) FROM pg_catalog.pg_partition_tree(c.oid) p
        WHERE w.name = ANY($2) AND p.isleaf AND p.relid <> c.oid AND p.relid <> ALL
          (SELECT pg_catalog.to_regclass(n) FROM unnest($1::text[]) AS x(n) WHERE pg_catalog.to_regclass(n) IS NOT NULL)) AS others
     FROM unnest($1::text[]) AS w(name) JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name)`,
    [existing.map(sqlName), replaced.map(sqlName)],
  );
  const problems: string[] = [];
  const found = new Map(rows.map((row) => [row.name, row]));
  for (const entry of data) {
    const { columns, isTable } = found.get(sqlName(entry)) ?? {};
    if (isTable === false) problems.push(`${tableName(entry)} is no table in the database any more`);
    if (!isTable || !columns) continue;
    const own = columnsOf(entry);
    const added = columns.filter((column) => !own.includes(column));
    const gone = own.filter((column) => !columns.includes(column));
    if (added.length > 0)
      problems.push(`${tableName(entry)} has columns the backup does not have: ${added.join(", ")}`);
    if (gone.length > 0)
      problems.push(`${tableName(entry)} has no columns ${gone.join(", ")}, which the backup has`);
  }
  for (const other of new Set(rows.flatMap(({ others }) => others ?? []))) {
    const { rows: some } = await client.query(`SELECT FROM ${other} LIMIT 1`);
    if (some.length > 0) problems.push(`partition ${other} has rows, and the backup has no such partition`);
  }
  if (problems.length > 0)
    throw new FailedError(
      `${problems.join("; ")}; nothing was changed. Restore into a database of its own, without --in-place, and take from it what is missing`,
    );
}

/** Columns that the entry's COPY loads. */
function columnsOf(entry: TocEntry): string[] {
  const [, list = ""] = /\((.*)\) TO STDOUT$/s.exec(copyOutStatement(entry)) ?? [];
  return wordsOf(list).map(({ text }) => text);
}

/** Switches the tables' own triggers off, and gives the statements that switch them on again as they were. */
export async function silenceTriggers(client: Client, tables: readonly TocEntry[]): Promise<string[]> {
  const { rows } = await client.query<{ table: string; trigger: string; state: string }>(
    `SELECT t.tgrelid::regclass::text AS "table", t.tgname AS trigger, t.tgenabled AS state FROM pg_catalog.pg_trigger t
     WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
       AND t.tgrelid IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS w(name)) ORDER BY 1, 2`,
    [tables.map(sqlName)],
  );
  const alter = (verb: string) => (row: (typeof rows)[number]) =>
    `ALTER TABLE ONLY ${row.table} ${verb} TRIGGER ${quoteIdentifier(row.trigger)}`;
  await runAll(client, rows.map(alter("DISABLE")));
  const how: Record<string, string> = { O: "ENABLE", R: "ENABLE REPLICA", A: "ENABLE ALWAYS" };
  return rows.map((row) => alter(how[row.state] ?? "ENABLE")(row));
}

/**
 * Lifts policies that hold for the tables' owner, too, who is to load and compare all rows.
 * @returns the statements that put them into force again
 */
export async function liftPolicies(client: Client, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ table: string }>(
    `SELECT c.oid::regclass::text AS "table" FROM pg_catalog.pg_class c WHERE c.relforcerowsecurity
       AND c.oid IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS w(name)) ORDER BY 1`,
    [tables],
  );
  const each = (how: string) =>
    rows.map(({ table }) => `ALTER TABLE ONLY ${table} ${how} ROW LEVEL SECURITY`);
  await runAll(client, each("NO FORCE"));
  return each("FORCE");
}

export async function runAll(client: Client, statements: readonly string[]): Promise<void> {
  if (statements.length > 0) await client.query(statements.join(";\n"));
}

/** Tries a statement within the transaction. @returns what the server refused, with its detail */
export async function attempt(client: Client, sql: string): Promise<string | undefined> {
  await client.query("SAVEPOINT attempt");
  try {
    await client.query(sql);
    await client.query("RELEASE SAVEPOINT attempt");
    return undefined;
  } catch (error) {
    await client.query("ROLLBACK TO SAVEPOINT attempt");
    const { detail } = error as { detail?: string };
    return detail ? `${messageOf(error)}: ${detail}` : messageOf(error);
  }
}
