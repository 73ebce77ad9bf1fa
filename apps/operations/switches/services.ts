import { refused } from "../frame/errors";
import type { ClusterGround, ServiceView } from "../ground/types";
import { SITES } from "../../../stacks/sites";
import type { Platform, RegionFacts } from "../platform";

/** A cluster, and the region it is in. */
export interface RegionCluster {
  region: RegionFacts;
  cluster: ClusterGround;
}

/** Annotation of a public Service that leads elsewhere than it was declared to: who led it there, and its own way. */
const ASIDE = "forma3d.com/led-aside";

export interface Aside {
  by: "maintenance" | "contain";
  incident: string;
  /** What it leads to by itself. */
  selector: Record<string, string>;
}

export function asideOf({ annotations }: Pick<ServiceView, "annotations">): Aside | undefined {
  const text = annotations[ASIDE];
  return text === undefined ? undefined : (JSON.parse(text) as Aside);
}

/** The Services behind the public names. @throws OperationError when one is missing */
export async function publicServices(
  { namespace }: Platform,
  { cluster, region }: RegionCluster,
): Promise<ServiceView[]> {
  const all = await cluster.services(namespace);
  return SITES.map((site) => {
    const found = all.find(({ name }) => name === site);
    if (!found) throw refused(`${region.cluster} has no Service ${site} in ${namespace}`);
    return found;
  });
}

/** Leads every public Service elsewhere, at once and in one request each, with the way back in it. */
export async function leadAside(
  platform: Platform,
  place: RegionCluster,
  aside: Pick<Aside, "by" | "incident">,
  to: Readonly<Record<string, string>>,
): Promise<void> {
  for (const service of await publicServices(platform, place)) {
    const known = asideOf(service);
    if (known?.by === aside.by && known.incident === aside.incident) continue;
    const note: Aside = { ...aside, selector: known?.selector ?? { ...service.selector } };
    await place.cluster.setService(platform.namespace, service.name, to, { [ASIDE]: JSON.stringify(note) });
  }
}

/** Leads every public Service back to its own pods. */
export async function leadBack(platform: Platform, place: RegionCluster): Promise<void> {
  for (const service of await publicServices(platform, place)) {
    const known = asideOf(service);
    if (known)
      await place.cluster.setService(platform.namespace, service.name, known.selector, { [ASIDE]: null });
  }
}
