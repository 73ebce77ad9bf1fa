import type { Platform } from "../platform";
import type { ServingGround } from "./types";

/**
 * The record of who serves, in the accounts the stack file names.
 * @returns undefined where the environment keeps none
 */
export function servingOf({ servingPlaces }: Platform): ServingGround | undefined {
  if (servingPlaces.length === 0) return undefined;
  const open = async () => (await import("../../recovery/serving/places")).openPlaces(servingPlaces);
  return {
    async look() {
      return lookAt(await open());
    },
    async write(region, incident, now) {
      const { writeServing } = await import("../../recovery/serving/places");
      await writeServing(await open(), { serving: region, incident }, now);
    },
  };
}

interface Place {
  readonly name: string;
  look(): Promise<{ serving: string; term: number } | undefined>;
}

/** What each place says; one that does not answer says so. */
export async function lookAt(places: readonly Place[]): Promise<Awaited<ReturnType<ServingGround["look"]>>> {
  const said = await Promise.allSettled(places.map((place) => place.look()));
  return said.map((one, i) => ({
    place: places[i]?.name ?? "",
    ...(one.status === "fulfilled" ? one.value && { record: one.value } : { silent: true as const }),
  }));
}
