import type { ContainerClient } from "@azure/storage-blob";
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { leaseHeld, messageOf, notRun } from "./errors";

/** What keeps two operators from doing the same thing at once. */
export interface Lease {
  /** For messages. */
  readonly place: string;
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
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

/** A lease within one machine: a file that names the process which holds it. @throws OperationError when that lives */
export function takeLocalLease(folder: string, name: string): Lease {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `${name}.lease`);
  for (;;) {
    try {
      fs.writeFileSync(file, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return { place: file, release: () => Promise.resolve(fs.rmSync(file, { force: true })) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number(fs.readFileSync(file, "utf8"));
    if (isAlive(holder)) throw leaseHeld(`process ${holder} holds ${file}; nothing was done`);
    // Its holder was killed.
    fs.rmSync(file, { force: true });
  }
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
  const timer = setInterval(() => void client.renewLease().catch(() => undefined), RENEW_EVERY_MS);
  timer.unref();
  return {
    place,
    async release() {
      clearInterval(timer);
      await client.releaseLease().catch(() => undefined);
    },
  };
}
