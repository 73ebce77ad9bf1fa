import type { BlobLeaseClient, BlockBlobClient } from "@azure/storage-blob";
import { setTimeout as sleep } from "node:timers/promises";
import { FailedError, LeaseHeldError, messageOf } from "../errors";
import type { RunContext } from "../context";
import { refusal, type BlobStore } from "./client";

/** The shortest lease Azure grants: a killed run blocks the next one no longer than this. */
const LEASE_SECONDS = 15;
const RENEW_EVERY_MS = 4_000;
const POLL_MS = 500;

export interface Lease {
  /** Aborted with a reason when the lease is lost. */
  lost: AbortSignal;
  /** Fails unless the lease is still ours, and extends it. Call right before anything becomes visible. */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lease of one database. Against a live holder it gives up; the lease of a killed one is waited for,
 * at most 16 seconds.
 * @throws LeaseHeldError when another run is alive, or was when this one started
 */
export async function takeLease(
  store: BlobStore,
  container: string,
  name: string,
  context: RunContext,
): Promise<Lease> {
  const blob = store.container(container).getBlockBlobClient(name);
  const client = blob.getBlobLeaseClient();
  const held = () =>
    new LeaseHeldError(
      `another run holds the lease ${container}/${name} at ${store.location}; nothing was done`,
    );
  const patience = context.now().getTime() + (LEASE_SECONDS + 1) * 1000;
  for (let attempt = 0; ; attempt += 1) {
    if (await tryAcquire(blob, client)) break;
    if (attempt === 0) {
      context.progress.note(
        `lease ${name} is taken; watching up to ${LEASE_SECONDS + 1} s whether its holder is alive`,
      );
    }
    await sleep(POLL_MS, undefined, { signal: context.signal });
    const state = await leaseState(blob);
    // A lease that was given back had a live holder; only one that ran out belonged to a killed run.
    if (state === "available" || state === undefined) throw held();
    if (state !== "expired" && context.now().getTime() > patience) throw held();
  }
  return keepAlive(blob, client);
}

async function tryAcquire(blob: BlockBlobClient, client: BlobLeaseClient): Promise<boolean> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await client.acquireLease(LEASE_SECONDS);
      return true;
    } catch (error) {
      const said = refusal(error);
      if (said?.status === 409) return false;
      if (said?.code !== "BlobNotFound" || attempt === 3) throw error;
    }
    try {
      await blob.upload("", 0, { conditions: { ifNoneMatch: "*" } });
    } catch (error) {
      const status = refusal(error)?.status;
      if (status !== 409 && status !== 412) throw error;
    }
  }
}

async function leaseState(blob: BlockBlobClient): Promise<string | undefined> {
  try {
    return (await blob.getProperties()).leaseState;
  } catch (error) {
    if (refusal(error)?.status === 404) return undefined;
    throw error;
  }
}

function keepAlive(blob: BlockBlobClient, client: BlobLeaseClient): Lease {
  const lost = new AbortController();
  const renew = async () => {
    try {
      await client.renewLease({ abortSignal: AbortSignal.timeout(LEASE_SECONDS * 1000) });
    } catch (error) {
      throw new FailedError(`the lease ${blob.name} was lost: ${messageOf(error).slice(0, 200)}`);
    }
  };
  let failures = 0;
  const timer = setInterval(() => {
    renew().then(
      () => (failures = 0),
      (error: unknown) => {
        failures += 1;
        // Two missed renewals still leave time before the lease runs out; a third may not.
        if (failures >= 3) lost.abort(error);
      },
    );
  }, RENEW_EVERY_MS);
  timer.unref();
  return {
    lost: lost.signal,
    async confirm() {
      lost.signal.throwIfAborted();
      await renew();
    },
    async release() {
      clearInterval(timer);
      try {
        await blob.delete({ conditions: { leaseId: client.leaseId } });
      } catch {
        // The backup role may not delete, and immutable containers never do: then the empty lock blob stays.
        await client.releaseLease().catch(() => undefined);
      }
    },
  };
}
