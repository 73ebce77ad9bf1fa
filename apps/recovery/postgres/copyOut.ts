import type { Client, Connection } from "pg";
import { COPY_DATA, CopyQuery, LENGTH_BYTES } from "./copyQuery";
import { ROW_HEADER_BYTES, RowDigest } from "./rows";

const COPY_DONE = 0x63; // 'c'
const ERROR = 0x45; // 'E'

export interface TableContent {
  rows: number;
  bytes: number;
  sha256: string;
  /** The same whatever the order of the rows; only where it was asked for. */
  sum?: string;
}

/** Digest of what a COPY … TO STDOUT statement delivers, in the order the server sends it. */
export function digestCopy(client: Client, statement: string, digest: RowDigest): Promise<TableContent> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(statement, digest, resolve, reject));
  });
}

type DataListener = (part: Buffer) => void;

/**
 * While rows stream in, this listens to the connection instead of the client: the client would make an object and
 * an event of every row, which takes longer than reading the table. A message's header has the size of a row's
 * header in a digest, so the one is turned into the other where it stands and buffers are hashed whole.
 */
class CopyOut extends CopyQuery {
  private carry: Buffer = Buffer.alloc(0);
  private left = 0;
  private failure: Error | undefined;
  private giveBack: (rest: Buffer) => void = () => undefined;

  constructor(
    private readonly statement: string,
    private readonly digest: RowDigest,
    private readonly resolve: (content: TableContent) => void,
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
        const digested = length > this.digest.longRowBytes ? 0 : length;
        buffer[position] = 0;
        buffer[position + 1] = digested & 0xff;
        buffer[position + 2] = (digested >>> 8) & 0xff;
        buffer[position + 3] = (digested >>> 16) & 0xff;
        buffer[position + 4] = digested >>> 24;
        this.digest.rows += 1;
        this.digest.bytes += length;
        position += ROW_HEADER_BYTES + length;
        if (position > end) {
          left = position - end;
          position = end;
        }
        continue;
      }
      if (position > hashed) this.digest.framed(buffer.subarray(hashed, position));
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
    if (position > hashed) this.digest.framed(buffer.subarray(hashed, position));
    this.left = left;
    this.carry = Buffer.from(buffer.subarray(position));
  }

  handleError(error: Error): void {
    this.reject(error);
    this.failure = error;
  }

  handleReadyForQuery(): void {
    if (this.failure) return;
    const { rows, bytes, sum } = this.digest;
    this.resolve({ rows, bytes, sha256: this.digest.digest(), ...(sum === undefined ? {} : { sum }) });
  }

  handleCopyInResponse(): void {
    this.reject(new Error(`not a statement that copies out: ${this.statement}`));
  }
}
