import { randomUUID } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { validate } from "uuid";
import { leaseHeld } from "./errors";
import { keeping } from "./keeping";

/** What keeps two operators from doing the same thing at once. */
export interface Lease {
  /** For messages. */
  readonly place: string;
  /** Milliseconds by which this machine's clock is ahead of the one where the lease lies, to a second; undefined where that is its own. */
  readonly aheadMs?: number;
  /** Aborted once somebody else holds it, or may; undefined where nobody can take it. */
  readonly lost?: AbortSignal;
  release(): Promise<void>;
}

/** Name of the lease of every verb that changes a stack. */
export const leaseName = (exclusive: string, kind = "operations"): string => `${kind}-${exclusive}`;

/**
 * A lease within one machine: a file that names the process which holds it.
 * @throws OperationError when that lives, or where no file can be kept
 */
export function takeLocalLease(folder: string, name: string): Lease {
  return keeping(folder, () => taken(folder, name));
}

function taken(folder: string, name: string): Lease {
  const file = path.join(folder, `${name}.lease`);
  const own = `${file}.${process.pid}.${randomUUID()}`;
  try {
    // Whole before it has its name: nobody finds one that does not say whose it is.
    fs.writeFileSync(own, `${process.pid}\n`, { mode: 0o600 });
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

/**
 * The id under which this machine takes a lease, a UUID: a run that was killed here holds nothing against the next one here.
 * @throws OperationError where it cannot be kept
 */
export function ownLeaseId(folder: string, name: string): string {
  const file = path.join(folder, `${name}.lease-id`);
  const known = fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim() : "";
  if (validate(known)) return known;
  const [id, own] = [randomUUID(), `${file}.${process.pid}`];
  return keeping(folder, () => {
    try {
      // A disk that is full leaves it empty: it gets its name once it is whole.
      fs.writeFileSync(own, `${id}\n`, { mode: 0o600 });
      fs.renameSync(own, file);
    } finally {
      fs.rmSync(own, { force: true });
    }
    return id;
  });
}
