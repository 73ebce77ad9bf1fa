import { PolicyAssignment } from "@pulumi/azure-native/authorization/policyAssignment";
import * as pulumi from "@pulumi/pulumi";
import { EXCLUDED_NAMESPACES } from "./excludedNamespaces";

/**
 * Microsoft's definitions the add-on in the cluster enforces once they are assigned
 * (https://learn.microsoft.com/azure/aks/policy-reference).
 */
const CLUSTER_POLICIES = {
  /** Pod security baseline standards, Linux. Not the restricted ones: those refuse CSI volumes, which carry our secrets. */
  baseline: "/providers/Microsoft.Authorization/policySetDefinitions/a8640138-9b0a-4a28-b8cb-1666c838647d",
} as const;

export interface ClusterPoliciesArgs {
  /** Resource group of the cluster; the assignments hold for every cluster in it. */
  groupId: pulumi.Input<string>;
}

/**
 * What the Azure Policy add-on refuses in every namespace. The platform's own namespace is held to the restricted
 * standard by Kubernetes itself; these hold what somebody puts beside it. Costs nothing.
 */
export function clusterPolicies(
  name: string,
  { groupId }: ClusterPoliciesArgs,
  opts: pulumi.CustomResourceOptions,
): void {
  new PolicyAssignment(
    `${name}-baseline`,
    {
      policyAssignmentName: "pod-security-baseline",
      displayName: "Pods keep the baseline of pod security",
      scope: groupId,
      policyDefinitionId: CLUSTER_POLICIES.baseline,
      enforcementMode: "Default",
      parameters: {
        effect: { value: "deny" },
        excludedNamespaces: { value: EXCLUDED_NAMESPACES },
      },
    },
    opts,
  );
}
