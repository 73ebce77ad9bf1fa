/** Exit codes of every verb, the same as the recovery runner's. */
export const ExitCode = {
  /** Done, and every step's postcondition was asked for and held. */
  ok: 0,
  /** A step failed, or its postcondition did not hold. */
  failed: 1,
  /** Wrong usage, or refused before anything was changed. */
  usage: 2,
  /** Something needed could not be asked; nothing was changed. */
  notRun: 3,
  /** Another run holds the lease. */
  leaseHeld: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An error a person can act on: its message is printed as it is. */
export class OperationError extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "OperationError";
  }
}

export const failed = (message: string, cause?: unknown) =>
  new OperationError(ExitCode.failed, message, { cause });
export const refused = (message: string) => new OperationError(ExitCode.usage, message);
export const notRun = (message: string, cause?: unknown) =>
  new OperationError(ExitCode.notRun, message, { cause });
export const leaseHeld = (message: string) => new OperationError(ExitCode.leaseHeld, message);

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().replace(/\s*\n\s*/g, "; ");
}
