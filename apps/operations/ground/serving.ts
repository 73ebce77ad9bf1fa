import { majority } from "../../recovery/serving/record";
import type { Place } from "../../recovery/serving/places";
import { lacksRight, messageOf } from "../frame/errors";
import type { Platform } from "../platform";
import type { ServingGround } from "./types";

/**
 * The record of who serves, in the accounts the stack file names.
 * @returns undefined where the environment keeps none
 */
export function servingOf({ servingPlaces }: Platform): ServingGround | undefined {
  if (servingPlaces.length === 0) return undefined;
  let opened: Promise<Place[]> | undefined;
  // Asked again and again until most of them agree: they are signed in to once.
  const open = () =>
    (opened ??= import("../../recovery/serving/places").then((places) => places.openPlaces(servingPlaces)));
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

/**
 * What each place says, or why it does not.
 * @throws the refusal where a right lacks without which most of them cannot be heard: waiting would not mend it
 */
export async function lookAt(
  places: readonly Pick<Place, "name" | "look">[],
): Promise<Awaited<ReturnType<ServingGround["look"]>>> {
  const said = await Promise.allSettled(places.map((place) => place.look()));
  const silent = said.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  const refusal = silent.find(lacksRight);
  if (refusal !== undefined && said.length - silent.length < majority(places.length)) throw refusal;
  return said.map((one, i) => ({
    place: places[i]?.name ?? "",
    ...(one.status === "fulfilled" ? one.value && { record: one.value } : { silent: messageOf(one.reason) }),
  }));
}
