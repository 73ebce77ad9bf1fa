import type { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import type { ResourceManagementClient } from "@azure/arm-resources";
import { APP_API, appId } from "../../../apps/operations/announce";
import { CDN_API, edgeId, endpointId } from "../../../apps/operations/edge";
import type { ResourcesGround } from "../../../apps/operations/ground/types";
import type { Platform } from "../../../apps/operations/platform";
import { OUTSIDE_PORT, OUTSIDE_SECRET, outsideFile } from "../../../infra/statusPage/outsideFile";
import { ADMINISTRATOR, ENDPOINT, NORTH, WEST, WITNESS } from "./regions";

const signal = new AbortController().signal;

/** Front Door as the program declares it, as far as verbs look. */
export async function declareFrontDoor(resources: ResourcesGround, platform: Platform): Promise<void> {
  const { subscriptionId, edge } = platform;
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${edge.resourceGroup}`;
  await resources.put(group, "2025-04-01", { location: WITNESS }, signal);
  const id = edgeId(platform);
  await resources.put(id, CDN_API, { location: "Global", sku: { name: "Premium_AzureFrontDoor" } }, signal);
  await resources.put(
    endpointId(platform),
    CDN_API,
    { location: "Global", properties: { enabledState: "Enabled" } },
    signal,
  );
  const balancing = { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 50 };
  await resources.put(
    `${id}/originGroups/api`,
    CDN_API,
    { properties: { loadBalancingSettings: balancing } },
    signal,
  );
  for (const { location } of platform.regions)
    await resources.put(
      `${id}/originGroups/api/origins/${location}`,
      CDN_API,
      {
        properties: {
          hostName: `${location}.example`,
          enabledState: "Enabled",
          sharedPrivateLinkResource: { privateLinkLocation: location, status: "Approved" },
        },
      },
      signal,
    );
  await resources.put(
    `${id}/customDomains/api-example`,
    CDN_API,
    { properties: { hostName: "api.example" } },
    signal,
  );
}

/** The status page outside the cluster, as the program declares it, as far as verbs look. */
export async function declareStatusPage(resources: ResourcesGround, platform: Platform): Promise<void> {
  const { subscriptionId, statusPage } = platform;
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${statusPage.resourceGroup}`;
  const location = WITNESS;
  const environment = `${group}/providers/Microsoft.App/managedEnvironments/cae-shop-status`;
  await resources.put(group, "2021-04-01", { location }, signal);
  await resources.put(environment, APP_API, { location, properties: {} }, signal);
  await resources.put(
    appId(platform),
    APP_API,
    {
      location,
      tags: { product: "shop" },
      properties: {
        managedEnvironmentId: environment,
        configuration: {
          ingress: { external: true, targetPort: OUTSIDE_PORT },
          secrets: [{ name: OUTSIDE_SECRET, value: outsideFile(statusPage.page) }],
        },
        template: { containers: [{ name: "gatus", image: "gatus" }] },
      },
    },
    signal,
  );
}

/** The serving region's network, as far as an address in it is wanted. */
export async function declareNetwork(resources: ResourcesGround, platform: Platform): Promise<void> {
  const { subscriptionId, regions } = platform;
  for (const { resourceGroup, virtualNetwork, location } of regions) {
    const network = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network`;
    const id = `${network}/virtualNetworks/${virtualNetwork}`;
    const addressSpace = { addressPrefixes: ["10.9.0.0/16"] };
    await resources.put(id, "2024-10-01", { location, properties: { addressSpace } }, signal);
    await resources.put(
      `${id}/subnets/endpoints`,
      "2024-10-01",
      { properties: { addressPrefix: "10.9.1.0/24" } },
      signal,
    );
    const zone = `${network}/privateDnsZones/privatelink.postgres.database.azure.com`;
    await resources.put(zone, "2024-06-01", { location: "Global", properties: {} }, signal);
  }
}

export async function declareVaults(resources: ResourcesGround, platform: Platform): Promise<void> {
  const { subscriptionId, tenantId, regions } = platform;
  for (const { resourceGroup, vault, location } of regions)
    await resources.put(
      `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.KeyVault/vaults/${vault}`,
      "2023-07-01",
      {
        location,
        properties: {
          tenantId,
          sku: { family: "A", name: "standard" },
          enableRbacAuthorization: true,
          enableSoftDelete: true,
          enablePurgeProtection: true,
        },
      },
      signal,
    );
}

/** The same servers in the resource manager as stand behind it. */
export async function declareServers(
  postgres: PostgreSQLManagementFlexibleServerClient,
  groups: ResourceManagementClient,
  scope: string,
): Promise<void> {
  const poll = { updateIntervalInMs: 5 };
  for (const { resourceGroup, location } of [WEST, NORTH])
    await groups.resourceGroups.createOrUpdate(resourceGroup, { location });
  await postgres.servers.beginCreateOrUpdateAndWait(
    WEST.resourceGroup,
    WEST.server,
    {
      location: WEST.location,
      version: "17",
      sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
      storage: { storageSizeGB: 128, autoGrow: "Enabled" },
      backup: { backupRetentionDays: 35, geoRedundantBackup: "Disabled" },
      administratorLogin: ADMINISTRATOR.login,
      administratorLoginPassword: ADMINISTRATOR.password,
    },
    poll,
  );
  const source = `${scope}/resourceGroups/${WEST.resourceGroup}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${WEST.server}`;
  await postgres.servers.beginCreateOrUpdateAndWait(
    NORTH.resourceGroup,
    NORTH.server,
    { location: NORTH.location, createMode: "Replica", sourceServerResourceId: source },
    poll,
  );
  await postgres.virtualEndpoints.beginCreateAndWait(
    WEST.resourceGroup,
    WEST.server,
    ENDPOINT,
    { endpointType: "ReadWrite", members: [NORTH.server] },
    poll,
  );
}
