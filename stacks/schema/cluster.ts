import { z } from "zod";
import { cidr, guid, weeklyWindow, matching } from "./common";

const vmSize = matching(/^Standard_[A-Za-z0-9_]+$/, "an Azure VM size such as Standard_D4ds_v5");

export const cluster = z
  .strictObject({
    kubernetesVersion: matching(
      /^1\.\d{2}$/,
      "a Kubernetes minor version such as 1.35; Azure chooses the patch",
    ).describe("Kubernetes minor version. Raise it one minor at a time; it cannot be lowered."),
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
    zones: z
      .array(z.enum(["1", "2", "3"]))
      .describe("Availability zones of all pools. Changing them replaces the pools; empty means no zones."),
    adminGroupObjectIds: z
      .array(guid)
      .min(1, "at least one Entra group, or nobody could administer the cluster")
      .describe("Entra groups with cluster-admin rights; local accounts are off."),
    authorizedIpRanges: z
      .array(cidr)
      .min(1, "at least one range, or the API server would be open to the internet")
      .refine((ranges) => !ranges.includes("0.0.0.0/0"), "ranges other than the whole internet")
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
