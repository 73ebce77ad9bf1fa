import type { Platform, RegionFacts } from "./platform";

/** Version of the database service's management API. */
export const POSTGRES_API = "2024-08-01";

/** Resource id of a database server in a region's group; default: the region's own. */
export const serverId = (
  { subscriptionId }: Platform,
  { resourceGroup, server: own }: RegionFacts,
  server = own,
): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${server}`;
