import { carve } from "../network/addressing";
import { RUNNER_PURPOSES } from "./names";

/** Addresses of the runners' network: it is joined to no other, so that every environment may have the same. */
export const RUNNER_ADDRESSES = "192.168.240.0/26";

/** Smallest subnet Container Apps take (https://learn.microsoft.com/azure/container-apps/custom-virtual-networks#subnet). */
const SUBNET_PREFIX = 27;

/** The subnet of each purpose. */
export const RUNNER_SUBNETS = carve(
  RUNNER_ADDRESSES,
  RUNNER_PURPOSES.map((purpose) => [purpose, SUBNET_PREFIX] as const),
);

/** Ports a load balancer asks a Container Apps environment at (https://learn.microsoft.com/azure/container-apps/firewall-integration). */
export const PROBED_PORTS = "30000-32767";
