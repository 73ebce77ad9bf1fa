import { FailedError, messageOf, NotRunError } from "../../packages/command/errors";
import type { CheckResult, CheckStatus, Level, Verdict } from "./types";
import { stopwatch } from "../../packages/programs/waiting";

export const LEVELS: readonly Level[] = ["L0", "L1", "L2", "L3", "L4", "L5", "L6"];

/** What a check found: PASS when `match`. */
export interface Finding {
  match: boolean;
  expected: string;
  actual: string;
}

/**
 * Collects the checks of one verification, in order. A check that cannot be done is NOT_RUN; a failed or undone
 * check can be made a barrier, behind which nothing is tried and everything is NOT_RUN.
 */
export class Ladder {
  readonly checks: CheckResult[] = [];
  private barrier: string | undefined;

  constructor(
    private readonly through: Level,
    private readonly signal: AbortSignal,
  ) {}

  /** Whether checks of this level were asked for. */
  wants(level: Level): boolean {
    return level <= this.through;
  }

  /**
   * Does one check and records it, unless its level was not asked for.
   * @param barrier true: when it does not pass, later checks make no sense and become NOT_RUN
   */
  async check(
    id: string,
    level: Level,
    expected: string,
    work: () => Promise<Finding>,
    barrier = false,
  ): Promise<CheckStatus | undefined> {
    if (!this.wants(level)) return undefined;
    const seconds = stopwatch();
    const record = (status: CheckStatus, finding: Omit<Finding, "match">) => {
      this.checks.push({ id, level, status, ...finding, seconds: seconds() });
      if (barrier && status !== "PASS") this.barrier ??= `${level} ${id} did not pass`;
      return status;
    };
    if (this.barrier) return record("NOT_RUN", { expected, actual: `not run: ${this.barrier}` });
    try {
      this.signal.throwIfAborted();
      const { match, ...finding } = await work();
      return record(match ? "PASS" : "FAIL", finding);
    } catch (error) {
      if (this.signal.aborted) {
        if (!isTimeout(this.signal.reason)) throw this.signal.reason;
        this.barrier = "the time allowed was over";
        return record("TIMED_OUT", { expected, actual: "the time allowed was over" });
      }
      const status = error instanceof FailedError ? "FAIL" : "NOT_RUN";
      const reason =
        error instanceof NotRunError || error instanceof FailedError ? error.message : messageOf(error);
      return record(status, { expected, actual: status === "NOT_RUN" ? `not run: ${reason}` : reason });
    }
  }

  /** A failure weighs most; a backup is only good when every check that was asked for passed. */
  verdict(): Verdict {
    const found = new Set(this.checks.map(({ status }) => status));
    for (const status of ["FAIL", "TIMED_OUT", "NOT_RUN"] as const) if (found.has(status)) return status;
    return found.has("PASS") ? "PASS" : "NOT_RUN";
  }
}

/** Whether work was ended because its time was over, and not because somebody interrupted it. */
export const isTimeout = (reason: unknown) =>
  reason instanceof DOMException && reason.name === "TimeoutError";
