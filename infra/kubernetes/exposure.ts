import type { core } from "@pulumi/kubernetes/types/input";
import { Cidr, hostAt, parseCidr } from "../network/addressing";

/** A Service that Azure Front Door reaches through a Private Link Service in front of an internal load balancer. */
export interface Exposure {
  /** Name of the Private Link Service. Changing it makes a new one, whose connection must be approved again. */
  privateLinkService: string;
  /** Address of the load balancer in the nodes' subnet. */
  address: string;
  /** Name of the subnet the nodes are in. */
  subnet: string;
  /** Name of the subnet Private Link translates addresses in. */
  privateLinkSubnet: string;
}

const ANNOTATION = "service.beta.kubernetes.io/azure";

/**
 * Annotations and spec of the Service, which the cluster's cloud provider turns into load balancer and Private
 * Link Service (https://learn.microsoft.com/azure/aks/internal-lb). Anyone may ask for a connection, because
 * Front Door asks from a subscription of Microsoft's; none works before an operator has approved it.
 */
export function serviceSpec(exposure: Exposure): {
  annotations: Record<string, string>;
  spec: Pick<core.v1.ServiceSpec, "type" | "externalTrafficPolicy">;
} {
  return {
    annotations: {
      [`${ANNOTATION}-load-balancer-internal`]: "true",
      [`${ANNOTATION}-load-balancer-internal-subnet`]: exposure.subnet,
      [`${ANNOTATION}-load-balancer-ipv4`]: exposure.address,
      [`${ANNOTATION}-pls-create`]: "true",
      [`${ANNOTATION}-pls-name`]: exposure.privateLinkService,
      [`${ANNOTATION}-pls-ip-configuration-subnet`]: exposure.privateLinkSubnet,
      [`${ANNOTATION}-pls-ip-configuration-ip-address-count`]: "1",
      [`${ANNOTATION}-pls-proxy-protocol`]: "false",
      [`${ANNOTATION}-pls-visibility`]: "*",
    },
    // Local keeps the sender's address, the Private Link subnet's, which the network policy admits; a second hop
    // over another node would show that node's address, which no address rule matches under Cilium.
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Local" },
  };
}

/** Addresses at the end of the nodes' subnet kept for load balancers; Azure hands nodes addresses from its start. */
const LOAD_BALANCER_ADDRESSES = 16;

/**
 * The n-th load balancer address of a region, counted from 0. A fixed address lets Front Door know the origin
 * before the cluster has made it.
 * @throws RangeError when more are asked for than are kept.
 */
export function loadBalancerAddress(nodesSubnet: Cidr, index: number): string {
  const block = parseCidr(nodesSubnet);
  if (!block) throw new RangeError(`${nodesSubnet} is not an IPv4 CIDR block`);
  if (index < 0 || index >= LOAD_BALANCER_ADDRESSES) {
    throw new RangeError(`load balancer ${index} of ${nodesSubnet}: only 0-${LOAD_BALANCER_ADDRESSES - 1}`);
  }
  // The last address of a subnet is Azure's broadcast address.
  return hostAt(nodesSubnet, block.last - block.first - LOAD_BALANCER_ADDRESSES + index);
}
