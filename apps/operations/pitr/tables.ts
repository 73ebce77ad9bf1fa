import { refused } from "../frame/errors";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";

/** A table whose rows are to be brought back. */
export interface Table {
  /** Qualified and quoted, e.g. `public.orders`. */
  name: string;
  /** The same without its schema. */
  bare: string;
  /** Columns of its primary key, quoted. */
  key: string[];
  /** Columns that can be written, quoted. */
  columns: string[];
}

/** What PostgreSQL says of a text that is no name: bad syntax, and a name of another database. */
const NO_NAME = ["42601", "42602", "0A000"];

/**
 * Tables as they are today, what others refer to before those that do: whoever names a child first gets its rows back all the same.
 * @throws OperationError for a table that is none, or whose rows cannot be brought back
 */
export async function tablesOf(
  { writerHost }: Platform,
  ground: Ground,
  extract: readonly string[],
): Promise<Table[]> {
  const tables: Table[] = [];
  for (const given of extract) {
    const table = await tableOf(writerHost, ground, given);
    // What was is put beside the live tables in one schema: under one name, the rows of one would be taken for the other's.
    if (tables.some(({ bare }) => bare === table.bare))
      throw refused(
        `--extract ${given}: another of these tables is called ${table.bare} too; bring it back by an incident of its own, after --drop`,
      );
    tables.push(table);
  }
  return tables.length > 1 ? parentsFirst(tables, await references(writerHost, ground, tables)) : tables;
}

type Found = Table & { system: boolean; unlogged: boolean };

async function tableOf(host: string, ground: Ground, given: string): Promise<Table> {
  const query = ground.database.query<Found>(
    host,
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, quote_ident(c.relname) AS bare,
            n.nspname IN ('pg_catalog', 'information_schema') OR n.nspname ~ '^pg_' AS system,
            c.relpersistence <> 'p' AS unlogged,
            ARRAY(SELECT quote_ident(a.attname) FROM pg_index i
                    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                   WHERE i.indrelid = c.oid AND i.indisprimary AND array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts
                   ORDER BY array_position(i.indkey::int2[], a.attnum)) AS key,
            ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                   ORDER BY a.attnum) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`,
    [given],
  );
  const [found] = await query.catch((error: unknown) => {
    if (NO_NAME.includes((error as { code?: string }).code ?? "")) return [];
    throw error;
  });
  const no = (why: string) => refused(`--extract ${given}: ${why}`);
  if (!found) throw no(`there is no such table in ${host}`);
  const { system, unlogged, ...table } = found;
  if (system) throw no("it is PostgreSQL's own");
  if (unlogged) throw no("it is unlogged, so a restored server has none of its rows");
  if (table.key.length === 0) throw no("it has no primary key, so nobody can tell which rows are missing");
  return table;
}

/** Which of the tables refers to which, where that is checked row by row. */
async function references(
  host: string,
  ground: Ground,
  tables: readonly Table[],
): Promise<{ child: string; parent: string }[]> {
  return ground.database.query(
    host,
    `SELECT DISTINCT child.name AS child, parent.name AS parent FROM pg_constraint f
       JOIN unnest($1::text[]) AS child(name) ON f.conrelid = child.name::regclass
       JOIN unnest($1::text[]) AS parent(name) ON f.confrelid = parent.name::regclass
      WHERE f.contype = 'f' AND NOT f.condeferrable AND f.conrelid <> f.confrelid`,
    [tables.map(({ name }) => name)],
  );
}

/** Those of a circle that is checked row by row stay as they were given; PostgreSQL says what it misses. */
function parentsFirst(
  tables: readonly Table[],
  references: readonly { child: string; parent: string }[],
): Table[] {
  const sorted: Table[] = [];
  for (let left = [...tables]; left.length > 0;) {
    const waits = ({ name }: Table) =>
      references.some(({ child, parent }) => child === name && left.some((one) => one.name === parent));
    const free = left.filter((table) => !waits(table));
    const next = free.length > 0 ? free : left.slice(0, 1);
    sorted.push(...next);
    left = left.filter((table) => !next.includes(table));
  }
  return sorted;
}
