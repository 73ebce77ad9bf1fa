import { hash } from "../cloud";
import { lastName } from "../ids";
import { objectsAt, stringAt } from "../paths";
import { Failure, Made, Tree } from "../types";
import { type ArmTable } from "./arm";

const NETWORK = "Microsoft.Network";
const LINK_SERVICE = `${NETWORK}/privateLinkServices/{serviceName}`;

/** Labels under which Azure registers the DNS name of a private endpoint, by the service's group. */
const ENDPOINT_HOSTS: Readonly<Record<string, string>> = {
  postgresqlServer: "postgres.database.azure.com",
  vault: "vault.azure.net",
  blob: "blob.core.windows.net",
  blob_secondary: "blob.core.windows.net",
  registry: "azurecr.io",
};

function subnetAddresses(inputs: Tree): readonly Failure[] {
  const given = ["addressPrefix", "addressPrefixes"].filter((name) => inputs[name] !== undefined);
  return given.length === 1
    ? []
    : [{ property: "addressPrefix", reason: "exactly one of addressPrefix and addressPrefixes is needed" }];
}

function endpointDns({ inputs, id, cloud }: Made): Tree {
  const [connection] = [
    ...objectsAt(inputs, "privateLinkServiceConnections"),
    ...objectsAt(inputs, "manualPrivateLinkServiceConnections"),
  ];
  const [group] = (connection?.["groupIds"] as readonly string[] | undefined) ?? [];
  const target = lastName((connection && stringAt(connection, "privateLinkServiceId")) ?? "");
  const octet = (parseInt(hash(cloud.seed, id, "address").slice(0, 2), 16) % 250) + 4;
  const configs =
    group && target
      ? [
          {
            fqdn: `${target}.${ENDPOINT_HOSTS[group] ?? "azure.com"}`,
            ipAddresses: [`192.0.2.${octet}`],
          },
        ]
      : [];
  return {
    customDnsConfigs: configs,
    networkInterfaces: [{ id: `${id}/networkInterfaces/${lastName(id)}.nic` }],
  };
}

export const NETWORK_TYPES: ArmTable = {
  "network:VirtualNetwork": {
    id: `${NETWORK}/virtualNetworks/{virtualNetworkName}`,
    required: ["addressSpace.addressPrefixes"],
    computed: ({ guid }) => ({ resourceGuid: guid("resource") }),
  },
  "network:Subnet": {
    id: `${NETWORK}/virtualNetworks/{virtualNetworkName}/subnets/{subnetName}`,
    serialisedUpTo: "virtualNetworkName",
    check: subnetAddresses,
  },
  "network:VirtualNetworkPeering": {
    id: `${NETWORK}/virtualNetworks/{virtualNetworkName}/virtualNetworkPeerings/{virtualNetworkPeeringName}`,
    immutable: ["remoteVirtualNetwork"],
    required: ["remoteVirtualNetwork.id"],
    serialisedUpTo: "virtualNetworkName",
    computed: () => ({ peeringState: "Connected", peeringSyncLevel: "FullyInSync" }),
  },
  "network:NetworkSecurityGroup": {
    id: `${NETWORK}/networkSecurityGroups/{networkSecurityGroupName}`,
    computed: ({ guid }) => ({ resourceGuid: guid("resource") }),
  },
  "network:NatGateway": {
    id: `${NETWORK}/natGateways/{natGatewayName}`,
    required: ["sku.name"],
    immutable: ["zones"],
    computed: ({ guid }) => ({ resourceGuid: guid("resource") }),
  },
  "network:PublicIPAddress": {
    id: `${NETWORK}/publicIPAddresses/{publicIpAddressName}`,
    immutable: ["zones", "publicIPAddressVersion"],
    computed: ({ random }) => ({ ipAddress: `203.0.113.${(parseInt(random("address", 2), 16) % 254) + 1}` }),
  },
  "network:PrivateEndpoint": {
    id: `${NETWORK}/privateEndpoints/{privateEndpointName}`,
    required: ["subnet.id"],
    immutable: ["subnet", "privateLinkServiceConnections", "customNetworkInterfaceName"],
    computed: endpointDns,
  },
  "network:PrivateLinkService": {
    id: LINK_SERVICE,
    // A cluster makes it from a Service, which no plan shows.
    mayComeLater: true,
    computed: ({ guid }) => ({
      alias: `${guid("alias")}.azure.privatelinkservice`,
      networkInterfaces: [],
      privateEndpointConnections: [],
    }),
  },
  "network:PrivateLinkServicePrivateEndpointConnection": {
    id: `${LINK_SERVICE}/privateEndpointConnections/{peConnectionName}`,
    auto: "never",
  },
  "network:PrivateDnsZoneGroup": {
    id: `${NETWORK}/privateEndpoints/{privateEndpointName}/privateDnsZoneGroups/{privateDnsZoneGroupName}`,
    required: ["privateDnsZoneConfigs"],
  },
  "privatedns:PrivateZone": {
    id: `${NETWORK}/privateDnsZones/{privateZoneName}`,
    stands: "globally",
    auto: "never",
    computed: () => ({ maxNumberOfRecordSets: 25000, numberOfRecordSets: 1 }),
  },
  "privatedns:VirtualNetworkLink": {
    id: `${NETWORK}/privateDnsZones/{privateZoneName}/virtualNetworkLinks/{virtualNetworkLinkName}`,
    stands: "globally",
    required: ["virtualNetwork.id", "registrationEnabled"],
    immutable: ["virtualNetwork"],
    computed: () => ({ virtualNetworkLinkState: "Completed" }),
  },
};
