import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { POSTGRES_API, serverId } from "../server";
import { MADE_BY, type PitrAssessment } from "./assess";
import { giveParameters, sameParameters } from "./parameters";
import { giveAddress, hasAddress, NO_PUBLIC_ADDRESS } from "./restored";
import { virtualEndpointId } from "./virtualEndpoint";

/** A replica of the adopted server in the other region, with its parameters and addresses in both, to which the reader's name leads: what a failover needs. */
export function replicaAnew(
  platform: Platform,
  ground: Ground,
  found: PitrAssessment,
  { region, server }: { region: RegionFacts; server: string },
  incident: string,
): Step {
  const id = serverId(platform, region, server);
  // A pooler is no part of what a replica gets of its source, and without one it serves no pod once it is promoted.
  const source = found.id;
  const pointer = virtualEndpointId(platform, found.region, found.restored);
  return {
    id: "replica",
    title: `${server} in ${region.location} follows ${found.restored}; the reader's name leads to it`,
    bound: 14_400,
    undo: `delete ${server}`,
    done: async () => {
      const replica = await ground.resources.get(id, POSTGRES_API);
      if (replica?.properties?.["state"] !== "Ready") return `${server} is not ready`;
      const parameters = await sameParameters(ground, source, id);
      if (parameters !== true) return `${server}: ${parameters}`;
      for (const place of platform.regions)
        for (const name of [server, found.restored]) {
          const address = await hasAddress(platform, ground, place, name);
          if (address !== true) return `${name}: ${address}`;
        }
      const endpoint = await ground.resources.get(pointer, POSTGRES_API);
      const members = (endpoint?.properties?.["members"] ?? []) as string[];
      return members.includes(server) || `the reader's name does not lead to ${server}`;
    },
    run: async (signal) => {
      if ((await ground.resources.get(id, POSTGRES_API)) === undefined) {
        const primary = await ground.resources.get(found.id, POSTGRES_API);
        const { sku, properties = {} } = (primary ?? {}) as {
          sku?: object;
          properties?: Record<string, unknown>;
        };
        await ground.resources.put(
          id,
          POSTGRES_API,
          {
            location: region.location,
            ...(sku && { sku }),
            tags: { ...found.tags, [MADE_BY]: incident },
            properties: {
              createMode: "Replica",
              network: NO_PUBLIC_ADDRESS,
              sourceServerResourceId: found.id,
              ...(properties["storage"] !== undefined && { storage: properties["storage"] }),
            },
          },
          signal,
        );
      }
      const { resourceGroup } = region;
      await giveParameters(ground, source, { id, resourceGroup, server }, signal);
      for (const place of platform.regions)
        for (const one of [
          { server, id },
          { server: found.restored, id: found.id },
        ])
          if ((await hasAddress(platform, ground, place, one.server)) !== true)
            await giveAddress(platform, ground, place, one, signal);
      await ground.resources.put(
        pointer,
        POSTGRES_API,
        { properties: { endpointType: "ReadWrite", members: [server] } },
        signal,
      );
    },
  };
}
