import type { ContainerClient } from "@azure/storage-blob";
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { leaseHeld, messageOf, notRun } from "./errors";

/** What keeps two operators from doing the same thing at once. */
export interface Lease {
  /** For messages. */
  readonly place: string;
  /** Aborted once somebody else holds it, or may; undefined where nobody can take it. */
  readonly lost?: AbortSignal;
  release(): Promise<void>;
}

/** Seconds after which the lease of a run that was killed ends by itself. */
const LEASE_SECONDS = 30;
const RENEW_EVERY_MS = 10_000;

/** Name of the lease of every verb that changes a stack. */
export const leaseName = (exclusive: string, kind = "operations"): string => `${kind}-${exclusive}`;

/** Whether an operation on a stack holds its lease; undefined where the environment names no store of incidents. */
export async function operationsLease(
  env: Readonly<Record<string, string | undefined>>,
  stack: string,
): Promise<boolean | undefined> {
  const url = env["INCIDENT_STORE_URL"];
  if (!url) return undefined;
  const { DefaultAzureCredential } = await import("@azure/identity");
  const { ContainerClient: Container } = await import("@azure/storage-blob");
  const container = url.includes("?") ? new Container(url) : new Container(url, new DefaultAzureCredential());
  return heldIn(container, leaseName(stack));
}

/** Whether somebody holds a lease in a store of incidents. */
export async function heldIn(container: ContainerClient, name: string): Promise<boolean> {
  try {
    const { leaseState } = await container.getBlobClient(`leases/${name}`).getProperties();
    return leaseState === "leased" || leaseState === "breaking";
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    if (statusCode === 404) return false;
    // Nothing but headers comes back of this request, and so no message.
    throw new Error(`${container.containerName}/leases/${name}: ${code ?? statusCode ?? messageOf(error)}`, {
      cause: error,
    });
  }
}

/** A lease within one machine: a file that names the process which holds it. @throws OperationError when that lives */
export function takeLocalLease(folder: string, name: string): Lease {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `${name}.lease`);
  const own = `${file}.${process.pid}.${randomUUID()}`;
  // Whole before it has its name: nobody finds one that does not say whose it is.
  fs.writeFileSync(own, `${process.pid}\n`, { mode: 0o600 });
  try {
    while (!linked(own, file)) {
      const holder = holderOf(file);
      if (holder !== undefined && isAlive(holder))
        throw leaseHeld(
          `process ${holder} holds ${file}; nothing was done. If that is no run of operations, delete the file`,
        );
      discard(file, `${own}.old`);
    }
  } finally {
    fs.rmSync(own, { force: true });
  }
  return { place: file, release: () => Promise.resolve(fs.rmSync(file, { force: true })) };
}

/** Gives a file a second name, unless another has that. */
function linked(own: string, file: string): boolean {
  try {
    fs.linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

/** Process a lease names; 0 where it names none, undefined where there is none any more. */
function holderOf(file: string): number | undefined {
  try {
    return Number(fs.readFileSync(file, "utf8")) || 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** Takes away the lease of a run that was killed; one that a living run has taken in between gets its name back. */
function discard(file: string, aside: string): void {
  try {
    fs.renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return;
  }
  if (isAlive(holderOf(aside) ?? 0)) linked(aside, file);
  fs.rmSync(aside, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The id under which this machine takes a lease: a run that was killed here holds nothing against the next one here. */
function ownId(folder: string, name: string): string {
  const file = path.join(folder, `${name}.lease-id`);
  if (fs.existsSync(file)) return fs.readFileSync(file, "utf8").trim();
  const id = randomUUID();
  fs.writeFileSync(file, `${id}\n`, { mode: 0o600 });
  return id;
}

/**
 * A lease between machines: of a blob in the incident store. A killed run's ends after 30 seconds, for other machines.
 * @param folder of this machine, whose own lease is held already
 * @throws OperationError when somebody holds it, or the store cannot be asked
 */
export async function takeBlobLease(
  container: ContainerClient,
  name: string,
  folder: string,
  renewEveryMs = RENEW_EVERY_MS,
): Promise<Lease> {
  const blob = container.getBlockBlobClient(`leases/${name}`);
  const client = blob.getBlobLeaseClient(ownId(folder, name));
  const place = `${container.containerName}/leases/${name}`;
  try {
    await blob.upload("", 0, { conditions: { ifNoneMatch: "*" } }).catch((error: unknown) => {
      if (![409, 412].includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
    });
    await client.acquireLease(LEASE_SECONDS);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 409)
      throw leaseHeld(
        `another operator holds ${place}; nothing was done. A run that was killed loses it after ${LEASE_SECONDS} s`,
      );
    throw notRun(
      `the lease ${place} cannot be taken: ${messageOf(error)}; --no-lease goes on without it`,
      error,
    );
  }
  const lost = new AbortController();
  const timer = setInterval(() => {
    // A store that does not answer takes the lease from nobody; one that answers no says that it is another's.
    void client.renewLease().catch((error: unknown) => {
      if (![404, 409, 412].includes((error as { statusCode?: number }).statusCode ?? 0)) return;
      clearInterval(timer);
      lost.abort(
        leaseHeld(
          `the lease ${place} was lost meanwhile, and another operator may hold it; what was done is done: type the same command again once nobody else is at it`,
        ),
      );
    });
  }, renewEveryMs);
  timer.unref();
  return {
    place,
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await client.releaseLease().catch(() => undefined);
    },
  };
}
