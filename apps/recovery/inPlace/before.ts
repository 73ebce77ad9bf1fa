import type { Client } from "pg";
import { copyRows } from "../postgres/copyRows";
import { copyInto, copyStatement } from "../postgres/copyIn";
import { quoteIdentifier, withClient } from "../postgres/connect";
import { withDatabase, type ServerConnection } from "../postgres/connection";
import { createDatabase, dropDatabase } from "../postgres/databases";
import type { Loader } from "../postgres/loader";
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
    private readonly loader: Loader | undefined,
  ) {}

  private get server(): ServerConnection {
    const there = withDatabase(this.maintenance, this.database);
    return this.loader?.enter(there) ?? there;
  }

  /**
   * Makes it with the tables of a backup, without keys and indexes.
   * @param program whose server is any database of the server
   * @param part what the backup has of them
   * @param loader who owns it until it is finished; undefined: the restoring role
   */
  static async make(
    database: string,
    manifest: Manifest,
    program: RestoreProgram,
    part: { entries: readonly TocEntry[]; list: readonly string[] },
    lease: NameLease,
    loader: Loader | undefined,
  ): Promise<RowsBefore> {
    const before = new RowsBefore(database, program.server, loader);
    await withClient(program.server, async (client) => {
      await createDatabase(client, database, manifest, loader?.role);
      await lease.mark(client, database);
      await client.query(`REVOKE ALL ON DATABASE ${quoteIdentifier(database)} FROM PUBLIC`);
    });
    const done = await loader?.provision(database, part.entries, manifest.inventory);
    const isDone = (line: string) => done?.has(Number.parseInt(line, 10));
    const { server } = before;
    const list = part.list.filter((line) => !isDone(line));
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
    await withClient(this.server, async (client) => {
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
    // Without indexes and statistics nothing of it runs by itself.
    await this.loader?.handOver(this.database);
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
