import { open } from "node:fs/promises";
import type { Client, Connection } from "pg";
import type { ArchiveFile } from "../archiveFile";
import { COPY_DATA, CopyQuery, LENGTH_BYTES } from "./copyQuery";
import { ROW_HEADER_BYTES } from "./rows";
import { isEndMarker, quotedName, type TocEntry } from "./toc";

/** In front of an entry's rows: a byte for the kind of block, five for the entry's number. */
export const BLOCK_HEADER_BYTES = 6;
const READ_BYTES = 512 * 1024;

/** The parts of pg's connection that load data and that its types leave out. */
type CopyConnection = Connection & { endCopyFrom(): void; sendCopyFail(reason: string): void };

/**
 * Loads an entry's rows into the empty table a restore has created, in the order they were dumped in. The table is
 * emptied in the same transaction: only then are rows put behind each other instead of into gaps of earlier pages,
 * and only then may they be written frozen, so that no later read or vacuum has to write every page again.
 * @param how `rows` as messages of the protocol, default: as they were dumped; `searchPath` default: none
 * @throws Error when the server refuses the rows, or the archive breaks off
 */
export async function loadTable(
  client: Client,
  archive: ArchiveFile,
  entry: TocEntry,
  encoding: string,
  { rows = rowsOf(archive, entry), searchPath }: { rows?: AsyncGenerator<Buffer>; searchPath?: string } = {},
): Promise<void> {
  const copy = copyStatement(entry);
  await client.query("BEGIN");
  if (searchPath !== undefined)
    await client.query("SELECT pg_catalog.set_config('search_path', $1, true)", [searchPath]);
  await client.query(`TRUNCATE TABLE ONLY ${quotedName(entry)}`);
  await copyInto(client, `${copy} WITH (FREEZE, ENCODING ${client.escapeLiteral(encoding)})`, rows);
  await client.query("COMMIT");
}

/** The same in a transaction of the caller's, and into a table that stands already. */
export function loadRows(client: Client, archive: ArchiveFile, entry: TocEntry, encoding: string) {
  const statement = `${copyStatement(entry)} WITH (ENCODING ${client.escapeLiteral(encoding)})`;
  return copyInto(client, statement, rowsOf(archive, entry));
}

/** The statement that takes the entry's rows. @throws Error for a dump made with --inserts */
export function copyStatement(entry: TocEntry): string {
  const copy = /^(COPY [^]+ FROM stdin);\s*$/.exec(entry.copyStatement)?.[1];
  if (!copy) throw new Error(`${quotedName(entry)} is not dumped with COPY`);
  return copy;
}

/** Runs a COPY … FROM STDIN. @param rows as messages of the protocol */
export function copyInto(client: Client, statement: string, rows: AsyncGenerator<Buffer>): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(statement, rows, resolve, reject));
  });
}

/**
 * The entry's rows as messages of the protocol. A row's header in the archive has the size of a message's, so the one
 * is turned into the other where it stands. A part is only valid until the next one is asked for.
 */
async function* rowsOf(archive: ArchiveFile, entry: TocEntry): AsyncGenerator<Buffer> {
  const file = await open(archive.path, "r");
  try {
    let position = (await archive.whenBegun(entry)) + BLOCK_HEADER_BYTES;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    /** Bytes at the start of the buffer that belong to the header of a row that is not all there yet. */
    let kept = 0;
    /** Bytes still to come of the row that is being sent. */
    let left = 0;
    for (;;) {
      await archive.whenBeyond(position);
      const { bytesRead } = await file.read(buffer, kept, READ_BYTES - kept, position);
      position += bytesRead;
      const end = kept + bytesRead;
      const { sent, rest, ended } = reframe(buffer, left, end);
      if (sent > 0) yield buffer.subarray(0, sent);
      if (ended) return;
      left = rest;
      buffer.copyWithin(0, sent, end);
      kept = end - sent;
    }
  } finally {
    await file.close();
  }
}

function reframe(buffer: Buffer, left: number, end: number): { sent: number; rest: number; ended: boolean } {
  let position = Math.min(left, end);
  if (position < left) return { sent: position, rest: left - position, ended: false };
  while (position + ROW_HEADER_BYTES <= end) {
    const length = buffer.readUInt32LE(position + 1);
    const start = position + ROW_HEADER_BYTES;
    if (length === 0) return { sent: position, rest: 0, ended: true };
    const marker = isEndMarker(buffer, start, length, end);
    if (marker === undefined) break;
    if (marker) return { sent: position, rest: 0, ended: true };
    buffer[position] = COPY_DATA;
    buffer.writeUInt32BE(length + LENGTH_BYTES, position + 1);
    position = start + length;
    if (position > end) return { sent: end, rest: position - end, ended: false };
  }
  return { sent: position, rest: 0, ended: false };
}

class CopyIn extends CopyQuery {
  private failure: Error | undefined;

  constructor(
    private readonly statement: string,
    private readonly rows: AsyncGenerator<Buffer>,
    private readonly resolve: () => void,
    private readonly reject: (error: Error) => void,
  ) {
    super();
  }

  submit(connection: Connection): void {
    connection.query(this.statement);
  }

  handleCopyInResponse(connection: Connection): void {
    void this.send(connection as CopyConnection);
  }

  private async send(connection: CopyConnection): Promise<void> {
    const { stream } = connection;
    try {
      for await (const part of this.rows) {
        if (this.failure) return;
        // The buffer is used again: the kernel must have it all first.
        await written(stream, part);
      }
      if (!this.failure) connection.endCopyFrom();
    } catch (error) {
      this.failure ??= error as Error;
      if (stream.writable) connection.sendCopyFail("the archive breaks off");
      else this.reject(this.failure);
    }
  }

  handleError(error: Error): void {
    // What broke the rows off says more than the server's complaint that they broke off.
    this.failure ??= error;
    this.reject(this.failure);
  }

  handleReadyForQuery(): void {
    if (!this.failure) this.resolve();
  }
}

function written(stream: NodeJS.WritableStream, part: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(part, (error) => (error ? reject(error) : resolve()));
  });
}
