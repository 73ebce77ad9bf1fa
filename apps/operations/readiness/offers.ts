import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { servingRegion } from "../serves";
import { attention, judged, ok, type LookUp } from "../status/findings";

const COMPUTE_API = "2024-07-01";
const SKUS_API = "2021-07-01";

/**
 * The region that is to serve once the one that does is lost; undefined where there is none, or the stack file calls it lost. Who serves
 * is asked of the database, which knows of a failover before the stack file does; where nobody answers that file says it.
 */
export async function standsBy(platform: Platform, ground: Ground): Promise<RegionFacts | undefined> {
  const { regions } = platform;
  const declared = regions.find(({ role }) => role === "serving");
  const serves = await servingRegion(platform, ground).catch(() => declared);
  const next = regions.find((region) => region !== serves);
  return serves === declared && next?.role === "lost" ? undefined : next;
}

/** Cores the standby region would need at work, against what Azure allows there. */
export function quota(platform: Platform, ground: Ground, next: () => ReturnType<typeof standsBy>): LookUp {
  return async () => {
    const region = await next();
    if (!region) return ok("no region stands by");
    const usages = (await ground.resources.list(
      `/subscriptions/${platform.subscriptionId}/providers/Microsoft.Compute/locations/${region.location}/usages`,
      COMPUTE_API,
    )) as { name?: { value?: string }; currentValue?: number; limit?: number }[];
    const cores = usages.find(({ name }) => name?.value === "cores");
    if (cores?.limit === undefined || cores.currentValue === undefined)
      throw new Error(`Azure names no core quota of ${region.location}`);
    const free = cores.limit - cores.currentValue;
    const text = `${free} of ${cores.limit} cores free in ${region.location}, ${platform.coresAtWork} needed at work`;
    return free < platform.coresAtWork ? attention(text) : ok(text);
  };
}

interface Offer {
  name?: string;
  resourceType?: string;
  restrictions?: { type?: string; reasonCode?: string }[];
}

/** What a failover asks Azure for must be sold in the region it goes to, and to this subscription. */
export function sizes(platform: Platform, ground: Ground, next: () => ReturnType<typeof standsBy>): LookUp {
  return async () => {
    const region = await next();
    if (!region) return ok("no region stands by");
    const offers = (await ground.resources.list(
      `/subscriptions/${platform.subscriptionId}/providers/Microsoft.Compute/skus`,
      SKUS_API,
      { $filter: `location eq '${region.location}'` },
    )) as Offer[];
    const problems = platform.vmSizes.flatMap((size) => {
      const offer = offers.find(
        ({ name, resourceType }) => name === size && resourceType === "virtualMachines",
      );
      if (!offer) return [`${region.location} does not offer ${size}`];
      const barred = offer.restrictions?.find(({ type }) => type === "Location");
      return barred
        ? [`${size} is restricted in ${region.location}: ${barred.reasonCode ?? "no reason"}`]
        : [];
    });
    return judged(problems, `${platform.vmSizes.join(", ")} in ${region.location}`);
  };
}

/** Whatever starts in the other region is pulled there, on the day somebody else's registry may be down too. */
export function images({ images: all }: Platform, ground: Ground): LookUp {
  return async () => {
    const answers = await Promise.all(
      all.map(async (image) => [image.replace(/@.*/, ""), await ground.image(image)] as const),
    );
    return judged(
      answers.flatMap(([image, answer]) => (answer === true ? [] : [`${image}: ${answer}`])),
      `${all.length} images by digest`,
    );
  };
}
