import { CloudStore } from "../../packages/emulated-azure/store/cloud";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { grant } from "../../packages/emulated-azure/rights/grant";
import type { Tree } from "../../packages/emulated-azure/model/types";
import { PARTNERS } from "../../infra/workloads/gatewayConfig";

export const SUBSCRIPTION = "11111111-2222-4333-8444-555555555555";
export const GROUP = "rg-shop";
export const GROUP_ID = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}`;
export const ADMINISTRATOR = { login: "keeper", password: "not-a-real-one-1" };
const model = sandboxModel();
const scope = { package: "azure-native", config: { subscriptionId: SUBSCRIPTION } };
/** The group of the people who run it. */
const ADMINISTRATORS = "22222222-3333-4444-8555-666666666666";
const NODES = `${GROUP}-nodes`;
const LINK = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${NODES}/providers/Microsoft.Network/privateLinkServices/pls-shop`;

export const API_HOST = "api.shop.example";

/**
 * A cluster whose Service asks for a link, and a Front Door that asks to be let in by it.
 * @param gateway whether a pod that does nothing stands behind the Service
 */
export function shop(gateway = true): CloudStore {
  const store = new CloudStore("shop");
  const make = maker(store);
  make("resources:ResourceGroup", {});
  make("containerservice:ManagedCluster", {
    resourceName: "aks-shop",
    nodeResourceGroup: NODES,
    aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: [ADMINISTRATORS] },
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
  inCluster(store, "core/v1:Service", {
    metadata: {
      name: "gateway",
      namespace: "default",
      annotations: { [`${annotation}create`]: "true", [`${annotation}name`]: "pls-shop" },
    },
    spec: { selector: { app: "gateway" }, ports: [{ port: 80, targetPort: "http" }] },
  });
  if (!gateway) return store;
  inCluster(store, "apps/v1:Deployment", {
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

const inCluster = (store: CloudStore, type: string, inputs: Tree): unknown =>
  model.create(
    `kubernetes:${type}`,
    "",
    inputs,
    { package: "kubernetes", config: { clusterIdentifier: "aks-shop" } },
    store,
  );

/** Secrets of the vault that pods are given, by the variable they have there. */
const GIVEN = { DATABASE_URL: "database-api-url", INTERNAL_API_KEY: "internal-api-key" };
const WRITER = "shop-db.writer.postgres.database.azure.com";

/** A public name that leads to the API in the cluster, and a pod for who operates it; both read the vault. */
function publicShop(store: CloudStore): void {
  const make = maker(store);
  const afd = `${GROUP_ID}/providers/Microsoft.Cdn/profiles/afd`;
  make("cdn:AFDCustomDomain", { profileName: "afd", customDomainName: "api", hostName: API_HOST });
  make("cdn:AFDEndpoint", {
    profileName: "afd",
    endpointName: "fde",
    location: "Global",
    enabledState: "Enabled",
  });
  make("cdn:Route", {
    profileName: "afd",
    endpointName: "fde",
    routeName: "api",
    originGroup: { id: `${afd}/originGroups/api` },
    customDomains: [{ id: `${afd}/customDomains/api` }],
    patternsToMatch: ["/*"],
    enabledState: "Enabled",
  });
  const { login, password } = ADMINISTRATOR;
  const url = (port: number): string =>
    `postgresql://${login}:${password}@${WRITER}:${port}/orders?sslmode=verify-full`;
  const secrets = {
    "database-admin-url": url(5432),
    [GIVEN.DATABASE_URL]: url(6432),
    [GIVEN.INTERNAL_API_KEY]: "made up too",
  };
  for (const [secretName, value] of Object.entries(secrets))
    make("keyvault:Secret", { vaultName: "kv-shop", secretName, properties: { value } });
  make("managedidentity:UserAssignedIdentity", { resourceName: "id-pods" });
  const identity = [...store.all()].find(({ id }) => id.endsWith("/id-pods"))!;
  const principal = {
    objectId: identity.outputs["principalId"] as string,
    type: "ServicePrincipal",
  } as const;
  grant(store, {
    principal,
    role: "Key Vault Secrets User",
    scope: `${GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv-shop`,
  });
  inCluster(store, "secrets-store.csi.x-k8s.io/v1:SecretProviderClass", {
    metadata: { name: "pods", namespace: "default" },
    spec: {
      provider: "azure",
      parameters: {
        keyvaultName: "kv-shop",
        clientID: identity.outputs["clientId"] as string,
        objects: `array:\n${Object.keys(secrets)
          .map((name) => `  - |\n    objectName: ${name}\n    objectType: secret\n`)
          .join("")}`,
      },
      secretObjects: [
        {
          secretName: "api",
          type: "Opaque",
          data: Object.entries(GIVEN).map(([key, objectName]) => ({ key, objectName })),
        },
      ],
    },
  });
  const csi = { driver: "secrets-store.csi.k8s.io", volumeAttributes: { secretProviderClass: "pods" } };
  const partners = PARTNERS.map(({ name, port }) => `${name}=http://gateway:${port}`).join(",");
  for (const name of ["gateway", "api"])
    inCluster(store, "apps/v1:Deployment", {
      metadata: { name, namespace: "default" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            containers: [
              {
                name,
                image: "registry.example/api",
                env: [
                  ...Object.keys(GIVEN).map((key) => ({
                    name: key,
                    valueFrom: { secretKeyRef: { name: "api", key } },
                  })),
                  { name: "PARTNERS", value: partners },
                ],
                ports: [{ name: "http", containerPort: 3000 }],
                readinessProbe: { httpGet: { path: "/health", port: "http" } },
              },
            ],
          },
        },
      },
    });
  inCluster(store, "batch/v1:Job", {
    metadata: { name: "operator", namespace: "default" },
    spec: {
      template: {
        metadata: { labels: { app: "operator" } },
        spec: {
          containers: [
            {
              name: "operator",
              image: "registry.example/recovery",
              volumeMounts: [{ name: "vault", mountPath: "/run/secrets/vault" }],
            },
          ],
          volumes: [{ name: "vault", csi }],
        },
      },
    },
  });
}

/** The same with a database in two regions, backups and a vault. */
export function wholeShop(): CloudStore {
  const store = shop(false);
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
  setting("psql-north", "pgbouncer.enabled", "true");
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
  publicShop(store);
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
