import type { AzureResource, Ground } from "./ground/types";
import type { Platform } from "./platform";

/** Version of Front Door's management API. */
export const CDN_API = "2025-06-01";

/** Resource id of the environment's Front Door. */
export const edgeId = ({ subscriptionId, edge: { resourceGroup, profile } }: Platform): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Cdn/profiles/${profile}`;

/** Its one endpoint, by which all public names enter. */
export const endpointId = (platform: Platform): string =>
  `${edgeId(platform)}/afdEndpoints/${platform.edge.endpoint}`;

/** How the endpoint is called where it does not answer. */
export const ENDPOINT = "Front Door's endpoint";

/** Whether it lets requests in: `Enabled`, `Disabled`, or `not there`. */
export async function endpointState(platform: Platform, { resources }: Ground): Promise<string> {
  const endpoint = await resources.get(endpointId(platform), CDN_API);
  return endpoint ? propertyOf(endpoint, "enabledState") : "not there";
}

/** A property of a resource as text; `unknown` where it has none. */
export function propertyOf({ properties }: Pick<AzureResource, "properties">, name: string): string {
  const value = properties?.[name];
  return typeof value === "string" ? value : "unknown";
}
