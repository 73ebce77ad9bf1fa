import * as pulumi from "@pulumi/pulumi";

/** Network of every cluster, addresses aside. Changing any of it replaces the cluster. */
export const OVERLAY_NETWORK = {
  networkPlugin: "azure",
  networkPluginMode: "overlay",
  networkDataplane: "cilium",
  networkPolicy: "cilium",
  loadBalancerSku: "standard",
  // Its address stands in all zones. A NAT gateway of the API version in use stands in one, and takes the egress of all
  // three with it; one for each zone would need a subnet and two pools for each.
  outboundType: "loadBalancer",
} as const;

/** Ports of one public address that a load balancer has to give away. */
const PORTS_PER_ADDRESS = 64_000;

/** Azure takes multiples of this only. */
const PORT_STEP = 8;

/** Nodes an upgrade adds to a pool: the third that {@link NodePlace} pools surge by, rounded up as Azure does. */
const withSurge = (nodes: number): number => nodes + Math.ceil(nodes / 3);

/**
 * Outbound side of the cluster's load balancer. Every node gets its share of the address's ports at once: shares that
 * are dealt out as nodes come make the ones that are there lose connections, and more than there are stops the
 * autoscaler. A port is one connection to one address and port of the other side.
 */
export function outboundProfile(
  addressId: string,
  { systemCount, userMaxCount }: { systemCount: number; userMaxCount: number },
) {
  const nodes = withSurge(systemCount) + withSurge(userMaxCount);
  return {
    outboundIPs: { publicIPs: [{ id: addressId }] },
    allocatedOutboundPorts: Math.floor(PORTS_PER_ADDRESS / nodes / PORT_STEP) * PORT_STEP,
    idleTimeoutInMinutes: 10,
    backendPoolType: "NodeIPConfiguration",
  };
}

/** What every cluster has switched on. */
export const CLUSTER_PROFILE = {
  supportPlan: "KubernetesOfficial",
  enableRBAC: true,
  disableLocalAccounts: true,
  oidcIssuerProfile: { enabled: true },
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

/** How the cluster guards itself; with Defender's sensor where the subscription pays for its plan. */
export function securityProfile(sensorWorkspaceId: string | undefined) {
  return {
    workloadIdentity: { enabled: true },
    imageCleaner: { enabled: true, intervalHours: 120 },
    ...(sensorWorkspaceId && {
      defender: {
        logAnalyticsWorkspaceResourceId: sensorWorkspaceId,
        securityMonitoring: { enabled: true },
      },
    }),
  };
}

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
