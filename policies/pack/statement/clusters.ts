import {
  maintenanceWindow,
  UPGRADE_WINDOW_HOURS,
  weeklyHours,
} from "../../../packages/azure-facts/maintenance";
import { nodeDisk } from "../../../infra/cluster/nodeDisk";
import { stackPlatformNames } from "../../../stacks/files";
import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, between, GIVEN, holding, OFF, oneOf } from "../../rules/expected";
import { nested, present } from "./places";

const CLUSTER = "infra/cluster";

/** Nodes of a size, wherever their pool is declared. */
const nodes = (vmSize: string): Record<string, unknown> => ({
  enableEncryptionAtHost: true,
  enableNodePublicIP: OFF,
  osDiskType: nodeDisk(vmSize).osDiskType,
  // A smaller one is full of images and logs, and its pods are evicted.
  osDiskSizeGB: atLeast(nodeDisk(vmSize).osDiskSizeGB),
  osSKU: GIVEN,
  vmSize,
  vnetSubnetID: GIVEN,
  maxPods: atLeast(30),
  // Of a pool that stands the provider gives the resource's own type in this place, in every update's judgement.
  type: oneOf("VirtualMachineScaleSets", "Microsoft.ContainerService/managedClusters/agentPools"),
  "upgradeSettings.maxSurge": GIVEN,
  "upgradeSettings.drainTimeoutInMinutes": between(1, 30),
});

/** Each cluster is its own region's: the other's would fall together with it. */
const placed = (config: StackConfig): Demand[] =>
  present(config).map((place) => {
    const { cluster, clusterDnsPrefix, region } = stackPlatformNames(config)[place] ?? {};
    return {
      what: `the cluster of the ${place} region`,
      key: `regions.${place}`,
      type: "containerservice:ManagedCluster",
      where: { resourceName: cluster },
      is: { location: region, dnsPrefix: clusterDnsPrefix },
    };
  });

/** Clusters and their nodes. */
export function clusters(config: StackConfig, regions: number): Demand[] {
  return [
    ...placed(config),
    {
      what: "each cluster",
      key: CLUSTER,
      type: "containerservice:ManagedCluster",
      count: regions,
      each: {
        enableRBAC: true,
        disableLocalAccounts: true,
        "aadProfile.tenantID": config.azure.tenantId,
        "aadProfile.adminGroupObjectIDs": config.cluster.adminGroupObjectIds,
        "apiServerAccessProfile.disableRunCommand": true,
        "addonProfiles.azureKeyvaultSecretsProvider.config.rotationPollInterval": atMost("5m"),
        "addonProfiles.azurepolicy.enabled": true,
        "addonProfiles.azurepolicy.config.version": GIVEN,
        "addonProfiles.omsagent.enabled": true,
        "addonProfiles.omsagent.config.useAADAuth": "true",
        "addonProfiles.omsagent.config.logAnalyticsWorkspaceResourceID": GIVEN,
        "azureMonitorProfile.metrics.enabled": true,
        "autoScalerProfile.balanceSimilarNodeGroups": "true",
        "autoScalerProfile.expander": GIVEN,
        "autoScalerProfile.skipNodesWithLocalStorage": "false",
        "autoScalerProfile.skipNodesWithSystemPods": "true",
        "securityProfile.imageCleaner.enabled": true,
        "securityProfile.imageCleaner.intervalHours": atMost(168),
        ...(config.defender.containers && {
          "securityProfile.defender.logAnalyticsWorkspaceResourceId": GIVEN,
          "securityProfile.defender.securityMonitoring.enabled": true,
        }),
        "storageProfile.diskCSIDriver.enabled": true,
        "storageProfile.snapshotController.enabled": true,
        "storageProfile.fileCSIDriver.enabled": false,
        "networkProfile.loadBalancerSku": "standard",
        "networkProfile.outboundType": "loadBalancer",
        "networkProfile.loadBalancerProfile.outboundIPs.publicIPs": GIVEN,
        "networkProfile.loadBalancerProfile.outboundIPs.publicIPs[].id": GIVEN,
        "networkProfile.loadBalancerProfile.backendPoolType": "NodeIPConfiguration",
        // Fewer lose connections; more than an address has for all nodes stop the autoscaler.
        "networkProfile.loadBalancerProfile.allocatedOutboundPorts": between(1000, 16_000),
        "networkProfile.networkPluginMode": "overlay",
        "identity.type": "UserAssigned",
        identityProfile: GIVEN,
        "identityProfile.kubeletidentity": GIVEN,
        kubernetesVersion: config.cluster.kubernetesVersion,
        "sku.name": GIVEN,
        "agentPoolProfiles[].nodeTaints": holding("CriticalAddonsOnly=true:NoSchedule"),
        ...nested("agentPoolProfiles[]", nodes(config.cluster.systemPool.vmSize)),
      },
    },
    {
      what: "each pool of nodes",
      key: "cluster.userPool",
      type: "containerservice:AgentPool",
      count: regions,
      each: {
        ...nodes(config.cluster.userPool.vmSize),
        mode: "User",
        orchestratorVersion: config.cluster.kubernetesVersion,
        maxCount: atLeast(config.cluster.userPool.maxCount),
      },
    },
    ...["aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule", "default"].map(
      (configName): Demand => ({
        what: `the maintenance window ${configName}`,
        key: "cluster.upgradeWindow",
        type: "containerservice:MaintenanceConfiguration",
        where: { configName },
        is:
          configName === "default"
            ? { timeInWeek: weeklyHours(config.cluster.upgradeWindow, UPGRADE_WINDOW_HOURS) }
            : { maintenanceWindow: maintenanceWindow(config.cluster.upgradeWindow, UPGRADE_WINDOW_HOURS) },
        count: regions,
      }),
    ),
  ];
}
