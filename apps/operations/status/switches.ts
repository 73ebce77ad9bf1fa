import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { record } from "../switches/contained";
import { placesOf } from "../switches/places";
import { asideOf, publicServices, type Aside } from "../switches/services";
import { attention, ok, type LookUp } from "./findings";

const ENDS: Readonly<Record<Aside["by"], string>> = { maintenance: "maintenance off", contain: "reopen" };

/** Whether maintenance or a containment is on, in every cluster that answers. */
export function switched(platform: Platform, ground: Ground): LookUp {
  return async () => {
    const { places, silent } = await placesOf(platform, ground);
    if (places.length === 0) throw new Error(silent.join("; "));
    const on = (
      await Promise.all(
        places.map(async (place) => {
          const asides = (await publicServices(platform, place)).flatMap((service) => asideOf(service) ?? []);
          const contained = await place.cluster.find(record(platform));
          return [
            ...new Set(asides.map(({ by, incident }) => `${by} (${incident}); ${ENDS[by]} ends it`)),
            ...(contained && asides.length === 0 ? ["half reopened; reopen, typed again, ends it"] : []),
          ].map((text) => `${place.region.cluster}: ${text}`);
        }),
      )
    ).flat();
    const problems = [...on, ...silent];
    return problems.length > 0
      ? attention(problems.join("; "))
      : ok("neither maintenance nor containment is on");
  };
}
