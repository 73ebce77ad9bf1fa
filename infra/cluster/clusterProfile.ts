import * as pulumi from "@pulumi/pulumi";

/** Network of every cluster, addresses aside. Changing any of it replaces the cluster. */
export const OVERLAY_NETWORK = {
  networkPlugin: "azure",
  networkPluginMode: "overlay",
  networkDataplane: "cilium",
  networkPolicy: "cilium",
  loadBalancerSku: "standard",
  // The subnet has one; the load balancer carries inbound traffic only.
  outboundType: "userAssignedNATGateway",
} as const;

/** What every cluster has switched on. */
export const CLUSTER_PROFILE = {
  supportPlan: "KubernetesOfficial",
  enableRBAC: true,
  disableLocalAccounts: true,
  oidcIssuerProfile: { enabled: true },
  securityProfile: {
    workloadIdentity: { enabled: true },
    imageCleaner: { enabled: true, intervalHours: 120 },
  },
  azureMonitorProfile: {
    metrics: {
      enabled: true,
      kubeStateMetrics: { metricAnnotationsAllowList: "", metricLabelsAllowlist: "" },
    },
  },
  autoUpgradeProfile: { upgradeChannel: "patch", nodeOSUpgradeChannel: "NodeImage" },
  autoScalerProfile: {
    balanceSimilarNodeGroups: "true",
    expander: "least-waste",
    // Pods with an emptyDir for /tmp must not keep a node that is not needed.
    skipNodesWithLocalStorage: "false",
    skipNodesWithSystemPods: "true",
  },
  storageProfile: {
    diskCSIDriver: { enabled: true },
    fileCSIDriver: { enabled: false },
    snapshotController: { enabled: true },
  },
} as const;

/** Add-ons: secrets from Key Vault, Azure Policy, and the log agent. */
export function addons(logWorkspaceId: pulumi.Input<string>) {
  return {
    azureKeyvaultSecretsProvider: {
      enabled: true,
      // Text, not booleans: the add-on reads nothing else.
      config: { enableSecretRotation: "true", rotationPollInterval: "2m" },
    },
    azurepolicy: { enabled: true, config: { version: "v2" } },
    omsagent: {
      enabled: true,
      config: { logAnalyticsWorkspaceResourceID: logWorkspaceId, useAADAuth: "true" },
    },
  };
}
