import { messageOf } from "../frame/errors";
import type { Ground } from "../ground/types";
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

/** Name of the server the endpoint stands below; undefined when there is none, as while it moves. */
export async function endpointServer(platform: Platform, ground: Ground): Promise<string | undefined> {
  for (const [region, server] of candidates(platform)) {
    // Below the server of a pair that does not write Azure refuses to show it.
    const found = await ground.resources
      .get(virtualEndpointId(platform, region, server), POSTGRES_API)
      .catch((error: unknown) => {
        // Somebody who may not ask learns nothing of where it stands.
        if (/AuthorizationFailed|AuthenticationFailed/.test(messageOf(error))) throw error;
        return undefined;
      });
    if (found) return server;
  }
  return undefined;
}
