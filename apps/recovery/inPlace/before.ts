import type { Client } from "pg";
import { copyRows } from "../postgres/copyRows";
import { copyInto, copyStatement } from "../postgres/copyIn";
import { quoteIdentifier, withClient } from "../postgres/connect";
import { withDatabase, type ServerConnection } from "../postgres/connection";
import { createDatabase, dropDatabase } from "../postgres/databases";
import { makeNullable } from "../postgres/nullable";
import { restoreSection, type RestoreProgram } from "../postgres/pgRestore";
import { copyOutStatement, type TocEntry } from "../postgres/toc";
import type { NameLease } from "../postgres/unfinished";
import type { Manifest } from "../types";

/** A database beside that keeps the rows which are about to be replaced. */
export class RowsBefore {
  /** Rows that were kept, by number of the entry they stand for. */
  readonly rows = new Map<number, number>();

  private constructor(
    readonly database: string,
    private readonly maintenance: ServerConnection,
  ) {}

  /**
   * Makes it with the tables of a backup, without keys and indexes.
   * @param program whose server is any database of the server
   * @param list definitions, as `pg_restore -L` takes them
   */
  static async make(
    database: string,
    manifest: Manifest,
    program: RestoreProgram,
    list: readonly string[],
    lease: NameLease,
  ): Promise<RowsBefore> {
    const before = new RowsBefore(database, program.server);
    await withClient(program.server, async (client) => {
      await createDatabase(client, database, manifest);
      await lease.mark(client, database);
      await client.query(`REVOKE ALL ON DATABASE ${quoteIdentifier(database)} FROM PUBLIC`);
    });
    const server = withDatabase(program.server, database);
    await restoreSection({ ...program, server }, "pre-data", list, 1);
    // The rows are kept as they are, also those that a check would refuse by now.
    await withClient(server, async (client) => {
      await dropChecks(client);
      await makeNullable(client, manifest.nullable);
    });
    return before;
  }

  /** Copies what the tables hold now. @param live session that has locked them */
  async keep(live: Client, data: readonly TocEntry[]): Promise<void> {
    await withClient(withDatabase(this.maintenance, this.database), async (client) => {
      for (const entry of data) {
        const into = copyStatement(entry);
        await copyInto(client, into, copyRows(live, copyOutStatement(entry)));
        const from = /^COPY (.+?) (?:\(|FROM)/s.exec(into)?.[1] ?? "";
        const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${from}`);
        this.rows.set(entry.dumpId, Number(rows[0]?.n));
      }
    });
  }

  get isEmpty(): boolean {
    return [...this.rows.values()].every((count) => count === 0);
  }

  /** Says what it is, in place of the mark that it is not finished. */
  async finish(live: string, id: string): Promise<void> {
    await withClient(this.maintenance, (client) =>
      client.query(
        `COMMENT ON DATABASE ${quoteIdentifier(this.database)} IS ${client.escapeLiteral(
          `recovery: rows of ${live} before tables of backup ${id} took their place`,
        )}`,
      ),
    );
  }

  drop(): Promise<void> {
    return dropDatabase(this.maintenance, this.database);
  }
}

async function dropChecks(client: Client): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(
    `SELECT pg_catalog.format('ALTER %s DROP CONSTRAINT IF EXISTS %I', CASE k.conrelid
         WHEN 0 THEN 'DOMAIN ' || k.contypid::regtype ELSE 'TABLE ' || k.conrelid::regclass END, k.conname) AS sql
     FROM pg_catalog.pg_constraint k WHERE k.contype = 'c' AND k.connamespace <> 'pg_catalog'::regnamespace
       AND k.connamespace <> 'information_schema'::regnamespace ORDER BY k.coninhcount`,
  );
  for (const { sql } of rows) await client.query(sql);
}
