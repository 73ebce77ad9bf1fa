import type { Client } from "pg";
import type { Socket } from "node:net";
import { connect, disconnect } from "./connect";
import type { ServerConnection } from "./connection";
import { copyOut } from "./copyOut";
import type { LargeTable } from "./largeTables";
import { PartBuffers, Piece, Tap } from "./piece";

/** 2 MiB of a table: what a session reads at a time. */
const PIECE_PAGES = 256;
/** What a session reads before its turn. */
export const AHEAD_BYTES = 2 * 1024 * 1024;

/** Pages in their order: a scan of all of them, or by several workers, would give rows in another. */
const IN_ORDER: Readonly<Record<string, string>> = {
  enable_seqscan: "off",
  enable_tidscan: "on",
  max_parallel_workers_per_gather: "0",
  jit: "off",
};

export interface Reading {
  /** Of the dump. */
  snapshot: string;
  /** Encoding of the database. */
  encoding: string;
  tables: readonly LargeTable[];
  /** Sessions that read at a time. */
  jobs: number;
  /** Longest wait for the lock on a table. */
  lockWaitMs: number;
  signal: AbortSignal;
  /** A session has failed: the rows cannot come any more. */
  onFailure: (error: Error) => void;
}

/**
 * Opens sessions that see a snapshot and hold a lock on every one of the tables until they are closed. The first waits
 * for its locks. The others are done without where the server has no place for them, or a lock is not free: whoever
 * waits for the first session's lock would keep them waiting, and they him.
 * @throws Error when not even one can be opened
 */
export async function openReaders(server: ServerConnection, reading: Reading): Promise<TableReaders> {
  const open = (wait: boolean) => openReader(server, reading, wait);
  const [first, ...others] = await Promise.allSettled(
    Array.from({ length: reading.jobs }, (_, index) => open(index === 0)),
  );
  const clients = [first, ...others].flatMap((one) => (one?.status === "fulfilled" ? [one.value] : []));
  try {
    if (first?.status === "rejected") throw first.reason;
    reading.signal.throwIfAborted();
    return new TableReaders(clients, reading, await pagesOf(clients[0] as Client, reading.tables));
  } catch (error) {
    await Promise.all(clients.map(disconnect));
    throw error;
  }
}

async function openReader(
  server: ServerConnection,
  { snapshot, tables, lockWaitMs, signal }: Reading,
  wait: boolean,
): Promise<Client> {
  const client = await connect(server, { ...IN_ORDER, lock_timeout: String(lockWaitMs) });
  const stop = () => client.connection.stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)};
       LOCK TABLE ${tables.map(({ name }) => `ONLY ${name}`).join(", ")} IN ACCESS SHARE MODE ${wait ? "" : "NOWAIT"}`,
    );
    return client;
  } catch (error) {
    await disconnect(client);
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function pagesOf(client: Client, tables: readonly LargeTable[]): Promise<Map<number, number>> {
  const { rows } = await client.query<{ oid: number; pages: number }>(
    `SELECT oid::int8::float8 AS oid, (pg_catalog.pg_relation_size(oid) / current_setting('block_size')::int8)::float8 AS pages
     FROM unnest($1::oid[]) AS tables(oid)`,
    [tables.map(({ oid }) => oid)],
  );
  return new Map(rows.map(({ oid, pages }) => [oid, pages]));
}

/** Reads tables by ranges of pages, as many at a time as there are sessions, and gives their rows out in order. */
export class TableReaders {
  private readonly waiting: Piece[] = [];
  private readonly pieces = new Map<number, Piece[]>();
  private readonly buffers = new PartBuffers();

  constructor(
    private readonly clients: readonly Client[],
    private readonly reading: Reading,
    private readonly pages: ReadonlyMap<number, number>,
  ) {
    reading.signal.addEventListener("abort", this.stop, { once: true });
  }

  /** Begins to read. @param order in which `rows` will be asked for: another one would wait for ever */
  begin(order: readonly LargeTable[]): void {
    for (const table of order) {
      const pieces = this.statements(table).map((statement) => new Piece(statement, this.buffers));
      this.pieces.set(table.oid, pieces);
      this.waiting.push(...pieces);
    }
    for (const client of this.clients) void this.read(client);
  }

  /**
   * The table's rows behind the headers that an archive has in front of them, several parts at a time, which are valid
   * until the next are asked for.
   * @throws Error when a session fails
   */
  async *rows({ oid }: LargeTable): AsyncGenerator<Buffer[]> {
    for (const piece of this.pieces.get(oid) ?? []) {
      for (let parts = await piece.next(); parts; parts = await piece.next()) {
        yield parts;
        this.buffers.giveBack(parts);
      }
    }
  }

  /** The table's rows come from elsewhere. */
  leave({ oid }: LargeTable): void {
    for (const piece of this.pieces.get(oid) ?? []) piece.drop();
  }

  async close(): Promise<void> {
    this.reading.signal.removeEventListener("abort", this.stop);
    await Promise.all(this.clients.map(disconnect));
  }

  private readonly stop = () => {
    for (const client of this.clients) client.connection.stream.destroy();
  };

  /** The last one has no end: nobody need rely on the number of pages. */
  private statements({ oid, name, columns }: LargeTable): string[] {
    const pages = this.pages.get(oid) ?? 0;
    const starts = Array.from(
      { length: Math.max(1, Math.ceil(pages / PIECE_PAGES)) },
      (_, at) => at * PIECE_PAGES,
    );
    return starts.map((start, index) => {
      const next = starts[index + 1];
      const before = next === undefined ? "" : ` AND ctid < '(${next},0)'`;
      return (
        `COPY (SELECT ${columns} FROM ONLY ${name} WHERE ctid >= '(${start},0)'${before}) TO STDOUT ` +
        `WITH (ENCODING '${this.reading.encoding.replaceAll("'", "''")}')`
      );
    });
  }

  private async read(client: Client): Promise<void> {
    const tap = new Tap(client.connection.stream as Socket, AHEAD_BYTES);
    for (let piece = this.waiting.shift(); piece; piece = this.waiting.shift()) {
      if (piece.unwanted) continue;
      piece.tap = tap;
      try {
        await copyOut(client, piece.statement, piece);
        piece.end();
      } catch (error) {
        this.reading.onFailure(error as Error);
        for (const left of [piece, ...this.waiting.splice(0)]) left.fail(error as Error);
      }
    }
  }
}
