import type { IncomingMessage, ServerResponse } from "node:http";
import { randomUUID } from "node:crypto";
import type { ArmAnswer } from "./context";
import { ArmError, isUnforeseen, toArmError } from "./errors";

/** Largest body ARM takes (https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits): 4 MB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** What is read of a refused body so that the refusal reaches the client; then the connection is cut. */
const FORGOTTEN_BYTES = 16 * MAX_BODY_BYTES;
/** Milliseconds a client may take to send a whole request before its connection is closed. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Reads a body whole. @throws ArmError 413 for one that is too large; what follows of it is read and forgotten. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(
          new ArmError(
            413,
            "RequestContentTooLarge",
            `The request content size exceeds the maximum size of '${MAX_BODY_BYTES}' bytes.`,
            { Connection: "close" },
          ),
        );
        if (size > FORGOTTEN_BYTES) request.destroy();
      }
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
  });
}

/** Levels a document may have: twice what .NET's readers take unless told otherwise. */
export const DEEPEST = 128;

export function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((below) => deeperThan(below, levels - 1));
}

/** JSON of a body; undefined for an empty one. @throws ArmError 400 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    const parsed = JSON.parse(body.toString("utf8")) as unknown;
    if (deeperThan(parsed, DEEPEST)) throw new Error(`it is nested more than ${DEEPEST} levels deep`);
    return parsed;
  } catch (error) {
    throw new ArmError(
      400,
      "InvalidRequestContent",
      `The request content was invalid and could not be deserialized: '${error instanceof Error ? error.message : "not JSON"}'.`,
    );
  }
}

/** Writes an answer with the headers ARM sends with every one. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, headers }: ArmAnswer,
): void {
  if (response.headersSent || response.destroyed) return;
  const text = body === undefined || request.method === "HEAD" ? "" : JSON.stringify(body);
  const id = randomUUID();
  const client = request.headers["x-ms-client-request-id"];
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-cache",
    "x-ms-request-id": id,
    "x-ms-correlation-request-id": id,
    ...(typeof client === "string" && { "x-ms-client-request-id": client }),
    ...headers,
  });
  response.end(text);
}

/** Answers an error in ARM's words, and reports what nobody foresaw. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  report: (error: unknown) => void,
): void {
  const refusal = toArmError(error);
  if (isUnforeseen(refusal)) report(error);
  send(request, response, { status: refusal.status, body: refusal.body(), headers: refusal.headers });
}
