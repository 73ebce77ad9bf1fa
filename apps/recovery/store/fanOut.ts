import { createHash } from "node:crypto";
import { FailedError } from "../../../packages/command/errors";

/** Bytes a target may be behind before it holds the others back. */
const QUEUE_BYTES = 4 * 1024 * 1024;

/** One reader of the stream. */
export class Branch implements AsyncIterable<Buffer> {
  private readonly queue: Buffer[] = [];
  private queued = 0;
  private ended = false;
  private wake: () => void = () => undefined;
  /** Milliseconds for which the others waited for it. */
  waited = 0;
  error: Error | undefined;

  constructor(
    readonly name: string,
    private readonly onChange: () => void,
    private readonly onLeftBehind: (error: Error) => void,
  ) {}

  get isFull(): boolean {
    return this.queued >= QUEUE_BYTES;
  }

  push(part: Buffer): void {
    if (this.error) return;
    this.queue.push(part);
    this.queued += part.length;
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  /** Its reader gave up, or was given up: nothing waits for it any more. */
  fail(error: Error, leftBehind = false): void {
    if (this.error) return;
    this.error = error;
    this.queue.length = 0;
    this.wake();
    this.onChange();
    if (leftBehind) this.onLeftBehind(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.error) throw this.error;
      const part = this.queue.shift();
      if (part) {
        this.queued -= part.length;
        this.onChange();
        yield part;
      } else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

/**
 * Hands one stream to several readers. A reader that is behind holds the stream back, so that nothing piles up, but for
 * no longer than its patience in all; then it is left behind, and the others go on without it.
 */
export class FanOut {
  private readonly branches: Branch[] = [];
  private changed: () => void = () => undefined;

  /** @param patienceMs longest time, in all, that one reader may hold the others back */
  constructor(
    private readonly source: AsyncIterable<Buffer>,
    private readonly patienceMs: number,
  ) {}

  branch(name: string, onLeftBehind: (error: Error) => void): Branch {
    const branch = new Branch(name, () => this.changed(), onLeftBehind);
    this.branches.push(branch);
    return branch;
  }

  private get live(): Branch[] {
    return this.branches.filter(({ error }) => !error);
  }

  /** Reads the source to its end. @throws the source's error, or the first reader's when none is left */
  async run(): Promise<{ bytes: number; sha256: string }> {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const part of this.source) {
      hash.update(part);
      bytes += part.length;
      for (const branch of this.live) branch.push(part);
      await this.room();
    }
    for (const branch of this.branches) branch.end();
    return { bytes, sha256: hash.digest("hex") };
  }

  /** Waits until every reader that is left can take more. */
  private async room(): Promise<void> {
    for (;;) {
      const { live } = this;
      if (live.length === 0) throw this.branches[0]?.error ?? new FailedError("nobody reads the stream");
      const full = live.filter(({ isFull }) => isFull);
      if (full.length === 0) return;
      // When all are full, nobody waits for somebody else.
      const holding = full.length < live.length ? full : [];
      const left = Math.min(...holding.map(({ waited }) => this.patienceMs - waited));
      const began = performance.now();
      await this.change(left);
      for (const branch of holding) {
        branch.waited += performance.now() - began;
        if (branch.isFull && branch.waited >= this.patienceMs) {
          const seconds = Math.round(this.patienceMs / 1000);
          branch.fail(new FailedError(`held the other targets back for ${seconds} s: left behind`), true);
        }
      }
    }
  }

  private change(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(atMostMs) ? setTimeout(resolve, Math.max(0, atMostMs)) : undefined;
      this.changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
