import type { Client, Connection } from "pg";
import { COPY_DATA, CopyQuery, LENGTH_BYTES } from "./copyQuery";

/** Rows that may wait for whoever takes them; then the server is made to wait. */
const QUEUE_BYTES = 1024 * 1024;

/** What a COPY … TO STDOUT delivers, as messages that a COPY … FROM STDIN takes; several rows in a part. */
export async function* copyRows(client: Client, statement: string): AsyncGenerator<Buffer> {
  const copy = new CopyRows(statement);
  client.query(copy);
  try {
    for (let part = await copy.next(); part; part = await copy.next()) yield part;
  } finally {
    copy.drop();
  }
}

class CopyRows extends CopyQuery {
  private queue: Buffer[] = [];
  private queued = 0;
  private connection: Connection | undefined;
  private ended = false;
  private dropped = false;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(private readonly statement: string) {
    super();
  }

  submit(connection: Connection): void {
    this.connection = connection;
    connection.query(this.statement);
  }

  /** Everything that has come; undefined: there is no more. */
  async next(): Promise<Buffer | undefined> {
    while (this.queue.length === 0) {
      if (this.failure) throw this.failure;
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const part = Buffer.concat(this.queue);
    this.queue = [];
    this.queued = 0;
    this.connection?.stream.resume();
    return part;
  }

  /** Nobody takes the rest. */
  drop(): void {
    this.dropped = true;
    this.queue = [];
    this.connection?.stream.resume();
  }

  override handleCopyData(message?: { chunk: Buffer }): void {
    if (!message || this.dropped) return;
    // The chunk is a part of a buffer that is used again.
    const framed = Buffer.allocUnsafe(1 + LENGTH_BYTES + message.chunk.length);
    framed[0] = COPY_DATA;
    framed.writeUInt32BE(LENGTH_BYTES + message.chunk.length, 1);
    message.chunk.copy(framed, 1 + LENGTH_BYTES);
    this.queue.push(framed);
    this.queued += framed.length;
    if (this.queued > QUEUE_BYTES) this.connection?.stream.pause();
    this.wake();
  }

  handleError(error: Error): void {
    this.failure = error;
    this.wake();
  }

  handleReadyForQuery(): void {
    this.ended = true;
    this.wake();
  }
}
