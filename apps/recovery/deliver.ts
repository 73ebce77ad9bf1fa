import type { RunContext } from "./context";
import { seal } from "./document";
import { FailedError } from "../../packages/command/errors";
import { writeManifest } from "./store/catalogue";
import type { FanOut } from "./store/fanOut";
import { recoveryError, type Place } from "./store/fleet";
import type { Outage } from "./store/outage";
import type { Lease } from "./store/lease";
import { uploadNew } from "./store/upload";
import type { Manifest, Tier } from "./types";

const DAY_MS = 86_400_000;

/** A target that waits for a backup, and our lease there. */
export interface Held {
  place: Place;
  lease: Lease;
}

/** Where a backup came to lie. */
export interface Stored {
  manifest: Manifest;
  targets: string[];
  outages: Outage[];
}

interface Delivery extends Held {
  blob: string;
  tier: Tier;
  context: RunContext;
  fanOut: FanOut;
  /** Settles when the stream has ended: with what the backup turned out to be, or with why there is none. */
  whole: Promise<{ manifest: Manifest; sha256: string }>;
  expectedBytes: number;
}

/** One target's part of a backup that is being made. */
export interface Delivering {
  manifest: Promise<Manifest>;
  giveUp(error: Error): void;
}

/** Until when a backup of a tier may not be changed, where single objects can be locked. */
export function retainUntil({ settings }: Place, tier: Tier, now: Date): Date {
  return new Date(now.getTime() + settings.retention.days[tier] * DAY_MS);
}

/** Stores what comes out of the stream in one target: the archive, and when that is visible its manifest. */
export function deliver(
  delivery: Delivery,
  options: { memoryBytes: number; signal: AbortSignal; onProgress: () => void },
): Delivering {
  const { place, lease, fanOut } = delivery;
  const given = new AbortController();
  const signal = AbortSignal.any([options.signal, lease.lost, given.signal]);
  const branch = fanOut.branch(place.name, (error) => given.abort(error));
  // Not every request can be called back: what arrives after it was given up is one more copy, and nobody waits for it.
  const written = write(delivery, branch, { ...options, signal });
  written.catch(() => undefined);
  const manifest = Promise.race([written, aborted(signal)]).catch((error: unknown) => {
    const cause: unknown = signal.aborted ? signal.reason : error;
    const container = place.settings.containers[delivery.tier] ?? "";
    const what = `upload to ${place.store.kind === "azure" ? "container" : place.store.kind === "s3" ? "bucket" : "folder"} "${container}"`;
    const said = recoveryErrorOr(cause, (other) => place.store.explain(other, what));
    branch.fail(said);
    throw said;
  });
  manifest.catch(() => undefined);
  return { manifest, giveUp: (error) => given.abort(error) };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

const recoveryErrorOr = (error: unknown, explain: (error: unknown) => FailedError) => {
  const known = recoveryError(error);
  return known === error ? known : explain(error);
};

async function write(
  { place, lease, blob, tier, context, whole, expectedBytes }: Delivery,
  source: AsyncIterable<Buffer>,
  options: { memoryBytes: number; signal: AbortSignal; onProgress: () => void },
): Promise<Manifest> {
  const { store, settings } = place;
  const container = settings.containers[tier] ?? "";
  const locked = retainUntil(place, tier, context.now());
  const sink = store.blocks(container, blob, {
    contentType: blob.endsWith(".age") ? "application/octet-stream" : "application/zstd",
    retainUntil: locked,
    accessTier: tier === "monthly" && store.kind === "azure" ? settings.monthlyAccessTier : undefined,
  });
  await uploadNew(sink, blob, source, {
    ...options,
    expectedBytes,
    async beforeCommit() {
      const { sha256 } = await whole;
      await lease.confirm();
      return { sha256 };
    },
  });
  const { manifest: described } = await whole;
  const { digest: _digest, ...rest } = described;
  const manifest = seal({ ...rest, archive: { ...rest.archive, container } });
  await lease.confirm();
  options.signal.throwIfAborted();
  await writeManifest(store, container, manifest, locked);
  return manifest;
}

/**
 * Waits for every target, for those that are last no longer than their patience after the first.
 * @returns what each holds; never rejects
 */
export async function settle(
  held: readonly Held[],
  deliveries: readonly Delivering[],
  patienceMs: number,
): Promise<{ kept: { target: string; manifest: Manifest }[]; outages: Outage[] }> {
  const kept: { target: string; manifest: Manifest }[] = [];
  const outages: Outage[] = [];
  let timer: NodeJS.Timeout | undefined;
  const late = () => {
    const error = new FailedError(
      `was ${Math.round(patienceMs / 1000)} s behind the other targets: left behind`,
    );
    for (const delivery of deliveries) delivery.giveUp(error);
  };
  await Promise.all(
    deliveries.map(async ({ manifest }, index) => {
      const target = held[index]?.place.name ?? "";
      try {
        kept.push({ target, manifest: await manifest });
        timer ??= setTimeout(late, patienceMs);
      } catch (error) {
        outages.push({ target, error: recoveryError(error) });
      }
    }),
  );
  clearTimeout(timer);
  const order = held.map(({ place }) => place.name);
  kept.sort((one, other) => order.indexOf(one.target) - order.indexOf(other.target));
  return { kept, outages };
}
