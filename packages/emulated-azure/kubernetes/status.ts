/** A refusal in the form the API server gives it. */
export class StatusError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    /** Seconds whoever asks is told to wait. */
    readonly retryAfter?: number,
  ) {
    super(message);
    this.name = "StatusError";
  }

  get document(): object {
    const { code, reason, message } = this;
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
  }
}

export const notFound = (what: string) => new StatusError(404, "NotFound", `${what} not found`);
export const badRequest = (message: string) => new StatusError(400, "BadRequest", message);
export const conflict = (message: string) => new StatusError(409, "Conflict", message);
export const invalid = (message: string) => new StatusError(422, "Invalid", message);
