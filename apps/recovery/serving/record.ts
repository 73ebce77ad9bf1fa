import { z } from "zod";

/** Container of the record in each place's account. */
export const SERVING_CONTAINER = "serving";

/** The blob that says which region serves. */
export const SERVING_BLOB = "region.json";

/**
 * Seconds for which a region that hears from too few places goes on calling partners. Shorter, and a hiccup of the network
 * stops deliveries; longer, and a region that is cut off tells partners more of what will be lost.
 */
export const GRACE_SECONDS = 600;

/** Seconds between two looks at the record. */
export const LOOK_SECONDS = 15;

/** Seconds one look may take. */
export const LOOK_TIMEOUT_SECONDS = 10;

/** Which region serves, as a failover wrote it. A place without a record has seen no failover. */
export const servingRecord = z.object({
  /** Region that serves, e.g. `northeurope`. */
  serving: z.string().min(1),
  /** Number of the failover; the highest there is holds. */
  term: z.int().min(1),
  /** When it was written, UTC. */
  since: z.iso.datetime(),
  /** Incident it was written for. */
  incident: z.string().optional(),
});

export type ServingRecord = z.infer<typeof servingRecord>;

/** How many of some places are more than half of them. */
export function majority(places: number): number {
  return Math.floor(places / 2) + 1;
}

/**
 * When a region that no longer serves has called a partner for the last time, however cut off it is, once a record that
 * names another has reached more than half of the places: it may have looked just before, goes on for the grace, and
 * a call that it began then may take its time.
 * @param callSeconds seconds a call to a partner may take (`gateway.timeoutSeconds`)
 */
export function silentBy(written: Date, callSeconds: number): Date {
  return new Date(written.getTime() + (GRACE_SECONDS + callSeconds) * 1000);
}
