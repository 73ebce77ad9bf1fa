import { guid } from "../cloud";
import { lastName } from "../ids";
import { objectsAt, stringAt, textAt } from "../paths";
import { Failure, Made, Tree } from "../types";
import { type ArmTable, principal } from "./arm";

const CLUSTER = "Microsoft.ContainerService/managedClusters/{resourceName}";
const REGISTRY = "Microsoft.ContainerRegistry/registries/{registryName}";

/** What only the Premium tier has. */
function premiumOnly(inputs: Tree): Failure[] {
  const { networkRuleSet, publicNetworkAccess } = inputs;
  const tier = stringAt(inputs, "sku.name");
  if (tier === "Premium" || (networkRuleSet === undefined && publicNetworkAccess !== "Disabled")) return [];
  return [
    { property: "sku.name", reason: `must be Premium for a registry that is not public, not ${tier ?? ""}` },
  ];
}

const POOL_NAME = /^[a-z][a-z0-9]{0,11}$/;

/** Parts of the network profile that only a new cluster can have. */
const NETWORK_LEAVES = [
  "serviceCidr",
  "serviceCidrs",
  "dnsServiceIP",
  "networkMode",
  "networkPlugin",
  "networkPluginMode",
  "podCidr",
  "networkDataplane",
  "networkPolicy",
  "outboundType",
];

function checkCluster(inputs: Tree): Failure[] {
  const pools = objectsAt(inputs, "agentPoolProfiles");
  const failures = pools.flatMap((pool, i) =>
    poolName(stringAt(pool, "name"), `agentPoolProfiles[${i}].name`),
  );
  if (Array.isArray(inputs["agentPoolProfiles"]) && !pools.some((p) => stringAt(p, "mode") === "System")) {
    failures.push({ property: "agentPoolProfiles", reason: "needs a pool of mode System" });
  }
  if (
    stringAt(inputs, "sku.tier") === "Premium" &&
    stringAt(inputs, "supportPlan") !== "AKSLongTermSupport"
  ) {
    failures.push({ property: "supportPlan", reason: "must be AKSLongTermSupport with sku.tier Premium" });
  }
  return failures;
}

function poolName(name: string | undefined, property: string): Failure[] {
  return name === undefined || POOL_NAME.test(name)
    ? []
    : [{ property, reason: `must be 1 to 12 lower-case letters and digits, letter first, unlike ${name}` }];
}

function clusterOutputs(made: Made): Tree {
  const { inputs, scope, random } = made;
  const region = stringAt(inputs, "location") ?? "";
  const name = stringAt(inputs, "resourceName") ?? "";
  const host = `${stringAt(inputs, "dnsPrefix") ?? name}-${random("host", 8)}`;
  const subscription = stringAt(scope.config, "subscriptionId") ?? "";
  const nodeGroup =
    stringAt(inputs, "nodeResourceGroup") ?? `MC_${textAt(inputs, "resourceGroupName")}_${name}_${region}`;
  const kubelet = {
    clientId: made.guid("kubelet client"),
    objectId: made.guid("kubelet object"),
    resourceId: `/subscriptions/${subscription}/resourcegroups/${nodeGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}-agentpool`,
  };
  const identity = inputs["identity"];
  return {
    fqdn: `${host}.hcp.${region}.azmk8s.io`,
    azurePortalFQDN: `${host}.portal.hcp.${region}.azmk8s.io`,
    currentKubernetesVersion: `${stringAt(inputs, "kubernetesVersion") ?? "1.35"}.2`,
    nodeResourceGroup: nodeGroup,
    maxAgentPools: 100,
    powerState: { code: "Running" },
    resourceUID: random("uid", 24),
    eTag: made.guid("etag"),
    identityProfile: { kubeletidentity: kubelet },
    oidcIssuerProfile: {
      ...(inputs["oidcIssuerProfile"] as Tree | undefined),
      issuerURL: `https://${region}.oic.prod-aks.azure.com/${made.guid("tenant")}/${made.guid("issuer")}/`,
    },
    ...(typeof identity === "object" && {
      identity: {
        ...(identity as Tree),
        ...(stringAt(inputs, "identity.type") === "SystemAssigned" && principal(made)),
      },
    }),
  };
}

export const CLUSTER_TYPES: ArmTable = {
  "containerservice:ManagedCluster": {
    id: CLUSTER,
    immutable: [
      "dnsPrefix",
      "fqdnSubdomain",
      "diskEncryptionSetID",
      "linuxProfile",
      "windowsProfile",
      "nodeResourceGroup",
      ...NETWORK_LEAVES.map((leaf) => `networkProfile.${leaf}`),
    ],
    required: ["agentPoolProfiles", "identity"],
    serialisedUpTo: "resourceName",
    check: checkCluster,
    // The kubelets' identity is the service's own, in the group of the nodes.
    linkedAtBirth: ["identityProfile"],
    computed: clusterOutputs,
    // Whatever Azure changes about a cluster changes its entity tag; its certificates are made from that here.
    moves: { "certificates-rotated": ({ id, outputs }) => ({ eTag: guid(id, textAt(outputs, "eTag")) }) },
  },
  "containerservice:AgentPool": {
    id: `${CLUSTER}/agentPools/{agentPoolName}`,
    immutable: ["vmSize", "gpuInstanceProfile", "availabilityZones", "osDiskType", "osType", "vnetSubnetID"],
    serialisedUpTo: "resourceName",
    check: (inputs) => poolName(stringAt(inputs, "agentPoolName"), "agentPoolName"),
    computed: ({ inputs }) => ({
      currentOrchestratorVersion: `${stringAt(inputs, "orchestratorVersion") ?? "1.35"}.2`,
      nodeImageVersion: `AKS${stringAt(inputs, "osSKU") ?? "Ubuntu"}-2026.01.01`,
      powerState: { code: "Running" },
    }),
  },
  "containerservice:MaintenanceConfiguration": {
    id: `${CLUSTER}/maintenanceConfigurations/{configName}`,
    auto: "never",
    serialisedUpTo: "resourceName",
    check: (inputs) => {
      const name = stringAt(inputs, "configName");
      const allowed = ["default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"];
      return name === undefined || allowed.includes(name)
        ? []
        : [{ property: "configName", reason: `must be one of ${allowed.join(", ")}, not ${name}` }];
    },
  },
  "containerregistry:Registry": {
    id: REGISTRY,
    globalName: "registry",
    immutable: ["zoneRedundancy"],
    check: premiumOnly,
    computed: ({ inputs }) => ({ loginServer: `${textAt(inputs, "registryName")}.azurecr.io` }),
  },
  "containerregistry:Replication": {
    id: `${REGISTRY}/replications/{replicationName}`,
    immutable: ["zoneRedundancy"],
    serialisedUpTo: "registryName",
  },
  "dashboard:Grafana": {
    id: "Microsoft.Dashboard/grafana/{workspaceName}",
    required: ["sku.name"],
    moves: {
      "version-retired": ({ outputs }) => ({
        properties: {
          grafanaMajorVersion: String(Number(textAt(outputs, "properties.grafanaMajorVersion")) + 1),
        },
      }),
    },
    computed: (made) => ({
      ...(made.inputs["identity"] !== undefined && {
        identity: { ...(made.inputs["identity"] as Tree), ...principal(made) },
      }),
      properties: {
        ...(made.inputs["properties"] as Tree | undefined),
        // Azure has a short name for the region there, of which there is no list.
        endpoint: `https://${lastName(made.id)}-${made.random("host", 8)}.${textAt(made.inputs, "location")}.grafana.azure.com`,
        provisioningState: "Succeeded",
      },
    }),
  },
};
