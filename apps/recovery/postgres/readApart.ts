import { Deferred } from "../deferred";
import { naming } from "./connect";
import type { ServerConnection } from "./connection";
import { dumpStatement, type LargeTable } from "./largeTables";
import { openReaders, type Reading, type TableReaders } from "./tableReaders";
import type { TocEntry } from "./toc";

const keyOf = (schema: string, table: string) => `${schema}\0${table}`;

/**
 * The large tables of a dump, which sessions of the runner read while pg_dump is told that they are empty: it writes
 * everything else, and their rows are put where it wrote none. What comes out is the archive that pg_dump alone would
 * have written.
 */
export class ReadApart {
  /** pg_dump's statements that are not for the server, each with what is to be done when it was asked. */
  readonly answered: ReadonlyMap<string, () => void>;
  private readonly tables: ReadonlyMap<string, LargeTable>;
  /** What pg_dump was told is empty. */
  private readonly told = new Set<LargeTable>();
  private readonly readers = new Deferred<TableReaders>();

  constructor(tables: readonly LargeTable[]) {
    this.tables = new Map(tables.map((table) => [keyOf(table.schema, table.table), table]));
    this.answered = new Map(tables.map((table) => [dumpStatement(table), () => this.told.add(table)]));
  }

  /** Opens the sessions; what keeps them from reading is told to `onFailure`. */
  open(server: ServerConnection, reading: Omit<Reading, "tables">): void {
    const fail = (error: Error) => {
      this.readers.reject(error);
      reading.onFailure(error);
    };
    const tables = [...this.tables.values()];
    const named = (error: Error) => naming(server, () => Promise.reject(error)).catch(fail);
    openReaders(server, { ...reading, tables, onFailure: (error) => void named(error) }).then(
      (readers) => this.readers.resolve(readers),
      named,
    );
  }

  /** Resolves when nobody can empty or rewrite one of the tables any more. */
  async locked(): Promise<void> {
    await this.readers.promise;
  }

  /** Begins to read. @param entries of the archive, in whose order the rows will be asked for */
  begin(entries: readonly TocEntry[]): void {
    const order = entries.flatMap((entry) => (entry.hasData ? (this.tableOf(entry) ?? []) : []));
    void this.readers.promise.then((readers) => readers.begin(order)).catch(() => undefined);
  }

  /** Whether the entry's rows may have to be put in. */
  holds(entry: TocEntry): boolean {
    return this.tableOf(entry) !== undefined;
  }

  /**
   * Rows that pg_dump has left out, behind their headers; none where it asked for them in other words. What is given is
   * valid until more is asked for.
   * To be called when it has written more than the beginning of the entry's data: before, it may not have asked.
   */
  async *rows(entry: TocEntry): AsyncGenerator<Buffer[]> {
    const table = this.tableOf(entry);
    if (!table) return;
    const readers = await this.readers.promise;
    if (this.told.has(table)) yield* readers.rows(table);
    else readers.leave(table);
  }

  async close(): Promise<void> {
    const readers = await this.readers.promise.catch(() => undefined);
    await readers?.close();
  }

  private tableOf({ kind, schema, name }: TocEntry): LargeTable | undefined {
    return kind === "TABLE DATA" ? this.tables.get(keyOf(schema, name)) : undefined;
  }
}
