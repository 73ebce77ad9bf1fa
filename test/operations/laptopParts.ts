import tls from "node:tls";
import { CDN_API, edgeId, endpointId } from "../../apps/operations/edge";
import { APP_API, appId } from "../../apps/operations/announce";
import { ContainerClient } from "@azure/storage-blob";
import type { ResourcesGround } from "../../apps/operations/ground/types";
import type { Platform } from "../../apps/operations/platform";
import type { LeasePlace } from "../../apps/operations/frame/sharedLease";
import { lookAt } from "../../apps/operations/ground/serving";
import { placeIn, writeServing } from "../../apps/recovery/serving/places";
import { Authority } from "../../packages/emulated-azure/certificates";
import { listen } from "../../packages/emulated-azure/listen";
import type { Tree } from "../../packages/emulated-azure/model/types";
import type { Real } from "../../packages/emulated-azure/real";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { StorageAccounts } from "../../packages/emulated-azure/storage";
import { SERVING_CONTAINER } from "../../infra/data/places";
import { OUTSIDE_PORT, OUTSIDE_SECRET, outsideFile } from "../../infra/statusPage/outsideFile";

import { signIn } from "../cloud/client";
import type { Laptop } from "./laptop";

const signal = new AbortController().signal;

/** Front Door as the program declares it, as far as verbs look. */
export async function declareFrontDoor(resources: ResourcesGround, platform: Platform): Promise<void> {
  const { subscriptionId, edge } = platform;
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${edge.resourceGroup}`;
  await resources.put(group, "2025-04-01", { location: "westeurope" }, signal);
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
  // Where neither of the regions is that serve.
  const location = "swedencentral";
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
/**
 * Keeps the record of who serves where production does: in accounts of a blob service that asks the operator for a token and for
 * rights, each beside a container that is none of the record's.
 */
export async function keepRecordInAccounts(laptop: Laptop) {
  const { cloud, operator, platform } = laptop;
  const group = `/subscriptions/${platform.subscriptionId}/resourceGroups/rg-shop-global`;
  const declared = ["westeurope", "northeurope", "swedencentral"].map((location, i) => {
    const name = `shoprecord${i}`;
    const id = `${group}/providers/Microsoft.Storage/storageAccounts/${name}`;
    const put = (type: string, at: string, inputs: Tree) =>
      cloud.cloud.put({ key: `arm:${at.toLowerCase()}`, type, id: at, inputs, outputs: inputs });
    put("azure-native:storage:StorageAccount", id, { location, accountName: name });
    const containers = [SERVING_CONTAINER, "backups"].map((containerName) => {
      const at = `${id}/blobServices/default/containers/${containerName}`;
      put("azure-native:storage:BlobContainer", at, { containerName });
      return at;
    });
    return { location, name, scope: containers[0]! };
  });
  const storage = await StorageAccounts.open(cloud);
  // Nothing else runs behind this way in.
  const real = { authority: await Authority.create(), storage, portOf: () => undefined } as unknown as Real;
  const listening = await listen(cloud, { real });
  const credentialOf = (who: Principal) => ({
    getToken: async () => ({
      token: await signIn(cloud, listening, who, "https://storage.azure.com/.default"),
      expiresOnTimestamp: Date.now() + 600_000,
    }),
  });
  // A client of blobs takes a proxy, whose connections trust what the process does.
  const trusted = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...trusted, listening.certificate]);
  const container = (account: string, name: string, who = operator, port = new URL(listening.proxy).port) =>
    new ContainerClient(`https://${account}.blob.core.windows.net/${name}`, credentialOf(who), {
      retryOptions: { maxTries: 1 },
      proxyOptions: { host: "http://127.0.0.1", port: Number(port) },
    });
  const places = declared.map(({ location, name }) => placeIn(location, container(name, SERVING_CONTAINER)));
  laptop.ground.serving = {
    look: () => lookAt(places),
    write: async (serving, incident, now) => void (await writeServing(places, { serving, incident }, now)),
  };
  return {
    scopes: declared.map(({ scope }) => scope),
    container,
    accounts: declared.map(({ name }) => name),
    /** The accounts as somebody reaches them who takes a lease, or asks for it. */
    leasePlaces: (who: Principal): LeasePlace[] =>
      declared.map(({ location, name }) => ({
        name: location,
        container: container(name, SERVING_CONTAINER, who),
      })),
    /** A place from which no way leads to it. */
    unheard: ({ name }: LeasePlace): LeasePlace => ({
      name,
      container: container("nowhere", SERVING_CONTAINER, operator, "9"),
    }),
    close: async () => {
      tls.setDefaultCACertificates(trusted);
      await listening.stop();
      await storage.close();
    },
  };
}
