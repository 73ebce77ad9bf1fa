import type { AzureResource } from "./ground/types";
import type { Platform } from "./platform";

/** Version of Front Door's management API. */
export const CDN_API = "2025-06-01";

/** Resource id of the environment's Front Door. */
export const edgeId = ({ subscriptionId, edge: { resourceGroup, profile } }: Platform): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Cdn/profiles/${profile}`;

/** Its one endpoint, by which all public names enter. */
export const endpointId = (platform: Platform): string =>
  `${edgeId(platform)}/afdEndpoints/${platform.edge.endpoint}`;

/** A property of a resource as text; `unknown` where it has none. */
export function propertyOf({ properties }: Pick<AzureResource, "properties">, name: string): string {
  const value = properties?.[name];
  return typeof value === "string" ? value : "unknown";
}
