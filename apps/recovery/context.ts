import type { Progress } from "./progress";

/** What every verb gets besides its settings and options; tests and the drill pass their own. */
export interface RunContext {
  progress: Progress;
  /** Aborts the run: children are ended, the lease released, nothing committed. */
  signal: AbortSignal;
  /** The runner's clock. */
  now: () => Date;
  /** Bytes of memory that the runner and its programs may take together; default: what their container may. */
  memoryLimit?: number;
}
