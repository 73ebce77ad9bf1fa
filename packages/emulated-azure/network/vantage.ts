import { isIPv4 } from "node:net";
import { armKey } from "../model/azure/arm";
import { liveOfType } from "../model/cloud";
import { lastName } from "../model/ids";
import { objectsAt, stringAt } from "../model/paths";
import type { Cloud, Stored } from "../model/types";

/** A machine on the public Internet. */
export interface OnInternet {
  /** Its IPv4 address, as others see it. */
  readonly address: string;
  /** Where it is one of Azure's own machines, as GitHub's are: its region. */
  readonly region?: string;
}

/** Something in a virtual network of the cloud: a node and its pods, a runner, a container app. */
export interface InSubnet {
  /** ARM id. */
  readonly subnet: string;
}

/** Where a request comes from. */
export type Vantage = OnInternet | InSubnet;

/** Whoever does not say where they are: an address of the Internet that no firewall admits by accident (RFC 5737). */
export const SOMEBODY: OnInternet = { address: "192.0.2.1" };

/**
 * A place as a person names it: an address of the Internet, or a subnet by its id or as `<network>/<subnet>`.
 * @throws Error that names the subnets there are
 */
export function vantageCalled(cloud: Cloud, text: string): Vantage {
  if (isIPv4(text)) return { address: text };
  const subnets = liveOfType(cloud, SUBNET).map(({ id }) => id);
  const found = subnets.find((id) =>
    [id, shortName(id)].some((one) => one.toLowerCase() === text.toLowerCase()),
  );
  if (found !== undefined) return { subnet: found };
  const allowed = ["an IPv4 address", ...subnets.map(shortName)].join(", ");
  throw new Error(`found ${JSON.stringify(text)}; allowed: ${allowed}`);
}

/** `<network>/<subnet>` of a subnet's id. */
const shortName = (subnet: string): string => `${lastName(networkOf(subnet))}/${lastName(subnet)}`;

const SUBNET = "azure-native:network:Subnet";
const NETWORK = "azure-native:network:VirtualNetwork";
const CLUSTER = "azure-native:containerservice:ManagedCluster";

export const networkOf = (subnet: string): string => subnet.replace(/\/subnets\/[^/]+$/i, "");

/** A subnet and its network; undefined when either is not there. */
export function placeOf(cloud: Cloud, { subnet }: InSubnet): { subnet: Stored; network: Stored } | undefined {
  const [here, network] = [subnet, networkOf(subnet)].map((id) => cloud.get(armKey(id)));
  return here?.type === SUBNET && network?.type === NETWORK ? { subnet: here, network } : undefined;
}

/** Where the pods of a cluster ask from: the subnet of its first pool. @throws Error for a cluster in no network of its own */
export function podsOf(cloud: Cloud, cluster: string): InSubnet {
  const found = liveOfType(cloud, CLUSTER).find(({ id }) => lastName(id) === cluster);
  const subnet = found && stringAt(found.inputs, "agentPoolProfiles[0].vnetSubnetID");
  if (subnet === undefined) throw new Error(`${cluster} is no cluster in a subnet of this cloud`);
  return { subnet };
}

/** Addresses the Internet sees of a subnet: `none` where nothing leads out, `unknown` where Azure lends one nobody chose. */
export function outboundOf(cloud: Cloud, subnet: Stored): readonly string[] | "none" | "unknown" {
  const gateway = stringAt(subnet.inputs, "natGateway.id");
  if (gateway !== undefined)
    return addressesAt(cloud, cloud.get(armKey(gateway))?.inputs, "publicIpAddresses");
  const same = (id: string | undefined): boolean => id?.toLowerCase() === subnet.id.toLowerCase();
  const cluster = liveOfType(cloud, CLUSTER).find(({ inputs }) =>
    objectsAt(inputs, "agentPoolProfiles").some((pool) => same(stringAt(pool, "vnetSubnetID"))),
  );
  if (cluster) {
    const own = addressesAt(
      cloud,
      cluster.inputs,
      "networkProfile.loadBalancerProfile.outboundIPs.publicIPs",
    );
    return own.length > 0 ? own : "unknown";
  }
  return subnet.inputs["defaultOutboundAccess"] === false ? "none" : "unknown";
}

function addressesAt(cloud: Cloud, inputs: Stored["inputs"] | undefined, path: string): string[] {
  return objectsAt(inputs ?? {}, path).flatMap((one) => {
    const address = cloud.get(armKey(stringAt(one, "id") ?? ""));
    return (address && stringAt(address.outputs, "ipAddress")) ?? [];
  });
}
