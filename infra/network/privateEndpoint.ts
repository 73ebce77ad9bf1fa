import * as network from "@pulumi/azure-native/network";
import * as pulumi from "@pulumi/pulumi";
import { Region } from "../regions";
import { Tags } from "../tags";

/** Part of a service a private endpoint leads to, as Azure names it. */
export type EndpointGroup = "postgresqlServer" | "vault" | "blob" | "registry";

export interface PrivateEndpointArgs {
  endpointName: string;
  region: Region;
  resourceGroupName: pulumi.Input<string>;
  subnetId: pulumi.Input<string>;
  /** Service the endpoint leads to. Changing it replaces the endpoint: a short outage, no data loss. */
  serviceId: pulumi.Input<string>;
  group: EndpointGroup;
  /** Zone in which Azure keeps the service's private address. */
  zoneId: pulumi.Input<string>;
  tags: Tags;
}

/** A service's address inside a virtual network, with the DNS record that leads there. */
export class PrivateEndpoint extends pulumi.ComponentResource {
  /** Last resource of the endpoint; depend on it before using the service. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: PrivateEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:network:PrivateEndpoint", name, {}, opts);
    const endpoint = new network.PrivateEndpoint(
      `${name}-endpoint`,
      {
        privateEndpointName: args.endpointName,
        resourceGroupName: args.resourceGroupName,
        location: args.region,
        subnet: { id: args.subnetId },
        privateLinkServiceConnections: [
          { name: args.endpointName, privateLinkServiceId: args.serviceId, groupIds: [args.group] },
        ],
        tags: args.tags,
      },
      { parent: this },
    );
    this.ready = new network.PrivateDnsZoneGroup(
      `${name}-records`,
      {
        privateDnsZoneGroupName: "default",
        privateEndpointName: endpoint.name,
        resourceGroupName: args.resourceGroupName,
        privateDnsZoneConfigs: [{ name: args.group, privateDnsZoneId: args.zoneId }],
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
