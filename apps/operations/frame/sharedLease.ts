import type { ContainerClient } from "@azure/storage-blob";
import { majority } from "../../recovery/serving/record";
import { lacksRight, leaseHeld, messageOf, notRun, statusOf } from "./errors";
import { ownLeaseId, type Lease } from "./lease";

/** One of the accounts a lease is taken in. */
export interface LeasePlace {
  /** For messages, e.g. its region. */
  readonly name: string;
  readonly container: ContainerClient;
}

/** Seconds after which the lease of a run that was killed ends by itself; the longest Azure gives is 60. */
const LEASE_SECONDS = 30;
const RENEW_EVERY_MS = 10_000;
/** How long an account may take to answer, with what its client tries again. */
const ANSWER_MS = 10_000;

const within = () => ({ abortSignal: AbortSignal.timeout(ANSWER_MS) });
/** An account that answers no, rather than one that does not answer. */
const isAnothers = (error: unknown): boolean => [404, 409, 412].includes(statusOf(error) ?? 0);
const blobOf = ({ container }: LeasePlace, name: string) => container.getBlockBlobClient(`leases/${name}`);

/** Why an account was not heard: nothing but headers comes back of some requests, and so no message. */
function reasonOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: string | number };
  const statusCode = statusOf(error);
  if (lacksRight(error)) return `no right to it (${code ?? statusCode ?? "refused"})`;
  return typeof code === "string" ? code : statusCode === undefined ? messageOf(error) : String(statusCode);
}

/** Who is silent and why, each reason once. */
function told(silent: ReadonlyMap<string, unknown>): string {
  const names = new Map<string, string[]>();
  for (const [name, error] of silent) {
    const reason = reasonOf(error);
    names.set(reason, [...(names.get(reason) ?? []), name]);
  }
  return [...names].map(([reason, own]) => `${own.join(", ")}: ${reason}`).join("; ");
}

/** Makes the blob of a lease, unless it is there. @throws what keeps the account from answering */
async function make(place: LeasePlace, name: string): Promise<void> {
  await blobOf(place, name)
    .upload("", 0, { ...within(), conditions: { ifNoneMatch: "*" } })
    .catch((error: unknown) => {
      // One that is there is leased, perhaps; 404 is no container.
      if (![409, 412].includes(statusOf(error) ?? 0)) throw error;
    });
}

/** What of each place is heard, and why of the others is not. */
async function ask<T>(
  places: readonly LeasePlace[],
  question: (place: LeasePlace) => Promise<T>,
): Promise<{ heard: { place: LeasePlace; value: T }[]; silent: Map<string, unknown> }> {
  const said = await Promise.allSettled(places.map(question));
  const heard: { place: LeasePlace; value: T }[] = [];
  const silent = new Map<string, unknown>();
  said.forEach((one, index) => {
    const place = places[index];
    if (!place) return;
    if (one.status === "fulfilled") heard.push({ place, value: one.value });
    else silent.set(place.name, one.reason);
  });
  return { heard, silent };
}

/**
 * Whether somebody may hold a lease.
 * @throws Error when too few of the places answer to know it
 */
export async function heldByAnybody(places: readonly LeasePlace[], name: string): Promise<boolean> {
  const { heard, silent } = await ask(places, async (place) => {
    try {
      const { leaseState } = await blobOf(place, name).getProperties(within());
      return leaseState === "leased" || leaseState === "breaking";
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  });
  const held = heard.filter(({ value }) => value).length;
  const needed = majority(places.length);
  // What one that was killed left in one account alone is no lease; with those that are silent it may be.
  if (held >= needed) return true;
  if (heard.length - held >= needed) return false;
  throw new Error(
    `${heard.length} of ${places.length} accounts answer, ${held} of them that it is held: ${told(silent)}`,
  );
}

/**
 * A lease between machines: of a blob in most of some accounts, in their order. Two who take it share an account, so that one of
 * them has it, whichever account is lost. A killed run's ends after 30 seconds, for other machines.
 * @param folder of this machine, whose own lease is held already
 * @throws OperationError when somebody holds it, or too few accounts answer
 */
export async function takeSharedLease(
  places: readonly LeasePlace[],
  name: string,
  folder: string,
  renewEveryMs = RENEW_EVERY_MS,
): Promise<Lease> {
  const id = ownLeaseId(folder, name);
  const needed = majority(places.length);
  const place = `${places[0]?.container.containerName ?? ""}/leases/${name}`;
  // Who answers is known before the first is taken: one that is lost keeps nobody waiting who holds another.
  const { heard, silent } = await ask(places, (one) => make(one, name));
  const taken: { name: string; client: ReturnType<ReturnType<typeof blobOf>["getBlobLeaseClient"]> }[] = [];
  const release = async (): Promise<void> => {
    await Promise.allSettled(taken.map(({ client }) => client.releaseLease(within())));
  };
  let aheadMs: number | undefined;
  for (const one of heard.map((answer) => answer.place)) {
    const client = blobOf(one, name).getBlobLeaseClient(id);
    try {
      const { date } = await client.acquireLease(LEASE_SECONDS, within());
      if (date) aheadMs = Date.now() - date.getTime();
      taken.push({ name: one.name, client });
    } catch (error) {
      if (statusOf(error) === 409) {
        await release();
        throw leaseHeld(
          `another operator holds ${place}; nothing was done. A run that was killed loses it after ${LEASE_SECONDS} s`,
        );
      }
      silent.set(one.name, error);
    }
  }
  if (taken.length < needed) {
    await release();
    throw notRun(
      `the lease ${place} cannot be taken in ${needed} of ${places.length} accounts: ${told(silent)}; \`operations reach\` opens the way to them, --no-lease goes on without it`,
      [...silent.values()][0],
    );
  }
  const lost = new AbortController();
  let renewing = false;
  const renew = async (): Promise<void> => {
    const said = await Promise.allSettled(taken.map(({ client }) => client.renewLease(within())));
    const own = said.filter(({ status }) => status === "fulfilled").length;
    const anothers = said.some((one) => one.status === "rejected" && isAnothers(one.reason));
    // Accounts that do not answer take the lease from nobody; one that says no may speak for those.
    if (!anothers || places.length - own < needed) return;
    clearInterval(timer);
    lost.abort(
      leaseHeld(
        `the lease ${place} was lost meanwhile, and another operator may hold it; what was done is done: type the same command again once nobody else is at it`,
      ),
    );
  };
  const timer = setInterval(() => {
    if (renewing) return;
    renewing = true;
    void renew().finally(() => (renewing = false));
  }, renewEveryMs);
  timer.unref();
  return {
    place,
    ...(aheadMs !== undefined && { aheadMs }),
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await release();
    },
  };
}
