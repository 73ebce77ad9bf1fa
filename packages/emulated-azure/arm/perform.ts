import { CloudError, Stored, Tree } from "../model/types";
import { Incomplete } from "../provider/front";
import type { Attempt } from "../faults";
import type { ArmAnswer, ArmContext, ArmRequest } from "./context";
import { ArmError } from "./errors";

/** Told when the cloud has taken an operation on; what runs behind the resource may still be at work. */
export type Done = (stored: Stored) => void;

export interface Started {
  readonly stored: Stored;
  /** Ends when everything behind the resource has followed. */
  readonly whole: Promise<unknown>;
}

/**
 * Performs an operation up to where ARM accepts it: a refusal is thrown, and what takes longer goes on.
 * @param serialisedBy Key of what admits one operation at a time.
 */
export function perform(
  context: ArmContext,
  attempt: Attempt & { readonly urn: string },
  serialisedBy: string | undefined,
  action: (done: Done) => Promise<void>,
): Promise<Started> {
  return new Promise((resolve, reject) => {
    let taken = false;
    const whole: Promise<unknown> = context.front
      .perform(
        attempt,
        serialisedBy,
        () =>
          action((stored) => {
            taken = true;
            // The promise is known only after this call returns.
            queueMicrotask(() => resolve({ stored, whole }));
          }),
        { retries: "caller" },
      )
      .catch((error: unknown) => {
        const seen = timedOut(error);
        reject(seen);
        throw seen;
      });
    // Whoever was answered follows it; nobody else listens.
    whole.catch(() => taken);
  });
}

function timedOut(error: unknown): unknown {
  return error instanceof Incomplete ? new CloudError(504, "GatewayTimeout", error.reason) : error;
}

export interface Acceptance {
  readonly created?: boolean;
  readonly deleted?: boolean;
  /** Body of the answer and of the result in the end. */
  readonly result: () => Tree | undefined;
  /** Whether the answer that accepts an action shows the resource; a write's does. */
  readonly bare?: boolean;
}

/** Answers as the service's description has it: at once, or with the addresses of a long-running operation. */
export async function accepted(
  context: ArmContext,
  { route, base, apiVersion, method }: ArmRequest,
  { whole, stored }: Started,
  { created = false, deleted = false, result, bare = false }: Acceptance,
): Promise<ArmAnswer> {
  const { operation } = route;
  const status = operation?.status ?? [200, 201, 204];
  if (!operation?.poll) {
    await whole;
    if (deleted) return { status: status.includes(200) ? 200 : (status[0] ?? 204) };
    const body = result();
    const code =
      method === "PUT" && created && status.includes(201)
        ? 201
        : status.includes(200)
          ? 200
          : (status[0] ?? 200);
    return { status: code, ...(body && code !== 204 && { body }) };
  }
  const namespace = /\/providers\/([^/]+)/i.exec(route.path)?.[1] ?? "Microsoft.Resources";
  const location = regionOf(context, stored);
  const place = `/subscriptions/${route.subscription}/providers/${namespace}/locations/${location}`;
  const headers = context.lro.follow(
    base,
    place,
    apiVersion,
    whole,
    result,
    status.includes(200) ? 200 : 204,
  );
  if (method === "PUT") {
    const body = result();
    const [code = 200] = [202, ...(created ? [201] : []), 200].filter((one) => status.includes(one));
    return { status: code, headers, end: whole, ...(body && { body }) };
  }
  const code = status.includes(202) ? 202 : (status[0] ?? 200);
  const body = bare || deleted ? undefined : result();
  return { status: code, headers, end: whole, ...(body && code !== 202 && { body }) };
}

function regionOf({ cloud }: ArmContext, { inputs, id }: Stored): string {
  const own = inputs["location"];
  if (typeof own === "string") return own.toLowerCase().replaceAll(" ", "");
  const parent = /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)/i.exec(id)?.[1];
  const group = parent && cloud.get(`arm:${parent.toLowerCase()}`)?.inputs["location"];
  return typeof group === "string" ? group.toLowerCase() : "global";
}

export { ArmError };
