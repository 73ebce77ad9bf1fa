import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { failed, messageOf } from "../frame/errors";
import type { PitrAssessment } from "./assess";
import type { Table } from "./tables";

/** Most rows carried at once, and about how many characters of them: a row may hold a document. */
const BATCH = 2_000;
const BATCH_CHARACTERS = 8_000_000;
const FIRST_BATCH = 50;
/** Seconds one statement over a whole table may take. */
export const WHOLE_TABLE_SECONDS = 1800;

/** Schema beside the live tables that holds what the moment had; it stays, for a person to compare. */
export const schemaOf = (incident: string): string =>
  `restored_${incident.toLowerCase().replace(/[^a-z0-9]/g, "_")}`;

/**
 * A backup holds what is beside the live tables, too: were it the administrator's alone, every backup from here on would fail, and
 * none could be restored where there is no such role. The API has no right to it.
 */
const readable = (kind: "SCHEMA" | "TABLE", name: string, right: string): string => `
  DO $$ BEGIN
    IF to_regrole('migration') IS NOT NULL AND to_regrole('backup') IS NOT NULL THEN
      ALTER ${kind} ${name} OWNER TO migration;
      GRANT ${right} ON ${kind} ${name} TO backup;
    END IF;
  END $$`;

interface Column {
  /** Quoted. */
  name: string;
  type: string;
}

const COLUMNS = `SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
  WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;

/** What the server said, and which row it was about. */
const said = (error: unknown): string => {
  const { detail } = error as { detail?: string };
  return `${messageOf(error)}${detail === undefined ? "" : ` (${detail.replace(/\.$/, "")})`}`;
};

const beside = (incident: string, { bare }: Pick<Table, "bare">): string => `${schemaOf(incident)}.${bare}`;

/** Rows of a table that a person has to decide about. */
export interface Undecided {
  table: string;
  /** There in both, and another today. */
  rows: number;
  /** Missing today, and something else of theirs that there may be once belongs to another row. */
  taken: number;
}

export class Extraction {
  private tried = false;

  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
    private readonly found: PitrAssessment,
    private readonly incident: string,
  ) {}

  /** Whether every row of the moment is beside the live table, and none of them is missing there. */
  async done(): Promise<true | string> {
    for (const table of this.found.tables) {
      const copy = beside(this.incident, table);
      const [there] = await this.live<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
        copy,
      ]);
      if (!there?.there) return `${copy} is not there yet`;
      const [then] = await this.past<{ count: string }>(`SELECT count(*) FROM ${table.name}`);
      const [held] = await this.live<{ count: string }>(`SELECT count(*) FROM ${copy}`);
      if (then?.count !== held?.count)
        return `${copy} has ${held?.count ?? "?"} of ${then?.count ?? "?"} rows`;
      const missing = this.tried ? 0 : await this.missing(table);
      if (missing > 0) return `${table.name} lacks ${missing} rows`;
    }
    return true;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { tables } = this.found;
    await this.live(
      `CREATE SCHEMA IF NOT EXISTS ${schemaOf(this.incident)}; ${readable("SCHEMA", schemaOf(this.incident), "USAGE")}`,
    );
    for (const table of tables) await this.carry(table, signal);
    // All tables or none: a child without its parent is no help.
    const back = [];
    for (const table of tables) {
      const columns = (await this.common(table)).join(", ");
      back.push(
        `INSERT INTO ${table.name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${beside(this.incident, table)} ON CONFLICT DO NOTHING`,
      );
    }
    await this.live(`BEGIN; SET CONSTRAINTS ALL DEFERRED; ${back.join("; ")}; COMMIT`).catch(
      (error: unknown) => {
        throw failed(`no row came back: ${said(error)}`, error);
      },
    );
    this.tried = true;
  }

  async undecided(): Promise<Undecided[]> {
    const all = [];
    for (const table of this.found.tables) {
      const columns = await this.common(table);
      const row = (from: string) => `ROW(${columns.map((column) => `${from}.${column}`).join(", ")})::text`;
      const [found] = await this.live<{ count: string }>(
        `SELECT count(*) FROM ${table.name} live JOIN ${beside(this.incident, table)} old USING (${table.key.join(", ")})
          WHERE ${row("live")} <> ${row("old")}`,
      );
      const taken = await this.missing(table);
      all.push({ table: table.name, rows: Number(found?.count ?? 0), taken });
    }
    return all;
  }

  private async missing(table: Table): Promise<number> {
    const key = table.key.map((column) => `live.${column} = old.${column}`).join(" AND ");
    const [row] = await this.live<{ count: string }>(
      `SELECT count(*) FROM ${beside(this.incident, table)} old
        WHERE NOT EXISTS (SELECT FROM ${table.name} live WHERE ${key})`,
    );
    return Number(row?.count ?? 0);
  }

  /** Columns the table had at the moment and has today, those that can be written: a migration may lie between. */
  private async common({ bare, columns }: Table): Promise<string[]> {
    const had = await this.live<Column>(COLUMNS, [beside(this.incident, { bare })]);
    const names = new Set(had.map((column) => column.name));
    return columns.filter((column) => names.has(column));
  }

  /** Copies a table from the restored server to the side of the live one, by its key; rows travel as PostgreSQL writes them. */
  private async carry(table: Table, signal: AbortSignal): Promise<void> {
    const copy = beside(this.incident, table);
    const columns = await this.past<Column>(COLUMNS, [table.name]);
    if (columns.length === 0)
      throw failed(`${table.name} was not there at the moment; leave it out, or choose a later one`);
    const lacks = table.key.filter((column) => !columns.some(({ name }) => name === column));
    if (lacks.length > 0)
      throw failed(
        `${table.name} had no ${lacks.join(", ")} at the moment, by which its rows are told apart today; compare it by hand`,
      );
    const definitions = columns.map(({ name, type }) => `${name} ${type}`).join(", ");
    await this.live(
      `DROP TABLE IF EXISTS ${copy}; CREATE TABLE ${copy} (${definitions}); ${readable("TABLE", copy, "SELECT")}`,
    );
    const key = table.key.map((column) => `t.${column}`).join(", ");
    const last = table.key.map((column) => `($1::text::${table.name}).${column}`).join(", ");
    let limit = FIRST_BATCH;
    for (let after: string | null = null; ;) {
      signal.throwIfAborted();
      const rows: { line: string }[] = await this.past<{ line: string }>(
        `SELECT (t.*)::text AS line FROM ${table.name} t WHERE $1::text IS NULL OR (${key}) > (${last}) ORDER BY ${key} LIMIT ${limit}`,
        [after],
      );
      const lines = rows.map(({ line }) => line);
      await this.live(`INSERT INTO ${copy} SELECT (line::${copy}).* FROM unnest($1::text[]) AS line`, [
        lines,
      ]);
      if (rows.length < limit) return;
      after = lines.at(-1) ?? null;
      const characters = lines.reduce((sum, { length }) => sum + length, 0) / lines.length;
      limit = Math.max(1, Math.min(BATCH, Math.floor(BATCH_CHARACTERS / characters)));
    }
  }

  private live<T extends object>(text: string, values?: unknown[]): Promise<T[]> {
    return this.ground.database.query<T>(this.platform.writerHost, text, values, WHOLE_TABLE_SECONDS);
  }

  private past<T extends object>(text: string, values?: unknown[]): Promise<T[]> {
    return this.ground.database.query<T>(this.found.restoredHost, text, values, WHOLE_TABLE_SECONDS);
  }
}
