import type { Client, Connection } from "pg";
import { COPY_DATA, CopyQuery, LENGTH_BYTES } from "./copyQuery";
import { ROW_HEADER_BYTES, type RowDigest } from "./rows";

const COPY_DONE = 0x63; // 'c'
const ERROR = 0x45; // 'E'
const NOTHING = Buffer.alloc(0);

export interface TableContent {
  rows: number;
  bytes: number;
  sha256: string;
  /** The same whatever the order of the rows; only where it was asked for. */
  sum?: string;
}

/** Takes rows behind the headers that an archive has in front of them, cut anywhere. */
export interface FramedRows {
  /** Counted for it, as `bytes` of text. */
  rows: number;
  bytes: number;
  /** A longer row has a length of zero in its header. */
  readonly longRowBytes: number;
  framed(part: Buffer): void;
}

/** Digest of what a COPY … TO STDOUT statement delivers, in the order the server sends it. */
export async function digestCopy(
  client: Client,
  statement: string,
  digest: RowDigest,
): Promise<TableContent> {
  await copyOut(client, statement, digest);
  const { rows, bytes, sum } = digest;
  return { rows, bytes, sha256: digest.digest(), ...(sum === undefined ? {} : { sum }) };
}

/** Runs a COPY … TO STDOUT; resolves when every row was given out and the session takes another statement. */
export function copyOut(client: Client, statement: string, into: FramedRows): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(statement, into, resolve, reject));
  });
}

type DataListener = (part: Buffer) => void;

/**
 * While rows stream in, this listens to the connection instead of the client: the client would make an object and
 * an event of every row, which takes longer than reading the table. A message's header has the size of a row's
 * header in an archive and a digest, so the one is turned into the other where it stands and buffers stay whole.
 */
class CopyOut extends CopyQuery {
  private carry: Buffer = NOTHING;
  private left = 0;
  private failure: Error | undefined;
  private giveBack: (rest: Buffer) => void = () => undefined;

  constructor(
    private readonly statement: string,
    private readonly into: FramedRows,
    private readonly resolve: () => void,
    private readonly reject: (error: Error) => void,
  ) {
    super();
  }

  submit(connection: Connection): void {
    const { stream } = connection;
    const listeners = stream.listeners("data") as DataListener[];
    const listen = (part: Buffer) => this.take(part);
    stream.removeAllListeners("data");
    stream.on("data", listen);
    this.giveBack = (rest) => {
      stream.removeListener("data", listen);
      for (const listener of listeners) {
        stream.on("data", listener);
        listener(rest);
      }
    };
    connection.query(this.statement);
  }

  private take(part: Buffer): void {
    const buffer = this.carry.length > 0 ? Buffer.concat([this.carry, part]) : part;
    const end = buffer.length;
    let position = Math.min(this.left, end);
    let hashed = 0;
    let left = this.left - position;
    while (left === 0 && position + ROW_HEADER_BYTES <= end) {
      const type = buffer[position];
      const length =
        (((buffer[position + 1] as number) << 24) |
          ((buffer[position + 2] as number) << 16) |
          ((buffer[position + 3] as number) << 8) |
          (buffer[position + 4] as number)) -
        LENGTH_BYTES;
      if (type === COPY_DATA) {
        const digested = length > this.into.longRowBytes ? 0 : length;
        buffer[position] = 0;
        buffer[position + 1] = digested & 0xff;
        buffer[position + 2] = (digested >>> 8) & 0xff;
        buffer[position + 3] = (digested >>> 16) & 0xff;
        buffer[position + 4] = digested >>> 24;
        this.into.rows += 1;
        this.into.bytes += length;
        position += ROW_HEADER_BYTES + length;
        if (position > end) {
          left = position - end;
          position = end;
        }
        continue;
      }
      if (position > hashed) this.into.framed(buffer.subarray(hashed, position));
      if (type === COPY_DONE || type === ERROR) {
        this.giveBack(buffer.subarray(position));
        return;
      }
      // The announcement of the columns, or a notice: neither is content, both fit in memory.
      if (position + ROW_HEADER_BYTES + length > end) {
        hashed = position;
        break;
      }
      position += ROW_HEADER_BYTES + length;
      hashed = position;
    }
    if (position > hashed) this.into.framed(buffer.subarray(hashed, position));
    this.left = left;
    this.carry = position < end ? Buffer.from(buffer.subarray(position)) : NOTHING;
  }

  handleError(error: Error): void {
    this.reject(error);
    this.failure = error;
  }

  handleReadyForQuery(): void {
    if (!this.failure) this.resolve();
  }

  handleCopyInResponse(): void {
    this.reject(new Error(`not a statement that copies out: ${this.statement}`));
  }
}
