import { CloudError } from "../model/types";
import type { Wish } from "../rights/decide";
import type { Principal } from "../rights/directory";

/** An error answer as ARM words it: HTTP status, code and message, and headers a client acts on. */
export class ArmError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly target?: string,
  ) {
    super(message);
    this.name = "ArmError";
  }

  /** Body of the answer (https://github.com/cloud-and-ai-microsoft/resource-provider-contract, common-api-details). */
  body(): object {
    const { code, message, target } = this;
    return { error: { code, message, ...(target && { target }) } };
  }
}

/** A request that vanishes on its way to a lost region: nobody is told anything. */
export class Swallowed extends Error {}

/** Where a request comes from no way leads to what it is for: its connection is cut. */
export class Unreachable extends Error {}

/** Any error as ARM's answer; what nobody foresaw is an InternalServerError that tells nothing of the inside. */
export function toArmError(error: unknown): ArmError {
  if (error instanceof ArmError) return error;
  if (error instanceof CloudError) {
    const message = error.message.startsWith(`${error.code}: `)
      ? error.message.slice(error.code.length + 2)
      : error.message;
    const headers: Record<string, string> = error.retryAfter
      ? { "Retry-After": String(error.retryAfter) }
      : {};
    return new ArmError(error.status, error.code, message, headers);
  }
  return new ArmError(500, "InternalServerError", "The emulated service failed; see its log.");
}

/**
 * Refuses every request while a front takes no more.
 * @param seconds whoever asks is told to wait; undefined while it takes them
 * @throws ArmError 429
 */
export function refuseThrottled(seconds: number | undefined, code: string, message: string): void {
  if (seconds !== undefined) throw new ArmError(429, code, message, { "Retry-After": String(seconds) });
}

/** Whether it tells of the inside nothing, so that whoever runs the cloud has to be told. */
export const isUnforeseen = ({ code, status }: ArmError): boolean =>
  code === "InternalServerError" && status === 500;

export const notFound = (type: string, name: string, group: string): ArmError =>
  new ArmError(
    404,
    "ResourceNotFound",
    `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );

/** Somebody may not do something somewhere; an application is called by its own id, a person by name. */
export function notAuthorized(
  { type, displayName, appId, objectId }: Principal,
  { action, scope }: Pick<Wish, "action" | "scope">,
): ArmError {
  const client = type === "User" ? displayName : (appId ?? objectId);
  return new ArmError(
    403,
    "AuthorizationFailed",
    `The client '${client}' with object id '${objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
}
