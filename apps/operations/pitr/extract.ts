import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import type { PitrAssessment, Table } from "./assess";

/** Rows carried at once. */
const BATCH = 2_000;
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

const beside = (incident: string, { bare }: Table): string => `${schemaOf(incident)}.${bare}`;

export class Extraction {
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
      const [then] = await this.then<{ count: string }>(`SELECT count(*) FROM ${table.name}`);
      const [held] = await this.live<{ count: string }>(`SELECT count(*) FROM ${copy}`);
      if (then?.count !== held?.count)
        return `${copy} has ${held?.count ?? "?"} of ${then?.count ?? "?"} rows`;
      const missing = await this.missing(table);
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
    const back = tables.map((table) => {
      const columns = table.columns.join(", ");
      return `INSERT INTO ${table.name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${beside(this.incident, table)} ON CONFLICT DO NOTHING`;
    });
    await this.live(`BEGIN; ${back.join("; ")}; COMMIT`);
  }

  /** Rows that are in both and differ; a person decides about them. */
  async differing(): Promise<{ table: string; rows: number }[]> {
    const all = [];
    for (const table of this.found.tables) {
      const using = table.key.join(", ");
      const [row] = await this.live<{ count: string }>(
        `SELECT count(*) FROM ${table.name} live JOIN ${beside(this.incident, table)} old USING (${using})
          WHERE live::text <> old::text`,
      );
      all.push({ table: table.name, rows: Number(row?.count ?? 0) });
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

  /** Copies a table from the restored server to the side of the live one, by its key; rows travel as PostgreSQL writes them. */
  private async carry(table: Table, signal: AbortSignal): Promise<void> {
    const copy = beside(this.incident, table);
    await this.live(
      `DROP TABLE IF EXISTS ${copy}; CREATE TABLE ${copy} AS SELECT * FROM ${table.name} WITH NO DATA; ${readable("TABLE", copy, "SELECT")}`,
    );
    const key = table.key.map((column) => `t.${column}`).join(", ");
    const last = table.key.map((column) => `($1::text::${table.name}).${column}`).join(", ");
    for (let after: string | null = null; ;) {
      signal.throwIfAborted();
      const rows: { line: string }[] = await this.then<{ line: string }>(
        `SELECT t::text AS line FROM ${table.name} t WHERE $1::text IS NULL OR (${key}) > (${last}) ORDER BY ${key} LIMIT ${BATCH}`,
        [after],
      );
      const lines = rows.map(({ line }) => line);
      await this.live(`INSERT INTO ${copy} SELECT (line::${table.name}).* FROM unnest($1::text[]) AS line`, [
        lines,
      ]);
      if (rows.length < BATCH) return;
      after = lines.at(-1) ?? null;
    }
  }

  private live<T extends object>(text: string, values?: unknown[]): Promise<T[]> {
    return this.ground.database.query<T>(this.platform.writerHost, text, values, WHOLE_TABLE_SECONDS);
  }

  private then<T extends object>(text: string, values?: unknown[]): Promise<T[]> {
    return this.ground.database.query<T>(this.found.restoredHost, text, values, WHOLE_TABLE_SECONDS);
  }
}
