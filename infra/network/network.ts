import * as network from "@pulumi/azure-native/network";
import * as privatedns from "@pulumi/azure-native/privatedns";
import * as pulumi from "@pulumi/pulumi";
import { regionSubnets, SubnetName } from "./addressing";
import { PRIVATE_DNS_ZONES, RegionNames } from "../naming";
import { Tags } from "../tags";

export type PrivateZone = keyof typeof PRIVATE_DNS_ZONES;

export interface NetworkArgs {
  names: RegionNames;
  resourceGroupName: pulumi.Input<string>;
  /** IPv4 block of the virtual network, /19 or larger. Changing it moves every subnet. */
  addressSpace: string;
  /** Availability zones of the outbound address; empty in regions without zones. Changing them replaces it. */
  zones: string[];
  /** Kinds of services that are reached privately. */
  privateZones: readonly PrivateZone[];
  tags: Tags;
}

/** A private DNS zone. */
export interface ZoneOfService {
  id: pulumi.Output<string>;
  /** What lets the network's clients resolve the zone; depend on it before using what the zone names. */
  link: pulumi.Resource;
}

/**
 * One region's virtual network: subnets for nodes, private endpoints and the Private Link service, the address traffic
 * leaves from, and the private DNS zones its clients resolve.
 *
 * Each region has zones of its own because Azure keeps one A record per server in a zone: two regions' endpoints
 * for the same server in one shared zone would overwrite each other, and a lost region would leave its addresses.
 *
 * Cost: the address per hour, DNS zones per month.
 */
export class Network extends pulumi.ComponentResource {
  readonly virtualNetworkId: pulumi.Output<string>;
  readonly subnetIds: Record<SubnetName, pulumi.Output<string>>;
  /** Address blocks of the subnets, for firewall rules and network policies. */
  readonly subnetCidrs: Record<SubnetName, string>;
  /** Zones of the services that are reached privately. */
  readonly zones: Partial<Record<PrivateZone, ZoneOfService>>;
  /** Public address the region's traffic to the internet comes from; partners may allow-list it. */
  readonly outboundAddress: pulumi.Output<string>;
  /** Its resource id: whatever carries the traffic out uses it. */
  readonly outboundAddressId: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    args: NetworkArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:network:Network", name, {}, opts);
    this.subnetCidrs = regionSubnets(args.addressSpace);
    const outbound = this.outbound(args);
    const vnet = this.virtualNetwork(args);
    const subnets = this.subnets(args, vnet);
    this.zones = Object.fromEntries(args.privateZones.map((kind) => [kind, this.zone(kind, args, vnet)]));
    this.virtualNetworkId = vnet.id;
    this.subnetIds = {
      nodes: subnets.nodes.id,
      endpoints: subnets.endpoints.id,
      "private-link": subnets["private-link"].id,
    };
    this.outboundAddress = outbound.ipAddress.apply((ip) => ip ?? "");
    this.outboundAddressId = outbound.id;
    this.registerOutputs({ virtualNetworkId: this.virtualNetworkId });
  }

  /** One address over all zones: losing a zone takes it from nobody in the others. */
  private outbound({ names, resourceGroupName, zones, tags }: NetworkArgs) {
    return new network.PublicIPAddress(
      `${this.name}-outbound-address`,
      {
        publicIpAddressName: names.outboundAddress,
        resourceGroupName,
        location: names.region,
        sku: { name: "Standard" },
        publicIPAllocationMethod: "Static",
        zones,
        tags,
      },
      { parent: this },
    );
  }

  private virtualNetwork({ names, resourceGroupName, addressSpace, tags }: NetworkArgs) {
    return new network.VirtualNetwork(
      `${this.name}-vnet`,
      {
        virtualNetworkName: names.virtualNetwork,
        resourceGroupName,
        location: names.region,
        addressSpace: { addressPrefixes: [addressSpace] },
        tags,
      },
      // Subnets are resources of their own; Azure reports them here too, and sending them back would delete them.
      { parent: this, ignoreChanges: ["subnets"] },
    );
  }

  private securityGroup(
    noun: string,
    groupName: string,
    args: NetworkArgs,
    rules: network.NetworkSecurityGroupArgs["securityRules"],
  ) {
    return new network.NetworkSecurityGroup(
      `${this.name}-${noun}-nsg`,
      {
        networkSecurityGroupName: groupName,
        resourceGroupName: args.resourceGroupName,
        location: args.names.region,
        securityRules: rules,
        tags: args.tags,
      },
      { parent: this },
    );
  }

  /** Azure allows one subnet change per virtual network at a time, hence the chain. */
  private subnets(args: NetworkArgs, vnet: network.VirtualNetwork) {
    const { names, resourceGroupName } = args;
    const nodesGroup = this.securityGroup("nodes", names.nodesSecurityGroup, args, []);
    const endpointsGroup = this.securityGroup("endpoints", names.endpointsSecurityGroup, args, [
      rule(100, "allow-nodes", "Allow", this.subnetCidrs.nodes, this.subnetCidrs.endpoints, [
        "443",
        "5432",
        "6432",
      ]),
      rule(4000, "deny-everything-else", "Deny", "*", "*", ["*"]),
    ]);
    const make = (noun: SubnetName, extra: Partial<network.SubnetArgs>, after: pulumi.Resource[]) =>
      new network.Subnet(
        `${this.name}-${noun}`,
        {
          subnetName: noun,
          resourceGroupName,
          virtualNetworkName: vnet.name,
          addressPrefix: this.subnetCidrs[noun],
          // Nothing leaves but through the cluster's load balancer.
          defaultOutboundAccess: false,
          ...extra,
        },
        { parent: this, dependsOn: after },
      );
    const nodes = make("nodes", { networkSecurityGroup: { id: nodesGroup.id } }, []);
    const endpoints = make(
      "endpoints",
      { privateEndpointNetworkPolicies: "Enabled", networkSecurityGroup: { id: endpointsGroup.id } },
      [nodes],
    );
    const privateLink = make("private-link", { privateLinkServiceNetworkPolicies: "Disabled" }, [endpoints]);
    return { nodes, endpoints, "private-link": privateLink };
  }

  private zone(kind: PrivateZone, args: NetworkArgs, vnet: network.VirtualNetwork): ZoneOfService {
    const zone = new privatedns.PrivateZone(
      `${this.name}-${kind}-zone`,
      {
        privateZoneName: PRIVATE_DNS_ZONES[kind],
        resourceGroupName: args.resourceGroupName,
        location: "Global",
        tags: args.tags,
      },
      { parent: this },
    );
    const link = new privatedns.VirtualNetworkLink(
      `${this.name}-${kind}-zone-link`,
      {
        virtualNetworkLinkName: args.names.virtualNetwork,
        privateZoneName: zone.name,
        resourceGroupName: args.resourceGroupName,
        location: "Global",
        registrationEnabled: false,
        virtualNetwork: { id: vnet.id },
        tags: args.tags,
      },
      { parent: this },
    );
    return { id: zone.id, link };
  }
}

function rule(
  priority: number,
  name: string,
  access: "Allow" | "Deny",
  source: string,
  destination: string,
  ports: string[],
) {
  return {
    name,
    priority,
    access,
    direction: "Inbound",
    protocol: access === "Allow" ? "Tcp" : "*",
    sourceAddressPrefix: source,
    sourcePortRange: "*",
    destinationAddressPrefix: destination,
    ...(ports.length === 1 ? { destinationPortRange: ports[0] } : { destinationPortRanges: ports }),
  };
}
