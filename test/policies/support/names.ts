import type { RegionNames } from "../../../infra/naming";
import { projectRoot } from "../../../packages/command/root";
import { readStacks, stackPlatformNames } from "../../../stacks/files";

/** Folder of the project the tests run in. */
export const ROOT = projectRoot(__dirname);

const stacks = readStacks(ROOT);

/** One environment's names, ids and hosts, from its stack file; the committed one where none is given. */
export function environment(stack: string, config = stacks[stack]) {
  if (!config) throw new Error(`the project has no stack ${stack}`);
  const names = stackPlatformNames(config);
  const region: RegionNames = names.primary;
  const { subscriptionId, tenantId } = config.azure;
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${region.resourceGroup}`;
  const id = (type: string, name: string): string => `${group}/providers/${type}/${name}`;
  const [network = "", third = "0"] =
    /^(\d+\.\d+)\.(\d+)/.exec(config.network.primary.addressSpace)?.slice(1) ?? [];
  const server = region.server;
  const { storageAccount } = names.backups.primary;
  return {
    stack,
    config,
    names,
    region,
    subscriptionId,
    tenantId,
    group,
    id,
    server,
    host: `${server}.postgres.database.azure.com`,
    writer: `${names.virtualEndpoint}.writer.postgres.database.azure.com`,
    serverId: id("Microsoft.DBforPostgreSQL/flexibleServers", server),
    vault: region.vault,
    vaultId: id("Microsoft.KeyVault/vaults", region.vault),
    vaultUrl: `https://${region.vault}.vault.azure.net/`,
    account: storageAccount,
    accountId: id("Microsoft.Storage/storageAccounts", storageAccount),
    blobUrl: `https://${storageAccount}.blob.core.windows.net`,
    vnetId: id("Microsoft.Network/virtualNetworks", region.virtualNetwork),
    subnetId: id("Microsoft.Network/virtualNetworks", `${region.virtualNetwork}/subnets/nodes`),
    zoneId: id("Microsoft.Network/privateDnsZones", "privatelink.postgres.database.azure.com"),
    clusterId: id("Microsoft.ContainerService/managedClusters", region.cluster),
    apiHost: `${region.clusterDnsPrefix}-0a1b2c3d.hcp.${region.region}.azmk8s.io`,
    identityId: id("Microsoft.ManagedIdentity/userAssignedIdentities", region.identities.api),
    groupId: config.cluster.adminGroupObjectIds[0] ?? "",
    cidr: config.network.primary.addressSpace,
    address: `${network}.${third}.4`,
    dsn: `postgresql://api:hunter2-hunter2@${server}.postgres.database.azure.com:5432/forma3d`,
  };
}

export const prod = environment("prod");
export const staging = environment("staging");
