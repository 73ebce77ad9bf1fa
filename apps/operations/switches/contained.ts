import type { ClusterGround, ClusterObject } from "../ground/types";
import type { Platform } from "../platform";
import { asideOf, publicServices, type RegionCluster } from "./services";

/** Stands in a cluster from the end of a containment to the end of the reopening. */
export const record = ({ namespace }: Platform, incident = ""): ClusterObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "containment", namespace },
  data: { incident },
});

type Recorded = { incident?: string; at?: string } | undefined;

const recordIn = async (platform: Platform, cluster: ClusterGround): Promise<Recorded> =>
  (await cluster.find(record(platform)))?.["data"] as Recorded;

/** What each cluster says of a containment that is whole; undefined where it says nothing. */
export const recordsOf = (platform: Platform, places: readonly RegionCluster[]): Promise<Recorded[]> =>
  Promise.all(places.map(({ cluster }) => recordIn(platform, cluster)));

/** Incident of a containment that is whole; undefined where no cluster tells of one. */
export async function containedBy(
  platform: Platform,
  places: readonly RegionCluster[],
): Promise<string | undefined> {
  return (await recordsOf(platform, places)).find((one) => one !== undefined)?.incident;
}

/** When the first cluster was told of it. */
export async function containedAt(platform: Platform, places: readonly RegionCluster[]): Promise<Date> {
  const moments = (await recordsOf(platform, places)).flatMap((one) => one?.at ?? []);
  return new Date(moments.sort()[0] ?? NaN);
}

/** Incident of a containment that shut a cluster's public names, be it whole or cut short; undefined where none did. */
export async function shutBy(platform: Platform, place: RegionCluster): Promise<string | undefined> {
  const whole = await recordIn(platform, place.cluster);
  const asides = (await publicServices(platform, place)).map(asideOf);
  return whole?.incident ?? asides.find((aside) => aside?.by === "contain")?.incident;
}
