import type { Socket } from "node:net";
import type { FramedRows } from "./copyOut";

/**
 * What comes in parts of a few KiB goes on in larger ones: each takes a hash, a write and an object that is to be
 * collected, which together would take longer than a copy of the bytes.
 */
export const PART_BYTES = 256 * 1024;

/**
 * Buffers for parts, each used again once its bytes have gone on: as garbage they would be most of a backup's memory,
 * since to whoever collects it a part is as small an object as any.
 */
export class PartBuffers {
  private readonly spare: Buffer[] = [];

  take(): Buffer {
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
  }

  /** @param parts filled ones, whose bytes nobody needs any more */
  giveBack(parts: readonly Buffer[]): void {
    for (const { buffer } of parts) this.spare.push(Buffer.from(buffer));
  }
}

/** How much of what a session sends waits to be taken: at most this many bytes and what is on its way. */
export class Tap {
  private held = 0;

  constructor(
    private readonly stream: Pick<Socket, "pause" | "resume">,
    private readonly mostBytes: number,
  ) {}

  came(bytes: number): void {
    this.held += bytes;
    if (this.held > this.mostBytes) this.stream.pause();
  }

  went(bytes: number): void {
    this.held -= bytes;
    if (this.held <= this.mostBytes) this.stream.resume();
  }
}

/** Rows of a range of pages, on their way from the session that reads them to whoever puts them in order. */
export class Piece implements FramedRows {
  rows = 0;
  bytes = 0;
  readonly longRowBytes = Number.POSITIVE_INFINITY;
  /** Of the session that reads it. */
  tap: Tap | undefined;
  /** Nobody takes it: it need not be read. */
  unwanted = false;
  private parts: Buffer[] = [];
  private part: Buffer | undefined;
  /** Bytes of the part that are filled. */
  private filled = 0;
  private ended = false;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(
    readonly statement: string,
    private readonly buffers: PartBuffers,
  ) {}

  framed(bytes: Buffer): void {
    if (this.unwanted) return;
    this.tap?.came(bytes.length);
    for (let from = 0; from < bytes.length;) {
      this.part ??= this.buffers.take();
      const copied = bytes.copy(this.part, this.filled, from);
      from += copied;
      this.filled += copied;
      if (this.filled === PART_BYTES) this.close();
    }
  }

  end(): void {
    this.ended = true;
    this.close();
  }

  fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  drop(): void {
    this.close();
    this.buffers.giveBack(this.take());
    this.unwanted = true;
  }

  /** What has come, in buffers that are to be given back; undefined: that was all. */
  async next(): Promise<Buffer[] | undefined> {
    for (;;) {
      if (this.failure) throw this.failure;
      if (this.parts.length > 0) return this.take();
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private close(): void {
    if (this.part) this.parts.push(this.part.subarray(0, this.filled));
    this.part = undefined;
    this.filled = 0;
    this.wake();
  }

  private take(): Buffer[] {
    const { parts } = this;
    this.parts = [];
    this.tap?.went(parts.reduce((sum, { length }) => sum + length, 0));
    return parts;
  }
}
