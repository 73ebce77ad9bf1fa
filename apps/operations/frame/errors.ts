import { CommandError, ExitCode } from "../../../packages/command/errors";

export { ExitCode, messageOf } from "../../../packages/command/errors";

/** An error a person can act on: its message is printed as it is. */
export class OperationError extends CommandError {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Whether somebody was refused for a right that lacks: waiting mends nothing, and nobody is silent who says so. */
export function lacksRight(error: unknown): boolean {
  const { statusCode, code } = (error ?? {}) as { statusCode?: number; code?: number | string };
  return statusCode === 403 || code === 403 || code === "AuthorizationFailed" || code === "Forbidden";
}

export const failed = (message: string, cause?: unknown) =>
  new OperationError(ExitCode.failed, message, { cause });
export const refused = (message: string) => new OperationError(ExitCode.usage, message);
export const notRun = (message: string, cause?: unknown) =>
  new OperationError(ExitCode.notRun, message, { cause });
export const leaseHeld = (message: string) => new OperationError(ExitCode.leaseHeld, message);
