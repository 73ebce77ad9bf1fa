import type { RowLimits } from "./postgres/longRows";
import type { Progress } from "./progress";

/** What every verb gets besides its settings and options; tests and the drill pass their own. */
export interface RunContext {
  progress: Progress;
  /** Aborts the run: children are ended, the lease released, nothing committed. */
  signal: AbortSignal;
  /** The runner's clock. */
  now: () => Date;
  /** Which rows are cut into pieces, and which tables are read apart; default: as pg_dump needs it. */
  rowLimits?: RowLimits;
}
