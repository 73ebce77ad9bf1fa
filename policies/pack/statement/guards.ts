import { CONTAINER_NAMES } from "../../../infra/data/places";
import { serverParameters } from "../../../infra/data/serverParameters";
import { regionSubnets } from "../../../infra/network/addressing";
import { SECRET_CATALOG } from "../../../infra/secrets/secretCatalog";
import { issuedOn } from "../../../infra/secrets/secretIssue";
import { expiry } from "../../../infra/secrets/secretLife";
import { PRIVATE_DNS_ZONES } from "../../../infra/naming";
import { stackPlatformNames } from "../../../stacks/files";
import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, GIVEN, holding, OFF, oneOf } from "../../rules/expected";
import { present } from "./places";

const NETWORK = "infra/network";

const servers = (config: StackConfig): number =>
  config.database.replica !== undefined && present(config).length > 1 ? 2 : 1;

/** Networks, and what stands between them. */
function networks(config: StackConfig): Demand[] {
  const regions = present(config).flatMap((place) => {
    const space = config.network[place]?.addressSpace;
    return space === undefined ? [] : [{ space, subnets: regionSubnets(space) }];
  });
  const zones = Object.entries(PRIVATE_DNS_ZONES)
    .filter(([service]) => service !== "registry" || config.registry.enabled)
    .map(([, zone]) => zone);
  // Each region reaches the vaults, the two accounts, every server and the registry.
  const endpoints =
    regions.length * (regions.length + 2 + servers(config) + (config.registry.enabled ? 1 : 0));
  return [
    {
      what: "each subnet",
      key: NETWORK,
      type: "network:Subnet",
      each: { defaultOutboundAccess: false },
      count: 3 * regions.length,
    },
    ...regions.flatMap(({ space, subnets }): Demand[] => [
      {
        what: `the network ${space}`,
        key: "network",
        type: "network:VirtualNetwork",
        where: { "addressSpace.addressPrefixes": [space] },
      },
      {
        what: `the subnet of nodes ${subnets.nodes}`,
        key: NETWORK,
        type: "network:Subnet",
        where: { addressPrefix: subnets.nodes },
        is: { networkSecurityGroup: GIVEN, "networkSecurityGroup.id": GIVEN },
      },
      {
        what: `the subnet of private endpoints ${subnets.endpoints}`,
        key: NETWORK,
        type: "network:Subnet",
        where: { addressPrefix: subnets.endpoints },
        is: { "networkSecurityGroup.id": GIVEN, privateEndpointNetworkPolicies: "Enabled" },
      },
      {
        what: `the security group in front of ${subnets.endpoints}`,
        key: NETWORK,
        type: "network:NetworkSecurityGroup",
        is: {
          securityRules: holding(
            {
              access: "Allow",
              direction: "Inbound",
              sourceAddressPrefix: subnets.nodes,
              destinationAddressPrefix: subnets.endpoints,
              destinationPortRanges: GIVEN,
              protocol: "Tcp",
              priority: atLeast(100),
            },
            {
              access: "Deny",
              direction: "Inbound",
              sourceAddressPrefix: "*",
              sourcePortRange: "*",
              destinationAddressPrefix: "*",
              destinationPortRange: "*",
              protocol: "*",
              // Whatever comes later judges after it.
              priority: atMost(4000),
            },
          ),
        },
      },
    ]),
    {
      what: "a security group of the nodes, with nothing let in",
      key: NETWORK,
      type: "network:NetworkSecurityGroup",
      count: 2 * regions.length,
      each: { "securityRules[].sourceAddressPrefix": GIVEN },
    },
    {
      what: "the address traffic leaves from",
      key: "cluster.zones",
      type: "network:PublicIPAddress",
      count: regions.length,
      each: {
        "sku.name": oneOf("Standard", "StandardV2"),
        publicIPAllocationMethod: "Static",
        ...(config.cluster.zones.length > 0 && { zones: holding(...config.cluster.zones) }),
      },
    },
    {
      what: "the private endpoints of vaults, servers and accounts",
      key: NETWORK,
      type: "network:PrivateEndpoint",
      count: endpoints,
      each: { "privateLinkServiceConnections[].groupIds": GIVEN, subnet: GIVEN },
    },
    ...[
      "keyvault:Vault",
      "storage:StorageAccount",
      "dbforpostgresql:Server",
      "containerregistry:Registry",
    ].map((type): Demand => ({
      what: `a private endpoint of each ${type} in each region`,
      key: NETWORK,
      type: "network:PrivateEndpoint",
      per: { type, by: "privateLinkServiceConnections" },
      is: { privateLinkServiceConnections: GIVEN },
      count: regions.length,
    })),
    {
      what: "the records of each private endpoint",
      key: NETWORK,
      type: "network:PrivateDnsZoneGroup",
      per: { type: "network:PrivateEndpoint", by: "privateEndpointName" },
      is: { privateDnsZoneConfigs: GIVEN },
    },
    {
      what: "the records of private endpoints",
      key: NETWORK,
      type: "network:PrivateDnsZoneGroup",
      count: endpoints,
      each: { privateDnsZoneConfigs: GIVEN, "privateDnsZoneConfigs[].privateDnsZoneId": GIVEN },
    },
    ...zones.map((zone): Demand => ({
      what: `the private zone ${zone}`,
      key: NETWORK,
      type: "privatedns:PrivateZone",
      where: { privateZoneName: zone },
      is: { privateZoneName: zone },
      count: regions.length,
    })),
    {
      what: "the link of a private zone",
      key: NETWORK,
      type: "privatedns:VirtualNetworkLink",
      count: regions.length * zones.length,
      each: { registrationEnabled: OFF, "virtualNetwork.id": GIVEN },
    },
  ];
}

