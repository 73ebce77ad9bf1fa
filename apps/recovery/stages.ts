import type { RunContext } from "./context";
import type { Stage } from "./types";

/** Times the steps of a run: what an RTO is made of. */
export class Stages {
  readonly list: Stage[] = [];

  constructor(private readonly context: RunContext) {}

  /** Runs one step, shows it as progress, and records how long it took even when it fails. */
  async run<T>(
    name: string,
    work: (setBytes: (bytes: number) => void) => Promise<T>,
    expectedBytes?: number,
  ): Promise<T> {
    const { progress, now, signal } = this.context;
    const started = now();
    let bytes: number | undefined;
    progress.stage(name, expectedBytes);
    let failed = true;
    try {
      const result = await work((total) => {
        bytes = total;
        progress.bytes(total);
      });
      failed = false;
      return result;
    } finally {
      const seconds = Math.max(0, (now().getTime() - started.getTime()) / 1000);
      this.list.push({
        name,
        startedAt: started.toISOString(),
        seconds,
        ...(bytes === undefined ? {} : { bytes }),
      });
      progress.done(failed ? (signal.aborted ? "interrupted" : "failed") : undefined);
    }
  }
}
