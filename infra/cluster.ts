import * as containerservice from "@pulumi/azure-native/containerservice";
import * as pulumi from "@pulumi/pulumi";
import { ContainerInsights } from "./containerInsights";
import { diagnostics } from "./diagnostics";
import { clusterKubeconfig, KubeloginMethod } from "./kubeconfig";
import { maintenanceWindow, WeeklyWindow, weeklyHours } from "./maintenance";
import { RegionNames } from "./naming";
import { nodeDisk } from "./nodeDisk";
import { assignRole, BuiltInRole } from "./roles";
import { Tags } from "./tags";

/** An identity the cluster uses. */
export interface ClusterIdentity {
  id: pulumi.Input<string>;
  clientId: pulumi.Input<string>;
  principalId: pulumi.Input<string>;
}

export interface ClusterArgs {
  names: Pick<RegionNames, "region" | "cluster" | "clusterDnsPrefix" | "nodeResourceGroup">;
  resourceGroupName: pulumi.Input<string>;
  subscriptionId: string;
  tenantId: string;
  /** Minor version such as `1.35`; Azure chooses the patch. Raise it one minor at a time. */
  kubernetesVersion: string;
  /** Standard carries an SLA. */
  tier: "Free" | "Standard";
  /** Nodes for cluster services. Read at creation only; change the pool with `az aks nodepool` afterwards. */
  systemPool: { vmSize: string; count: number };
  /** Nodes for applications. Changing the size replaces the pool: its pods move. */
  userPool: { vmSize: string; minCount: number; maxCount: number };
  /** Availability zones of all pools; empty for none. Changing them replaces the pools. */
  zones: string[];
  /** Entra groups that administer the cluster; the deploying identity must be in one. */
  adminGroupObjectIds: string[];
  /** Public addresses that may reach the API server. */
  authorizedIpRanges: string[];
  /** The region's outbound address: nodes reach the API server from it. */
  outboundAddress: pulumi.Input<string>;
  /** When Azure may upgrade Kubernetes and nodes, UTC. */
  upgradeWindow: WeeklyWindow;
  /** Overlay addresses of pods; this and the next two replace the cluster when changed. */
  podCidr: string;
  serviceCidr: string;
  dnsServiceIp: string;
  /** Subnets of nodes and of the Private Link services in front of the cluster. */
  subnetIds: { nodes: pulumi.Input<string>; "private-link": pulumi.Input<string> };
  identity: ClusterIdentity;
  kubeletIdentity: ClusterIdentity;
  logWorkspaceId: pulumi.Input<string>;
  /** How the deploying program's kubelogin obtains its token. */
  deployLogin: KubeloginMethod;
  tags: Tags;
}

/** Hours each upgrade window lasts: Azure starts none it cannot end, and four is its minimum. */
const WINDOW_HOURS = 4;

/** Logs of the control plane that are kept: who changed what, who was let in, and why nodes came and went. */
const CONTROL_PLANE_LOGS = ["kube-audit-admin", "guard", "cluster-autoscaler", "kube-controller-manager"];

/**
 * AKS cluster over three zones whose nodes scale, heal and upgrade themselves within a weekly window. People and
 * programs sign in with Entra; pods get their own Azure identities, and secrets from Key Vault.
 *
 * Cost: tier per hour, nodes per hour, container logs per gigabyte.
 */
