import { CONTAINER_NAMES, DATABASE_PORTS } from "../infra/data/places";
import { backupAccounts, virtualEndpointHosts, type RegionNames } from "../infra/naming";
import { stackPlatformNames } from "./names";
import { PLACES, roleOf } from "./roles";
import type { StackConfig } from "./schema/shape";

/**
 * The stack's outputs that are names, and what each region is for: all of them derive from its file, so that whoever needs them asks neither Pulumi's
 * state nor the cloud, on the day one of these is gone.
 */
export function outputNames(config: StackConfig) {
  const names = stackPlatformNames(config);
  const { primary, secondary } = names;
  const hosts = virtualEndpointHosts(names.virtualEndpoint);
  const server = ({ server: name, resourceGroup, region }: RegionNames) => ({
    server: name,
    resourceGroup,
    region,
  });
  const placed = [primary, ...(secondary ? [secondary] : [])];
  return {
    environment: config.environment,
    database: {
      writerHost: hosts.writer,
      readerHost: hosts.reader,
      ports: DATABASE_PORTS,
      database: config.database.applicationDatabase,
      virtualEndpoint: names.virtualEndpoint,
      primary: server(primary),
      ...(config.database.replica && secondary && { replica: server(secondary) }),
    },
    storage: {
      containers: CONTAINER_NAMES,
      accounts: byPlace(
        backupAccounts(names).map(({ storageAccount, resourceGroup, region }) => ({
          account: storageAccount,
          resourceGroup,
          region,
          blobEndpoint: `https://${storageAccount}.blob.core.windows.net`,
        })),
      ),
    },
    regions: byPlace(
      placed.map(({ region, resourceGroup, vault, cluster, privateLinkServices }, index) => ({
        region,
        role: roleOf(config, PLACES[index] ?? "secondary"),
        resourceGroup,
        vault,
        cluster,
        namespace: names.namespace,
        privateLinkServices,
      })),
    ),
    edge: {
      subscriptionId: config.azure.subscriptionId,
      resourceGroup: names.globalResourceGroup,
      apiHost: config.edge.apiHostName,
      dashboardHost: config.edge.dashboardHostName,
      frontDoor: names.frontDoor,
      frontDoorEndpoint: names.frontDoorEndpoint,
    },
    objectives: { rpoMinutes: config.recovery.rpoMinutes, rtoMinutes: config.recovery.rtoMinutes },
  };
}

const byPlace = <T>(items: readonly T[]): Record<string, T> =>
  Object.fromEntries(items.map((item, index) => [PLACES[index] ?? "secondary", item]));
