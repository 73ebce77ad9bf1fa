import { z } from "zod";
import { KUBERNETES_VERSIONS, MAX_AUTHORIZED_RANGES, VM_SIZES } from "../../packages/azure-facts";
import { apart, guid, nameOf, operatorCidr, unique, weeklyWindow } from "./common";

const vmSize = nameOf(VM_SIZES, "a VM size AKS offers, such as Standard_D4ds_v5");

export const cluster = z
  .strictObject({
    kubernetesVersion: z
      .enum(KUBERNETES_VERSIONS)
      .describe(
        "Kubernetes minor version; Azure chooses the patch. Raise it one minor at a time; it cannot be lowered.",
      ),
    tier: z
      .enum(["Free", "Standard"])
      .describe("Control-plane tier. Standard carries an SLA: 99.95 % with zones."),
    systemPool: z
      .strictObject({
        vmSize: vmSize.describe("VM size of system nodes. Changing it needs a new system pool."),
        count: z
          .int()
          .min(1)
          .max(10)
          .describe("System nodes; three spread over zones survive the loss of one."),
      })
      .describe("Nodes for cluster services only."),
    userPool: z
      .strictObject({
        vmSize: vmSize.describe("VM size of application nodes. Changing it replaces the pool."),
        minCount: z.int().min(1).max(100).describe("Fewest nodes the autoscaler leaves."),
        maxCount: z.int().min(1).max(100).describe("Most nodes the autoscaler adds."),
      })
      .describe("Nodes for applications, autoscaled."),
    standby: z
      .strictObject({
        userMinCount: z
          .int()
          .min(0)
          .max(100)
          .default(0)
          .describe(
            "Application nodes that wait in a region that stands by. With 0 a failover waits for nodes, about five minutes, and Azure may have none to give; as many as userPool.minCount are there at once.",
          ),
      })
      .prefault({})
      .describe(
        "Size of the cluster in a region that stands by. Its system pool is the same as in the region that serves, so that nothing has to be scaled before it can take over.",
      ),
    zones: unique(z.enum(["1", "2", "3"]), String).describe(
      "Availability zones of all pools. Changing them replaces the pools; empty means no zones.",
    ),
    adminGroupObjectIds: unique(guid, String)
      .min(1, "at least one Entra group, or nobody could administer the cluster")
      .describe("Entra groups with cluster-admin rights; local accounts are off."),
    authorizedIpRanges: apart(operatorCidr)
      .min(1, "at least one range, or the API server would be open to the internet")
      .max(MAX_AUTHORIZED_RANGES)
      .describe("Public addresses that may reach the API server: deployment runners and the operators' VPN."),
    upgradeWindow: weeklyWindow.describe("When Azure may upgrade Kubernetes and node images (UTC)."),
    deployLogin: z
      .enum(["azurecli", "workloadidentity"])
      .default("azurecli")
      .describe(
        "How the Kubernetes provider's kubelogin obtains a token; workloadidentity in pipelines. The variable AAD_LOGIN_METHOD overrides it.",
      ),
  })
  .describe("AKS cluster of each active region.");
