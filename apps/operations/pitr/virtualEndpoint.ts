import { messageOf, notRun, statusOf } from "../frame/errors";
import type { AzureResource, Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { POSTGRES_API, serverId } from "../server";
import { nextDatabaseServer } from "../../../infra/naming";

/** Name of the endpoint whose writer's name clients connect to. */
export const endpointName = ({ writerHost }: Platform): string => writerHost.split(".")[0] ?? writerHost;

/** Resource id of the endpoint, below a server of a region. */
export const virtualEndpointId = (platform: Platform, region: RegionFacts, server: string): string =>
  `${serverId(platform, region, server)}/virtualendpoints/${endpointName(platform)}`;

/** The servers an endpoint can stand below: those of the stack file, and those that are to follow them. */
function candidates({ regions, databaseGeneration }: Platform): [RegionFacts, string][] {
  return regions.flatMap((region) =>
    [nextDatabaseServer(region.server, databaseGeneration), region.server].map(
      (server): [RegionFacts, string] => [region, server],
    ),
  );
}

/**
 * The endpoint below a server; undefined when none stands there. A look-up that fails is no answer: what serves would be taken for
 * what does not.
 * @throws OperationError when it cannot be asked
 */
export async function endpointBelow(
  platform: Platform,
  ground: Ground,
  region: RegionFacts,
  server: string,
): Promise<AzureResource | undefined> {
  try {
    return await ground.resources.get(virtualEndpointId(platform, region, server), POSTGRES_API);
  } catch (error) {
    // Below the server of a pair that does not write Azure refuses to show it.
    if (statusOf(error) === 400) return undefined;
    throw notRun(`where ${platform.writerHost} leads cannot be asked: ${messageOf(error)}`, error);
  }
}

/** Name of the server the endpoint stands below; undefined when there is none, as while it moves. */
export async function endpointServer(platform: Platform, ground: Ground): Promise<string | undefined> {
  for (const [region, server] of candidates(platform))
    if (await endpointBelow(platform, ground, region, server)) return server;
  return undefined;
}
