/**
 * Exit codes of every verb. Scripts and CronJobs rely on them; a new meaning needs a new number.
 */
export const ExitCode = {
  /** Done and proved. */
  ok: 0,
  /** Failed, or a check failed. */
  failed: 1,
  /** Wrong usage or settings; nothing was attempted. */
  usage: 2,
  /** Could not be run or could not be checked (NOT_RUN, TIMED_OUT); says nothing about the data. */
  notRun: 3,
  /** Another run holds the lease. */
  leaseHeld: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** One line per exit code, shown by every verb's `--help`. */
export const EXIT_CODE_HELP: Readonly<Record<ExitCode, string>> = {
  [ExitCode.ok]: "done and proved",
  [ExitCode.failed]: "failed, or a check failed",
  [ExitCode.usage]: "wrong usage or settings",
  [ExitCode.notRun]: "could not be run or checked (NOT_RUN)",
  [ExitCode.leaseHeld]: "another run holds the lease",
};

/** An error a person can act on: its message is printed as it is, without a stack trace. */
export abstract class CommandError extends Error {
  abstract readonly exitCode: ExitCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The run failed, or a check did. */
export class FailedError extends CommandError {
  readonly exitCode = ExitCode.failed;
}

/** The command line, a setting or a file is wrong; nothing was done. `lines` has everything that is, one line each. */
export class UsageError extends CommandError {
  readonly exitCode = ExitCode.usage;
  readonly lines: readonly string[];

  constructor(problems: string | readonly string[]) {
    const lines = typeof problems === "string" ? [problems] : problems;
    super(lines.join("\n"));
    this.lines = lines;
    // Also where another program prints the error, as Pulumi's engine does: where it was thrown helps nobody.
    this.stack = undefined;
  }
}

/** Something needed for the run or the check is missing here: a program, disk space, a scratch server. */
export class NotRunError extends CommandError {
  readonly exitCode = ExitCode.notRun;
}

/** Another live run holds the lease on the same database. */
export class LeaseHeldError extends CommandError {
  readonly exitCode = ExitCode.leaseHeld;
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  // Why a request was not heard, Node.js says of the cause alone.
  if (error instanceof TypeError && error.cause instanceof Error)
    return `${error.message}: ${messageOf(error.cause)}`;
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().replace(/\s*\n\s*/g, "; ");
}
