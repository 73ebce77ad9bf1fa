/** Work that waits for its turn: the lowest rank goes first, among equals the one that came first. */
interface Waiting {
  rank: number;
  begin(): void;
}

/**
 * Runs a limited number of pieces of work at a time, the most urgent ones first.
 * @param size how many run side by side
 */
export class Slots {
  private readonly waiting: Waiting[] = [];
  private busy = 0;

  constructor(private readonly size: number) {}

  /** Does the work when a slot is free and nothing of a lower rank waits. */
  async run<T>(rank: number, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin) => {
      const before = this.waiting.findIndex((other) => other.rank > rank);
      this.waiting.splice(before < 0 ? this.waiting.length : before, 0, { rank, begin });
      this.next();
    });
    try {
      return await work();
    } finally {
      this.busy -= 1;
      this.next();
    }
  }

  private next(): void {
    // Whoever hands work in now may hand in more urgent work at once: decide when it has.
    queueMicrotask(() => {
      while (this.busy < this.size) {
        const first = this.waiting.shift();
        if (!first) return;
        this.busy += 1;
        first.begin();
      }
    });
  }
}
