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
  request: ArmRequest,
  started: Started,
  acceptance: Acceptance,
): Promise<ArmAnswer> {
  const { operation } = request.route;
  const described = operation?.status ?? [200, 201, 204];
  return operation?.poll
    ? longRunning(context, request, started, acceptance, described)
    : atOnce(request, started, acceptance, described);
}

/** The first of some status codes that is described, or else the first described one. */
const firstOf = (wanted: readonly number[], described: readonly number[]): number =>
  wanted.find((one) => described.includes(one)) ?? described[0] ?? 200;

async function atOnce(
  { method }: ArmRequest,
  { whole }: Started,
  { created = false, deleted = false, result }: Acceptance,
  described: readonly number[],
): Promise<ArmAnswer> {
  await whole;
  if (deleted) return { status: firstOf([200], described) };
  const body = result();
  const status = firstOf(method === "PUT" && created ? [201, 200] : [200], described);
  return { status, ...(body && status !== 204 && { body }) };
}

function longRunning(
  context: ArmContext,
  { route, base, apiVersion, method }: ArmRequest,
  { whole, stored }: Started,
  { created = false, deleted = false, result, bare = false }: Acceptance,
  described: readonly number[],
): ArmAnswer {
  const namespace = /\/providers\/([^/]+)/i.exec(route.path)?.[1] ?? "Microsoft.Resources";
  const location = regionOf(context, stored);
  const place = `/subscriptions/${route.subscription}/providers/${namespace}/locations/${location}`;
  const ending = described.includes(200) ? 200 : 204;
  const headers = context.lro.follow(base, place, apiVersion, whole, result, ending);
  if (method === "PUT") {
    const body = result();
    const status = [202, ...(created ? [201] : []), 200].find((one) => described.includes(one)) ?? 200;
    return { status, headers, end: whole, ...(body && { body }) };
  }
  const status = firstOf([202], described);
  const body = bare || deleted ? undefined : result();
  return { status, headers, end: whole, ...(body && status !== 202 && { body }) };
}

function regionOf({ cloud }: ArmContext, { inputs, id }: Stored): string {
  const own = inputs["location"];
  if (typeof own === "string") return own.toLowerCase().replaceAll(" ", "");
  const parent = /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)/i.exec(id)?.[1];
  const group = parent && cloud.get(`arm:${parent.toLowerCase()}`)?.inputs["location"];
  return typeof group === "string" ? group.toLowerCase() : "global";
}

export { ArmError };
