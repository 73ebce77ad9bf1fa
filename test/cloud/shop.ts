import { CloudStore } from "../../packages/emulated-azure/store/cloud";
import { sandboxModel } from "../../packages/emulated-azure/model";
import type { Tree } from "../../packages/emulated-azure/model/types";

export const SUBSCRIPTION = "11111111-2222-4333-8444-555555555555";
export const GROUP = "rg-shop";
export const GROUP_ID = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}`;
export const ADMINISTRATOR = { login: "keeper", password: "not-a-real-one-1" };
const model = sandboxModel();
const scope = { package: "azure-native", config: { subscriptionId: SUBSCRIPTION } };
const NODES = `${GROUP}-nodes`;
const LINK = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${NODES}/providers/Microsoft.Network/privateLinkServices/pls-shop`;

/** A cluster whose Service asks for a link, and a Front Door that asks to be let in by it. */
export function shop(): CloudStore {
  const store = new CloudStore("shop");
  const make = maker(store);
  make("resources:ResourceGroup", {});
  make("containerservice:ManagedCluster", {
    resourceName: "aks-shop",
    nodeResourceGroup: NODES,
    identity: { type: "SystemAssigned" },
    agentPoolProfiles: [{ name: "system", mode: "System", count: 1, vmSize: "Standard_D2ds_v5" }],
  });
  make("cdn:Profile", { profileName: "afd", location: "Global", sku: { name: "Premium_AzureFrontDoor" } });
  make("cdn:AFDOriginGroup", { profileName: "afd", originGroupName: "api", loadBalancingSettings: {} });
  make("cdn:AFDOrigin", {
    profileName: "afd",
    originGroupName: "api",
    originName: "one",
    hostName: "10.0.0.4",
    sharedPrivateLinkResource: { privateLink: { id: LINK }, requestMessage: "shop" },
  });
  const annotation = "service.beta.kubernetes.io/azure-pls-";
  const inCluster = (type: string, inputs: Tree): unknown =>
    model.create(
      `kubernetes:${type}`,
      "",
      inputs,
      { package: "kubernetes", config: { clusterIdentifier: "aks-shop" } },
      store,
    );
  inCluster("core/v1:Service", {
    metadata: {
      name: "gateway",
      namespace: "default",
      annotations: { [`${annotation}create`]: "true", [`${annotation}name`]: "pls-shop" },
    },
    spec: { selector: { app: "gateway" } },
  });
  inCluster("apps/v1:Deployment", {
    metadata: { name: "gateway", namespace: "default" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "gateway" } },
      template: {
        metadata: { labels: { app: "gateway" } },
        spec: { containers: [{ name: "gateway", image: "registry.example/gateway" }] },
      },
    },
  });
  return store;
}

/** The same with a database in two regions, backups and a vault. */
export function wholeShop(): CloudStore {
  const store = shop();
  const make = maker(store);
  make("dbforpostgresql:Server", {
    serverName: "psql-west",
    version: "17",
    sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
    storage: { storageSizeGB: 128 },
    administratorLogin: ADMINISTRATOR.login,
    administratorLoginPassword: ADMINISTRATOR.password,
  });
  const setting = (serverName: string, configurationName: string, value: string): void =>
    make("dbforpostgresql:Configuration", { serverName, configurationName, value, source: "user-override" });
  setting("psql-west", "pgbouncer.enabled", "true");
  setting("psql-west", "azure.extensions", "citext");
  make("dbforpostgresql:Database", { serverName: "psql-west", databaseName: "orders" });
  make("dbforpostgresql:Server", {
    serverName: "psql-north",
    location: "northeurope",
    createMode: "Replica",
    sourceServerResourceId: serverId("psql-west"),
  });
  make("dbforpostgresql:VirtualEndpoint", {
    serverName: "psql-west",
    virtualEndpointName: "shop-db",
    endpointType: "ReadWrite",
    members: ["psql-north"],
  });
  make("storage:StorageAccount", {
    accountName: "stshop",
    kind: "StorageV2",
    sku: { name: "Standard_ZRS" },
    allowSharedKeyAccess: false,
  });
  make("storage:BlobServiceProperties", {
    accountName: "stshop",
    blobServicesName: "default",
    isVersioningEnabled: true,
  });
  for (const containerName of ["backups", "locked"])
    make("storage:BlobContainer", { accountName: "stshop", containerName });
  make("storage:BlobContainerImmutabilityPolicy", {
    accountName: "stshop",
    containerName: "locked",
    immutabilityPolicyName: "default",
    immutabilityPeriodSinceCreationInDays: 7,
  });
  const vault = { tenantId: "4fcb235e-7c48-4fce-81d9-35da34828662", sku: { family: "A", name: "standard" } };
  make("keyvault:Vault", { vaultName: "kv-shop", properties: { ...vault, enableRbacAuthorization: true } });
  make("keyvault:Secret", {
    vaultName: "kv-shop",
    secretName: "partner-key",
    properties: { value: "made up" },
  });
  return store;
}

export const serverId = (name: string): string =>
  `${GROUP_ID}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${name}`;
export const LINK_SERVICE = { group: NODES, name: "pls-shop" };

function maker(store: CloudStore) {
  const group = { resourceGroupName: GROUP, location: "westeurope" };
  return (type: string, inputs: Record<string, unknown>): void => {
    model.create(`azure-native:${type}`, "", { ...group, ...inputs } as Tree, scope, store);
  };
}
