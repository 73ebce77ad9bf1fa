import { ResourceGroup } from "@pulumi/azure-native/resources";
import { Edge, EdgeOrigin } from "../infra/edge/edge";
import { Logs } from "../infra/monitoring/logs";
import { exposureOf } from "./applications";
import { Site, SITE_HEALTH, SITES } from "./sites";
import { RegionCompute } from "./compute";
import type { Context } from "./context";
import { RegionBase } from "./regional";
import { PLACES } from "./roles";

/**
 * Public entry in front of both regions, whatever they are for: who is healthy gets the requests, and only the region
 * that serves is. So a failover changes nothing here, and nothing has to travel to the edge.
 */
export function publicEntry(
  { config, names, tags, opts }: Context,
  args: {
    group: ResourceGroup;
    regions: readonly RegionBase[];
    computing: readonly RegionCompute[];
    logs: Logs;
  },
): Edge {
  const hostNames: Record<Site, string> = {
    api: config.edge.apiHostName,
    dashboard: config.edge.dashboardHostName,
  };
  const { wafMode, rateLimitPerMinute, webhookRateLimitPerMinute } = config.edge;
  const origin = (region: RegionBase, site: Site): EdgeOrigin => {
    const { privateLinkService, address } = exposureOf(region, site);
    return {
      region: region.names.region,
      // The cluster's cloud provider makes the service beside its load balancer, so only its parts are known.
      privateLinkServiceId: `/subscriptions/${config.azure.subscriptionId}/resourceGroups/${region.names.nodeResourceGroup}/providers/Microsoft.Network/privateLinkServices/${privateLinkService}`,
      address,
      priority: PLACES.indexOf(region.place) + 1,
    };
  };
  return new Edge(
    `${names.prefix}-edge`,
    {
      names,
      resourceGroupName: args.group.name,
      sites: SITES.map((site) => ({
        site,
        hostName: hostNames[site],
        healthPath: SITE_HEALTH[site].ready,
        origins: args.regions.map((region) => origin(region, site)),
      })),
      firewall: { mode: wafMode, rateLimitPerMinute, webhookRateLimitPerMinute },
      logWorkspaceId: args.logs.workspaceId,
      tags,
    },
    // Azure resolves a private link when the origin is made, so the service behind it must be there.
    { ...opts, dependsOn: args.computing.flatMap(({ sites }) => SITES.map((site) => sites[site].service)) },
  );
}
