import { CommandError, ExitCode, messageOf as messageAsItIs } from "../../../packages/command/errors";

export { ExitCode } from "../../../packages/command/errors";

/** What the identity library says when none of the ways it knows leads to a token; it tells every one of them. */
const NO_SIGN_IN = /\w+Credential authentication failed|CredentialUnavailableError|AuthenticationRequired/;
/** Entra's own word, e.g. of a session that has ended, by its number. */
const ENTRA = /\bAADSTS\d+: [^;.]*/;
/** Entra itself that was not reached, as Node.js says it and as the Azure CLI does. */
const NO_ENTRA =
  /(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH) [^;]*\blogin\.|\blogin\.[a-z.]+[^;]*Max retries exceeded/;

/** The message of anything thrown, on one line, and in one sentence where nobody is signed in to Azure. */
export function messageOf(error: unknown): string {
  const text = messageAsItIs(error);
  if (!NO_SIGN_IN.test(text)) return text;
  // Who signed in and is not heard has not signed out.
  if (NO_ENTRA.test(text)) return "Entra, which signs in to Azure, was not reached";
  const [why] = ENTRA.exec(text) ?? [];
  return `nobody is signed in to Azure${why === undefined ? "" : ` (${why})`}: az login, or the settings of a workload identity`;
}

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

/** Status of the answer that an error of a client tells of; undefined when it tells of none. */
export const statusOf = (error: unknown): number | undefined =>
  (error as { statusCode?: number } | undefined)?.statusCode;

/** Whether Azure refuses to delete something for a lock, which may be one that is gone already: it heeds those a while longer. */
export const isLocked = (error: unknown): boolean =>
  (error as { code?: unknown } | undefined)?.code === "ScopeLocked";

/** Whether somebody was refused for a right that lacks: waiting mends nothing, and nobody is silent who says so. */
export function lacksRight(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: number | string };
  return statusOf(error) === 403 || code === 403 || code === "AuthorizationFailed" || code === "Forbidden";
}

/** Whether something holds of an error, or of what caused it. */
export const causedBy = (error: unknown, is: (one: unknown) => boolean): boolean =>
  is(error) || (error instanceof Error && error.cause !== undefined && causedBy(error.cause, is));

const BROKEN = [
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
];
/** What clients say of a connection or an answer that did not come; they give it no code. */
const UNHEARD =
  /timeout expired|due to timeout|read timeout|connection terminated|socket hang up|operation was aborted|fetch failed/i;
/**
 * Azure, of what does one thing at a time and is at another, often one of its own (https://github.com/Azure/azure-postgresql/issues/134,
 * https://github.com/hashicorp/terraform-provider-azurerm/issues/28715): its codes, and its words where an operation failed for it.
 */
const BUSY = /^\w*(Busy|OperationInProgress|LockConflict)$|^RetryableError$/;
const BUSY_WORDS = /\bis busy\b|another operation\b.*\b(in progress|pending)/i;
/** PostgreSQL: broken connections, a server that stops or starts, and no connection left. */
const SQL_BROKEN = /^(08...|57P0[123]|53300)$/;

/**
 * Whether something was not heard, or was told to come again: the same request a moment later may well be answered, also where a step
 * says what it was that could not be asked. What a step itself calls a failure, and any other answer, stays what it is.
 */
export function passes(error: unknown, depth = 0): boolean {
  if (lacksRight(error) || depth > 5) return false;
  if (error instanceof OperationError)
    return error.exitCode === ExitCode.notRun && passes(error.cause, depth + 1);
  const { statusCode, code, cause, errors, message } = (error ?? {}) as {
    statusCode?: number;
    code?: unknown;
    cause?: unknown;
    errors?: unknown[];
    message?: string;
  };
  if (!(error instanceof CommandError) && (BUSY.test(String(code)) || BUSY_WORDS.test(message ?? "")))
    return true;
  const status = statusCode ?? (typeof code === "number" ? code : 0);
  // A DOMException has a number of its own, which is none of HTTP's.
  if (status >= 100) return status === 408 || status === 429 || status >= 500;
  if (typeof code === "string" && (BROKEN.includes(code) || SQL_BROKEN.test(code))) return true;
  if (!(error instanceof CommandError) && UNHEARD.test(message ?? "")) return true;
  return [cause, ...(errors ?? [])].some((one) => one !== undefined && passes(one, depth + 1));
}

export const failed = (message: string, cause?: unknown) =>
  new OperationError(ExitCode.failed, message, { cause });
export const refused = (message: string) => new OperationError(ExitCode.usage, message);
export const notRun = (message: string, cause?: unknown) =>
  new OperationError(ExitCode.notRun, message, { cause });
export const leaseHeld = (message: string) => new OperationError(ExitCode.leaseHeld, message);
