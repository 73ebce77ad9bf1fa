import { setTimeout as sleep } from "node:timers/promises";
import { FailedError, LeaseHeldError, messageOf } from "../../../packages/command/errors";
import type { RunContext } from "../context";
import type { Store, StoreLock } from "./store";

const POLL_MS = 500;
/** Three chances before it runs out. */
const RENEWALS_PER_LEASE = 3.75;

export interface Lease {
  /** Aborted with a reason when the lease is lost. */
  lost: AbortSignal;
  /** Fails unless the lease is still ours, and extends it. Call right before anything becomes visible. */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lease of one database. Against a live holder it gives up; the lease of a killed one is waited for,
 * at most a second longer than a lease lasts.
 * @throws LeaseHeldError when another run is alive, or was when this one started
 */
export async function takeLease(
  store: Store,
  container: string,
  name: string,
  context: RunContext,
): Promise<Lease> {
  const lock = store.lock(container, name);
  const held = () =>
    new LeaseHeldError(
      `another run holds the lease ${container}/${name} at ${store.location}; nothing was done`,
    );
  const patience = context.now().getTime() + (lock.seconds + 1) * 1000;
  for (let attempt = 0; ; attempt += 1) {
    if (await lock.acquire()) break;
    if (attempt === 0) {
      context.progress.note(
        `lease ${name} is taken; watching up to ${lock.seconds + 1} s whether its holder is alive`,
      );
    }
    await sleep(POLL_MS, undefined, { signal: context.signal });
    const state = await lock.state();
    // A lease that was given back had a live holder; only one that ran out belonged to a killed run.
    if (state === "free") throw held();
    if (state !== "expired" && context.now().getTime() > patience) throw held();
  }
  return keepAlive(lock, name);
}

/** How much longer than a lease lasts its store may take to answer. */
const ANSWER_MS = 15_000;

/**
 * Takes the lease as `takeLease` does, from a store that may have fallen silent.
 * @throws FailedError when it does not answer in time; a lease that comes later is given back
 */
export async function takeLeaseInTime(
  store: Store,
  container: string,
  name: string,
  context: RunContext,
): Promise<Lease> {
  const taking = takeLease(store, container, name, context);
  const limit = store.lock(container, name).seconds * 1000 + ANSWER_MS;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      taking.then(
        (lease) => lease.release(),
        () => undefined,
      );
      reject(
        new FailedError(
          `lease ${container}/${name} at ${store.location}: no answer within ${limit / 1000} s`,
        ),
      );
    }, limit);
  });
  return Promise.race([taking, late]).finally(() => clearTimeout(timer));
}

function keepAlive(lock: StoreLock, name: string): Lease {
  const lost = new AbortController();
  const renew = async () => {
    try {
      await lock.renew();
    } catch (error) {
      throw new FailedError(`the lease ${name} was lost: ${messageOf(error).slice(0, 200)}`);
    }
  };
  let failures = 0;
  const timer = setInterval(
    () => {
      renew().then(
        () => (failures = 0),
        (error: unknown) => {
          failures += 1;
          // Two missed renewals still leave time before the lease runs out; a third may not.
          if (failures >= 3) lost.abort(error);
        },
      );
    },
    (lock.seconds * 1000) / RENEWALS_PER_LEASE,
  );
  timer.unref();
  return {
    lost: lost.signal,
    async confirm() {
      lost.signal.throwIfAborted();
      await renew();
    },
    async release() {
      clearInterval(timer);
      await lock.release();
    },
  };
}