export class Cluster extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;
  readonly clusterName: pulumi.Output<string>;
  readonly fqdn: pulumi.Output<string>;
  /** Issuer of service account tokens; Azure identities trust it. */
  readonly oidcIssuerUrl: pulumi.Output<string>;
  /** Kubeconfig that signs in through kubelogin; secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** Last resource pods need: the nodes they run on. */
  readonly ready: pulumi.Resource;

  constructor(
    private readonly name: string,
    private readonly args: ClusterArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:cluster:Cluster", name, {}, opts);
    const cluster = this.managedCluster(this.roles());
    this.ready = this.userPool(cluster);
    this.maintenance(cluster);
    this.logs(cluster);
    this.id = cluster.id;
    this.clusterName = cluster.name;
    this.fqdn = cluster.fqdn;
    this.oidcIssuerUrl = cluster.oidcIssuerProfile.apply((profile) => profile?.issuerURL ?? "");
    this.kubeconfig = clusterKubeconfig(
      { resourceGroupName: args.resourceGroupName, cluster, login: args.deployLogin },
      { parent: this },
    );
    this.registerOutputs({ id: this.id, fqdn: this.fqdn, oidcIssuerUrl: this.oidcIssuerUrl });
  }

  /** Rights the cluster needs while it is created; without them its creation fails half-way. */
  private roles(): pulumi.Resource[] {
    const { names, subscriptionId, subnetIds, identity, kubeletIdentity } = this.args;
    const allow = (noun: string, scope: pulumi.Input<string>, role: BuiltInRole) =>
      assignRole(
        `${this.name}-on-${noun}`,
        {
          key: `${names.cluster}/${noun}`,
          subscriptionId,
          scope,
          principalId: identity.principalId,
          role,
          description: `cluster ${names.cluster} uses its ${noun}`,
        },
        { parent: this },
      );
    return [
      allow("nodes-subnet", subnetIds.nodes, "networkContributor"),
      allow("private-link-subnet", subnetIds["private-link"], "networkContributor"),
      allow("kubelet-identity", kubeletIdentity.id, "managedIdentityOperator"),
    ];
  }

  private managedCluster(roles: pulumi.Resource[]) {
    const { args } = this;
    return new containerservice.ManagedCluster(
      `${this.name}-cluster`,
      {
        resourceName: args.names.cluster,
        resourceGroupName: args.resourceGroupName,
        location: args.names.region,
        dnsPrefix: args.names.clusterDnsPrefix,
        nodeResourceGroup: args.names.nodeResourceGroup,
        kubernetesVersion: args.kubernetesVersion,
        sku: { name: "Base", tier: args.tier },
        supportPlan: "KubernetesOfficial",
        enableRBAC: true,
        disableLocalAccounts: true,
        ...this.identities(),
        aadProfile: {
          managed: true,
          enableAzureRBAC: true,
          adminGroupObjectIDs: args.adminGroupObjectIds,
          tenantID: args.tenantId,
        },
        apiServerAccessProfile: {
          authorizedIPRanges: [...args.authorizedIpRanges, pulumi.interpolate`${args.outboundAddress}/32`],
          disableRunCommand: true,
        },
        agentPoolProfiles: [this.systemPool()],
        networkProfile: this.network(),
        oidcIssuerProfile: { enabled: true },
        securityProfile: {
          workloadIdentity: { enabled: true },
          imageCleaner: { enabled: true, intervalHours: 120 },
        },
        addonProfiles: this.addons(),
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
        tags: args.tags,
      },
      {
        parent: this,
        dependsOn: roles,
        customTimeouts: { create: "1h", update: "2h", delete: "1h" },
        // Azure lists every pool here, the separate ones too, and would take a list without them as an order to
        // delete them.
        ignoreChanges: ["agentPoolProfiles"],
      },
    );
  }

  private identities() {
    const { identity, kubeletIdentity } = this.args;
    return {
      identity: {
        type: containerservice.ResourceIdentityType.UserAssigned,
        userAssignedIdentities: [identity.id],
      },
      identityProfile: {
        kubeletidentity: {
          resourceId: kubeletIdentity.id,
          clientId: kubeletIdentity.clientId,
          objectId: kubeletIdentity.principalId,
        },
      },
    };
  }

  private network() {
    const { podCidr, serviceCidr, dnsServiceIp } = this.args;
    return {
      networkPlugin: "azure",
      networkPluginMode: "overlay",
      networkDataplane: "cilium",
      networkPolicy: "cilium",
      podCidr,
      serviceCidr,
      dnsServiceIP: dnsServiceIp,
      loadBalancerSku: "standard",
      // The subnet has one; the load balancer carries inbound traffic only.
      outboundType: "userAssignedNATGateway",
    };
  }

  /** Properties all nodes share. */
  private nodes(vmSize: string) {
    const { zones, subnetIds, tags } = this.args;
    return {
      vmSize,
      ...nodeDisk(vmSize),
      osType: "Linux",
      osSKU: "AzureLinux",
      type: "VirtualMachineScaleSets",
      availabilityZones: zones,
      vnetSubnetID: subnetIds.nodes,
      enableNodePublicIP: false,
      enableEncryptionAtHost: true,
      maxPods: 110,
      tags,
    };
  }

  private systemPool() {
    const { vmSize, count } = this.args.systemPool;
    return {
      ...this.nodes(vmSize),
      name: "system",
      mode: "System",
      count,
      nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
      upgradeSettings: { maxSurge: "33%", drainTimeoutInMinutes: 30 },
    };
  }

  private userPool(cluster: containerservice.ManagedCluster) {
    const { resourceGroupName, userPool, kubernetesVersion } = this.args;
    return new containerservice.AgentPool(
      `${this.name}-apps`,
      {
        ...this.nodes(userPool.vmSize),
        agentPoolName: "apps",
        resourceName: cluster.name,
        resourceGroupName,
        mode: "User",
        orchestratorVersion: kubernetesVersion,
        enableAutoScaling: true,
        count: userPool.minCount,
        minCount: userPool.minCount,
        maxCount: userPool.maxCount,
        upgradeSettings: { maxSurge: "33%", drainTimeoutInMinutes: 30 },
      },
      // The autoscaler moves it. The version is a minor one, which the upgrade channel leaves as it is.
      { parent: this, ignoreChanges: ["count"] },
    );
  }

  private addons() {
    return {
      azureKeyvaultSecretsProvider: {
        enabled: true,
        // Text, not booleans: the add-on reads nothing else.
        config: { enableSecretRotation: "true", rotationPollInterval: "2m" },
      },
      azurepolicy: { enabled: true, config: { version: "v2" } },
      omsagent: {
        enabled: true,
        config: { logAnalyticsWorkspaceResourceID: this.args.logWorkspaceId, useAADAuth: "true" },
      },
    };
  }

  /** `default` bounds Azure's own releases, the other two what the upgrade channels do. */
  private maintenance(cluster: containerservice.ManagedCluster) {
    const { upgradeWindow, resourceGroupName } = this.args;
    const configure = (
      noun: string,
      configName: string,
      when: Pick<containerservice.MaintenanceConfigurationArgs, "maintenanceWindow" | "timeInWeek">,
    ) =>
      new containerservice.MaintenanceConfiguration(
        `${this.name}-${noun}-window`,
        { configName, resourceName: cluster.name, resourceGroupName, ...when },
        { parent: this },
      );
    const window = { maintenanceWindow: maintenanceWindow(upgradeWindow, WINDOW_HOURS) };
    configure("release", "default", { timeInWeek: weeklyHours(upgradeWindow, WINDOW_HOURS) });
    configure("kubernetes", "aksManagedAutoUpgradeSchedule", window);
    configure("node-image", "aksManagedNodeOSUpgradeSchedule", window);
  }

  private logs(cluster: containerservice.ManagedCluster) {
    const { logWorkspaceId, resourceGroupName, names, tags } = this.args;
    diagnostics(
      `${this.name}-diagnostics`,
      {
        resourceId: cluster.id,
        workspaceId: logWorkspaceId,
        categories: CONTROL_PLANE_LOGS,
        metrics: "AllMetrics",
      },
      { parent: this },
    );
    new ContainerInsights(
      `${this.name}-insights`,
      {
        clusterId: cluster.id,
        clusterName: names.cluster,
        region: names.region,
        resourceGroupName,
        logWorkspaceId,
        tags,
      },
      { parent: this },
    );
  }
}
