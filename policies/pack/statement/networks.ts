import { regionSubnets } from "../../../infra/network/addressing";
import { PRIVATE_DNS_ZONES } from "../../../infra/naming";
import { PLACES } from "../../../stacks/roles";
import { stackPlatformNames } from "../../../stacks/files";
import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, GIVEN, holding, OFF, oneOf } from "../../rules/expected";
import { GUARDED, present, servers } from "./places";

const NETWORK = "infra/network";

/** Each group of resources lies in the region it is for: nothing in one whose own region is lost can be changed. */
function groups(config: StackConfig): Demand[] {
  const names = stackPlatformNames(config);
  const inRegions = PLACES.flatMap((place): (readonly [string, string])[] => {
    const region = names[place];
    return region ? [[region.resourceGroup, region.region]] : [];
  });
  const all = [
    ...inRegions,
    [names.monitoringResourceGroup, config.monitoring.region],
    [names.statusResourceGroup, config.statusPage.outsideRegion],
  ] as const;
  return all.map(([resourceGroupName, location]) => ({
    what: `the group ${resourceGroupName}`,
    key: "regions, monitoring.region, statusPage.outsideRegion",
    type: "resources:ResourceGroup",
    where: { resourceGroupName },
    is: { location },
  }));
}

/** Networks, and what stands between them. */
export function networks(config: StackConfig): Demand[] {
  // The subnets of a lost region may stand until somebody clears them away.
  const planned = PLACES.flatMap((place) => {
    const space = config.network[place]?.addressSpace;
    return space === undefined ? [] : [{ place, space, subnets: regionSubnets(space) }];
  });
  const regions = planned.filter(({ place }) => present(config).includes(place));
  const zones = Object.entries(PRIVATE_DNS_ZONES)
    .filter(([service]) => service !== "registry" || config.registry.enabled)
    .map(([, zone]) => zone);
  // Each region reaches the vaults, the two accounts, every server and the registry.
  const endpoints =
    regions.length * (regions.length + 2 + servers(config) + (config.registry.enabled ? 1 : 0));
  return [
    ...groups(config),
    {
      what: "each subnet",
      key: NETWORK,
      type: "network:Subnet",
      each: {
        defaultOutboundAccess: false,
        // What stands in another one has no security group and no rule that knows it.
        addressPrefix: oneOf(...planned.flatMap(({ subnets }) => Object.values(subnets))),
      },
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
    ...GUARDED.map((type): Demand => ({
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