/** Databases, backups and secrets. */
function data(config: StackConfig): Demand[] {
  const { database, storage } = config;
  const names = stackPlatformNames(config);
  const accounts = Object.keys(names.backups).length;
  const regions = present(config).length;
  const pool =
    database.tier === "Burstable"
      ? undefined
      : { defaultPoolSize: 0, maxClientConnections: 0, maxPreparedStatements: 0 };
  // The size of the pool follows the server; that it is on does not.
  const isSize = (name: string): boolean => /_pool_size|max_client_conn|max_prepared/.test(name);
  return [
    ...serverParameters(pool, database.parameters ?? {}).map(({ name, value }): Demand => ({
      what: `the server parameter ${name}`,
      key: "database.parameters, infra/data/serverParameters.ts",
      type: "dbforpostgresql:Configuration",
      where: { configurationName: name },
      each: isSize(name) ? { value: GIVEN } : { value },
      count: servers(config),
    })),
    {
      what: "each database server",
      key: "database",
      type: "dbforpostgresql:Server",
      each: {
        "storage.autoGrow?": "Enabled",
        "network.publicNetworkAccess": "Disabled",
      },
      count: 1,
    },
    {
      what: "the database of the application",
      key: "database.applicationDatabase",
      type: "dbforpostgresql:Database",
      where: { databaseName: database.applicationDatabase },
    },
    {
      what: "each vault",
      key: "infra/secrets/vault.ts",
      type: "keyvault:Vault",
      each: {
        "properties.publicNetworkAccess": oneOf("disabled", "Disabled"),
        "properties.networkAcls.defaultAction": "Deny",
        "properties.networkAcls.bypass": oneOf("AzureServices", "None"),
        "properties.enabledForDeployment": OFF,
        "properties.enabledForDiskEncryption": OFF,
        "properties.enabledForTemplateDeployment": OFF,
      },
      count: regions,
    },
    ...SECRET_CATALOG.map((entry): Demand => ({
      what: `the secret ${entry.name}`,
      key: "vault.secretsIssued",
      type: "keyvault:Secret",
      where: { secretName: entry.name },
      each: {
        "properties.attributes.enabled": true,
        "properties.attributes.expires": atMost(
          expiry(
            issuedOn(entry, { ...config.vault, issued: config.vault.secretsIssued }),
            entry.rotationDays,
          ),
        ),
      },
    })),
    ...storage.containers.map(({ purpose, immutabilityDays }): Demand => ({
      what: `immutability of ${purpose} in each account`,
      key: `storage.containers[${purpose}].immutabilityDays`,
      type: "storage:BlobContainerImmutabilityPolicy",
      where: { immutabilityPeriodSinceCreationInDays: immutabilityDays },
      is: { allowProtectedAppendWrites: OFF },
      count:
        immutabilityDays === undefined
          ? 0
          : accounts * storage.containers.filter((one) => one.immutabilityDays === immutabilityDays).length,
    })),
    {
      what: "each account of backups",
      key: "storage",
      type: "storage:StorageAccount",
      each: {
        kind: "StorageV2",
        "encryption.requireInfrastructureEncryption": true,
        "encryption.services.blob.enabled": true,
        "encryption.keySource": GIVEN,
        defaultToOAuthAuthentication: true,
        isLocalUserEnabled: OFF,
        isSftpEnabled: OFF,
        enableHttpsTrafficOnly: true,
        "networkRuleSet.bypass": oneOf("AzureServices", "None"),
        accessTier: "Hot",
      },
      count: accounts,
    },
    {
      what: "each account",
      key: "infra/data/storage.ts",
      type: "storage:StorageAccount",
      each: { publicNetworkAccess: "Disabled", "networkRuleSet.defaultAction": "Deny" },
    },
    {
      what: "versions and deleted blobs of each account",
      key: "infra/data/storage.ts",
      type: "storage:BlobServiceProperties",
      per: { type: "storage:StorageAccount", by: "accountName" },
      is: {
        isVersioningEnabled: true,
        "deleteRetentionPolicy.enabled": true,
        "deleteRetentionPolicy.days": atLeast(7),
        "containerDeleteRetentionPolicy.enabled": true,
        "containerDeleteRetentionPolicy.days": atLeast(7),
      },
    },
    {
      what: "each record of changed blobs",
      key: "storage.softDeleteDays",
      type: "storage:BlobServiceProperties",
      each: { "changeFeed.retentionInDays?": atLeast(storage.softDeleteDays) },
    },
    {
      what: "what each account keeps of changed and deleted blobs",
      key: "storage.softDeleteDays",
      type: "storage:BlobServiceProperties",
      is: {
        "changeFeed.enabled": true,
        "deleteRetentionPolicy.days": atLeast(storage.softDeleteDays),
        "deleteRetentionPolicy.allowPermanentDelete": OFF,
        "containerDeleteRetentionPolicy.days": atLeast(storage.softDeleteDays),
      },
      count: accounts,
    },
    ...storage.containers
      .filter(({ tiers = [] }) => tiers.length > 0)
      .map(({ purpose, tiers = [] }): Demand => {
        const days = (tier: string) => tiers.find((step) => step.tier === tier)?.afterDays;
        const step = (tier: string) => ({ daysAfterModificationGreaterThan: days(tier) });
        return {
          what: `the lifecycle of ${purpose}`,
          key: `storage.containers[${purpose}].tiers`,
          type: "storage:ManagementPolicy",
          is: {
            "policy.rules": holding({
              enabled: true,
              definition: {
                filters: { blobTypes: ["blockBlob"], prefixMatch: [`${CONTAINER_NAMES[purpose]}/`] },
                actions: {
                  baseBlob: {
                    ...(days("Cool") !== undefined && { tierToCool: step("Cool") }),
                    ...(days("Cold") !== undefined && { tierToCold: step("Cold") }),
                    ...(days("Archive") !== undefined && { tierToArchive: step("Archive") }),
                  },
                },
              },
            }),
          },
          count: accounts,
        };
      }),
    {
      what: "each rule of a lifecycle",
      key: "storage.containers",
      type: "storage:ManagementPolicy",
      each: {
        "policy.rules[].definition.filters.prefixMatch": GIVEN,
        "policy.rules[].definition.filters.blobTypes": GIVEN,
      },
    },
    {
      what: "each lock",
      key: "protectData",
      type: "authorization:ManagementLockByScope",
      each: { level: oneOf("CanNotDelete", "ReadOnly"), scope: GIVEN },
    },
  ];
}

/** What stands between the network, the data and everybody else. */
export function guards(config: StackConfig): Demand[] {
  return [...networks(config), ...data(config)];
}
