import * as network from "@pulumi/azure-native/network";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup";
import * as pulumi from "@pulumi/pulumi";
import { STORAGE_SERVICE_ENDPOINT } from "../../packages/azure-facts";
import { REGIONS } from "../regions";
import { Tags } from "../tags";
import { RunnerNames, RunnerPurpose } from "./names";
import { PROBED_PORTS, RUNNER_ADDRESSES, RUNNER_SUBNETS } from "./runnerAddresses";

export interface RunnerNetworkArgs {
  names: RunnerNames;
  tags: Tags;
}

/**
 * Network of the runners: a subnet for each purpose that nothing reaches, the other purpose's runners neither, and one
 * address for all that leaves. The NAT gateway is in no zone of its own choosing: losing one may stop deployments, and
 * no customer.
 *
 * Cost: gateway and address per hour, what goes through per gigabyte.
 */
export class RunnerNetwork extends pulumi.ComponentResource {
  readonly resourceGroupName: pulumi.Output<string>;
  readonly subnets: Record<RunnerPurpose, network.Subnet>;
  /** What API servers and firewalls must admit. */
  readonly address: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    private readonly args: RunnerNetworkArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:control:RunnerNetwork", name, {}, opts);
    const { names, tags } = args;
    const group = new ResourceGroup(
      `${name}-group`,
      { resourceGroupName: names.resourceGroup, location: names.region, tags },
      { parent: this },
    );
    this.resourceGroupName = group.name;
    const address = this.outboundAddress();
    const gateway = this.gateway(address);
    const vnet = new network.VirtualNetwork(
      `${name}-vnet`,
      {
        virtualNetworkName: names.virtualNetwork,
        resourceGroupName: group.name,
        location: names.region,
        addressSpace: { addressPrefixes: [RUNNER_ADDRESSES] },
        tags,
      },
      // Subnets are resources of their own; Azure reports them here too, and sending them back would delete them.
      { parent: this, ignoreChanges: ["subnets"] },
    );
    this.subnets = this.makeSubnets(vnet, gateway);
    this.address = address.ipAddress.apply((ip) => ip ?? "");
    this.registerOutputs({ address: this.address });
  }

  private outboundAddress() {
    const { names, tags } = this.args;
    return new network.PublicIPAddress(
      `${this.name}-address`,
      {
        publicIpAddressName: names.outboundAddress,
        resourceGroupName: this.resourceGroupName,
        location: names.region,
        sku: { name: "Standard" },
        publicIPAllocationMethod: "Static",
        zones: REGIONS[names.region].zones ? ["1", "2", "3"] : [],
        tags,
      },
      { parent: this },
    );
  }

  private gateway(address: network.PublicIPAddress) {
    const { names, tags } = this.args;
    return new network.NatGateway(
      `${this.name}-gateway`,
      {
        natGatewayName: names.natGateway,
        resourceGroupName: this.resourceGroupName,
        location: names.region,
        sku: { name: "Standard" },
        publicIpAddresses: [{ id: address.id }],
        tags,
      },
      { parent: this },
    );
  }

  /** Azure allows one subnet change per virtual network at a time, hence the chain. */
  private makeSubnets(vnet: network.VirtualNetwork, gateway: network.NatGateway) {
    const blocks = RUNNER_SUBNETS;
    const make = (purpose: RunnerPurpose, after: pulumi.Resource[]) =>
      new network.Subnet(
        `${this.name}-${purpose}`,
        {
          subnetName: purpose,
          resourceGroupName: this.resourceGroupName,
          virtualNetworkName: vnet.name,
          addressPrefix: blocks[purpose],
          delegations: [{ name: "container-apps", serviceName: "Microsoft.App/environments" }],
          networkSecurityGroup: { id: this.securityGroup(purpose, blocks[purpose]).id },
          natGateway: { id: gateway.id },
          // The accounts of the state see no address of a runner in their own region: they admit the subnets instead.
          serviceEndpoints: [{ service: STORAGE_SERVICE_ENDPOINT, locations: ["*"] }],
          defaultOutboundAccess: false,
        },
        { parent: this, dependsOn: after },
      );
    const deploy = make("deploy", []);
    const preview = make("preview", [deploy]);
    return { deploy, preview };
  }

  /** Lets in what the environment needs of itself and of its load balancer's probes. */
  private securityGroup(purpose: RunnerPurpose, block: string) {
    const { names, tags } = this.args;
    const inbound = (priority: number, ruleName: string, access: "Allow" | "Deny", from: string) => ({
      name: ruleName,
      priority,
      access,
      direction: "Inbound",
      protocol: "*",
      sourceAddressPrefix: from,
      sourcePortRange: "*",
      destinationAddressPrefix: access === "Allow" ? block : "*",
      destinationPortRange: from === "AzureLoadBalancer" ? PROBED_PORTS : "*",
    });
    return new network.NetworkSecurityGroup(
      `${this.name}-${purpose}-nsg`,
      {
        networkSecurityGroupName: names.purposes[purpose].securityGroup,
        resourceGroupName: this.resourceGroupName,
        location: names.region,
        securityRules: [
          inbound(100, "allow-itself", "Allow", block),
          inbound(110, "allow-probes", "Allow", "AzureLoadBalancer"),
          inbound(4000, "deny-everything-else", "Deny", "*"),
        ],
        tags,
      },
      { parent: this },
    );
  }
}
