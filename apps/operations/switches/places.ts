import { majority } from "../../recovery/serving/record";
import { lacksRight, messageOf, notRun, refused } from "../frame/errors";
import type { DeploymentView, Ground } from "../ground/types";
import type { Platform } from "../platform";
import { ROLE_MARK, STANDBY } from "../regionMarks";
import { shutBy } from "./contained";
import type { RegionCluster } from "./services";

/** A cluster that answers, and whether its workloads serve. */
export interface Place extends RegionCluster {
  deployments: DeploymentView[];
  serves: boolean;
}

/** Every cluster that answers, and why the others do not, in words and as it was thrown. */
export async function placesOf(
  { regions, namespace }: Platform,
  ground: Ground,
): Promise<{ places: Place[]; silent: string[]; unheard: unknown[] }> {
  const [silent, unheard]: [string[], unknown[]] = [[], []];
  const places = await Promise.all(
    regions.map(async (region) => {
      try {
        const cluster = ground.cluster(region.cluster);
        const deployments = await cluster.deployments(namespace);
        const serves = deployments.some(
          ({ replicas, annotations }) => annotations[ROLE_MARK] !== STANDBY && replicas > 0,
        );
        return { region, cluster, deployments, serves };
      } catch (error) {
        // Silence is a lost region's; whoever lacks a right must not take this one for it.
        if (lacksRight(error)) throw notRun(`${region.cluster}: ${messageOf(error)}`, error);
        silent.push(`${region.cluster} does not answer: ${messageOf(error)}`);
        unheard.push(error);
        return undefined;
      }
    }),
  );
  return { places: places.filter((place) => place !== undefined), silent, unheard };
}

/** The region that most accounts of the record name; undefined where there is no record, or they do not agree. */
async function recorded({ serving }: Ground): Promise<string | undefined> {
  const said = (await serving?.look()) ?? [];
  const newest = Math.max(0, ...said.map(({ record }) => record?.term ?? 0));
  const naming = said.flatMap(({ record }) => (record?.term === newest ? [record.serving] : []));
  return naming.length >= majority(said.length) ? naming[0] : undefined;
}

/**
 * The one cluster whose workloads serve. A region that was left has its pods still, though its logins are shut, until the update that
 * makes it stand by: then the record of the failover says which of the two it is.
 * @throws OperationError when none or more than one does
 */
export async function servingPlace(platform: Platform, ground: Ground): Promise<Place> {
  const { places, silent } = await placesOf(platform, ground);
  const serving = places.filter(({ serves }) => serves);
  const [one] = serving;
  if (serving.length === 1 && one) return one;
  if (serving.length > 1) {
    const named = await recorded(ground);
    const its = serving.find(({ region }) => region.location === named);
    if (its) return its;
    throw refused(`${serving.map(({ region }) => region.cluster).join(" and ")} both serve: fence one first`);
  }
  for (const place of places)
    if ((await shutBy(platform, place)) !== undefined)
      throw refused(`${platform.stack} is contained, and nothing serves: reopen ${platform.stack} first`);
  const why = [...silent, ...places.map(({ region }) => `${region.cluster} has no pod`)].join("; ");
  throw notRun(`no cluster serves: ${why}`);
}
