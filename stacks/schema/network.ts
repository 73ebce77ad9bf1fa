import { z } from "zod";
import { SUBNET_PREFIXES } from "../../infra/network/addressing";
import { privateCidr } from "./common";

const regionNetwork = z.strictObject({
  addressSpace: privateCidr.describe(
    `Address space of the region's virtual network; subnets are cut from it in order: ${SUBNET_PREFIXES.map(([name, prefix]) => `${name} /${prefix}`).join(", ")}. Changing it moves every subnet, which Azure refuses while they are in use.`,
  ),
  podCidr: privateCidr.describe("Overlay addresses of pods. Changing it replaces the cluster."),
  serviceCidr: privateCidr.describe(
    "Addresses of Kubernetes services; its tenth address is the cluster's DNS service. Changing it replaces the cluster.",
  ),
});

export const network = z
  .strictObject({
    primary: regionNetwork.describe("Address plan of the primary region."),
    secondary: regionNetwork
      .optional()
      .describe("Address plan of the secondary region; required when there is one."),
  })
  .describe("Address plan. No block may overlap another in any region or environment.");
