import type { RegionRole } from "./schema/azure";
import type { StackConfig } from "./schema/shape";

/** Places of the program a region can stand in. They stay when regions change roles, and with them every name. */
export const PLACES = ["primary", "secondary"] as const;

export type Place = (typeof PLACES)[number];

/** What a region is for now; undefined for a second region the environment has not. */
export function roleOf({ regions }: Pick<StackConfig, "regions">, place: Place): RegionRole | undefined {
  return regions[place]?.role;
}

/** Whether the region of alerts, logs and what is global is one that is lost: nothing in it can be asked or changed. */
export function monitoringIsLost({
  regions,
  monitoring,
}: Pick<StackConfig, "regions" | "monitoring">): boolean {
  return PLACES.some(
    (place) => regions[place]?.role === "lost" && regions[place].location === monitoring.region,
  );
}

/** The region whose workloads run and whose server accepts writes; the schema lets there be exactly one. */
export function servingPlace({ regions }: Pick<StackConfig, "regions">): Place {
  return regions.secondary?.role === "serving" ? "secondary" : "primary";
}
