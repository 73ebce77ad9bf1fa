import * as containerservice from "@pulumi/azure-native/containerservice";
import * as pulumi from "@pulumi/pulumi";
import { applicationPool, NodePlace, systemPool } from "./clusterPools";
import { addons, CLUSTER_PROFILE, OVERLAY_NETWORK, outboundProfile, securityProfile } from "./clusterProfile";
import { ContainerInsights } from "./containerInsights";
import { diagnostics } from "../monitoring/diagnostics";
import { clusterKubeconfig, KubeloginMethod } from "./kubeconfig";
import { LogDestination } from "../monitoring/logs";
import {
  maintenanceWindow,
  UPGRADE_WINDOW_HOURS,
  weeklyHours,
  WeeklyWindow,
} from "../../packages/azure-facts/maintenance";
import { publicAddressId, RegionNames } from "../naming";
import { assignRole, BuiltInRole } from "../identity/roles";
import { Tags } from "../tags";

/** An identity the cluster uses. */
export interface ClusterIdentity {
  id: pulumi.Input<string>;
  clientId: pulumi.Input<string>;
  principalId: pulumi.Input<string>;
}

/** What of a pool differs between the roles of a region; of a region that is lost nobody knows which it had. */
const LEFT_ALONE = ["count", "minCount", "maxCount", "tags"];

export interface ClusterArgs {
  names: Pick<
    RegionNames,
    "region" | "resourceGroup" | "cluster" | "clusterDnsPrefix" | "nodeResourceGroup" | "outboundAddress"
  >;
  resourceGroupName: pulumi.Input<string>;
  subscriptionId: string;
  tenantId: string;
  /** Minor version such as `1.35`; Azure chooses the patch. Raise it one minor at a time. */
  kubernetesVersion: string;
  /** Standard carries an SLA. */
  tier: "Free" | "Standard";
  /** Nodes for cluster services. Read at creation only; change the pool with `az aks nodepool` afterwards. */
  systemPool: { vmSize: string; count: number };
  /** Nodes for applications. Changing the size replaces the pool: its pods move. `tags` are the pool's own. */
  userPool: { vmSize: string; minCount: number; maxCount: number; tags?: Record<string, string> };
  /** Whether the region is lost: its pool stays as it was when it still answered, whatever it was for then. */
  lost: boolean;
  /** Availability zones of all pools; empty for none. Changing them replaces the pools. */
  zones: string[];
  /** Entra groups that administer the cluster; the deploying identity must be in one. */
  adminGroupObjectIds: string[];
  /** Public addresses that may reach the API server. */
  authorizedIpRanges: string[];
  /** The region's outbound address: nodes reach the API server from it. */
  outboundAddress: pulumi.Input<string>;
  /** Addresses the other regions' traffic leaves from: the daily readiness check of the one that serves asks every cluster. */
  peerAddresses?: readonly pulumi.Input<string>[];
  /** Resource id of that address; the cluster's load balancer carries the traffic out. */
  outboundAddressId: pulumi.Input<string>;
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
  /** Registry the nodes pull from, as the kubelet identity; absent where images are for anybody. */
  registryId: pulumi.Input<string> | undefined;
  logs: LogDestination;
  /** Workspace of the sensor Defender puts on every node; absent where the subscription has no plan for containers. */
  sensorWorkspaceId: string | undefined;
  /** How the deploying program's kubelogin obtains its token. */
  deployLogin: KubeloginMethod;
  tags: Tags;
}

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
  /** Last resource pods need: the nodes they run on. */
  readonly ready: pulumi.Resource;

  private readonly managed: containerservice.ManagedCluster;

  constructor(
    private readonly name: string,
    private readonly args: ClusterArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:cluster:Cluster", name, {}, opts);
    const cluster = this.managedCluster(this.roles());
    this.ready = this.userPool(cluster);
    this.maintenance(cluster, this.ready);
    this.logs(cluster);
    this.id = cluster.id;
    this.clusterName = cluster.name;
    this.fqdn = cluster.fqdn;
    this.oidcIssuerUrl = cluster.oidcIssuerProfile.apply((profile) => profile?.issuerURL ?? "");
    this.managed = cluster;
    this.registerOutputs({ id: this.id, fqdn: this.fqdn, oidcIssuerUrl: this.oidcIssuerUrl });
  }

  /**
   * Kubeconfig that signs in through kubelogin; secret. Asks Azure, so it is for clusters of regions that answer.
   */
  kubeconfig(): pulumi.Output<string> {
    const { resourceGroupName, names, deployLogin: login } = this.args;
    return clusterKubeconfig(
      { resourceGroupName, clusterName: names.cluster, login },
      { parent: this, dependsOn: [this.managed] },
    );
  }

  /** Rights the cluster needs while it is created; without them its creation fails half-way. */
  private roles(): pulumi.Resource[] {
    const { names, subscriptionId, subnetIds, outboundAddressId, identity, kubeletIdentity, registryId } =
      this.args;
    const allow = (noun: string, scope: pulumi.Input<string>, role: BuiltInRole, who = identity) =>
      assignRole(
        `${this.name}-on-${noun}`,
        {
          key: `${names.cluster}/${noun}`,
          subscriptionId,
          scope,
          principalId: who.principalId,
          role,
          description: `cluster ${names.cluster} uses its ${noun}`,
        },
        { parent: this },
      );
    return [
      allow("nodes-subnet", subnetIds.nodes, "networkContributor"),
      allow("private-link-subnet", subnetIds["private-link"], "networkContributor"),
      allow("outbound-address", outboundAddressId, "networkContributor"),
      allow("kubelet-identity", kubeletIdentity.id, "managedIdentityOperator"),
      ...(registryId ? [allow("images", registryId, "acrPull", kubeletIdentity)] : []),
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
        identity: {
          type: containerservice.ResourceIdentityType.UserAssigned,
          userAssignedIdentities: [args.identity.id],
        },
        identityProfile: {
          kubeletidentity: {
            resourceId: args.kubeletIdentity.id,
            clientId: args.kubeletIdentity.clientId,
            objectId: args.kubeletIdentity.principalId,
          },
        },
        aadProfile: {
          managed: true,
          enableAzureRBAC: true,
          adminGroupObjectIDs: args.adminGroupObjectIds,
          tenantID: args.tenantId,
        },
        apiServerAccessProfile: {
          authorizedIPRanges: [
            ...args.authorizedIpRanges,
            ...[args.outboundAddress, ...(args.peerAddresses ?? [])].map(
              (address) => pulumi.interpolate`${address}/32`,
            ),
          ],
          disableRunCommand: true,
        },
        agentPoolProfiles: [systemPool(args.systemPool, this.nodes())],
        networkProfile: {
          ...OVERLAY_NETWORK,
          podCidr: args.podCidr,
          serviceCidr: args.serviceCidr,
          dnsServiceIP: args.dnsServiceIp,
          // Its words, not the output: a profile with a part nobody knows yet is one no policy can judge.
          loadBalancerProfile: outboundProfile(publicAddressId(args.subscriptionId, args.names), {
            systemCount: args.systemPool.count,
            userMaxCount: args.userPool.maxCount,
          }),
        },
        addonProfiles: addons(args.logs.workspaceId),
        ...CLUSTER_PROFILE,
        securityProfile: securityProfile(args.sensorWorkspaceId),
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

  private nodes(): NodePlace {
    const { zones, subnetIds, tags } = this.args;
    return { zones, subnetId: subnetIds.nodes, tags };
  }

  private userPool(cluster: containerservice.ManagedCluster) {
    const { resourceGroupName, userPool, kubernetesVersion } = this.args;
    return new containerservice.AgentPool(
      `${this.name}-apps`,
      {
        ...applicationPool(userPool, { ...this.nodes(), tags: { ...this.args.tags, ...userPool.tags } }),
        agentPoolName: "apps",
        resourceName: cluster.name,
        resourceGroupName,
        orchestratorVersion: kubernetesVersion,
      },
      // The autoscaler moves it. The version is a minor one, which the upgrade channel leaves as it is.
      { parent: this, ignoreChanges: this.args.lost ? LEFT_ALONE : ["count"] },
    );
  }

  /**
   * `default` bounds Azure's own releases, the other two what the upgrade channels do. One after the other: a cluster
   * refuses a change while it is busy with another.
   */
  private maintenance(cluster: containerservice.ManagedCluster, pool: pulumi.Resource) {
    const { upgradeWindow, resourceGroupName } = this.args;
    let previous = pool;
    const configure = (
      noun: string,
      configName: string,
      when: Pick<containerservice.MaintenanceConfigurationArgs, "maintenanceWindow" | "timeInWeek">,
    ) => {
      previous = new containerservice.MaintenanceConfiguration(
        `${this.name}-${noun}-window`,
        { configName, resourceName: cluster.name, resourceGroupName, ...when },
        { parent: this, dependsOn: [previous] },
      );
    };
    const window = { maintenanceWindow: maintenanceWindow(upgradeWindow, UPGRADE_WINDOW_HOURS) };
    configure("release", "default", { timeInWeek: weeklyHours(upgradeWindow, UPGRADE_WINDOW_HOURS) });
    configure("kubernetes", "aksManagedAutoUpgradeSchedule", window);
    configure("node-image", "aksManagedNodeOSUpgradeSchedule", window);
  }

  private logs(cluster: containerservice.ManagedCluster) {
    const { logs, resourceGroupName, names, tags } = this.args;
    diagnostics(
      `${this.name}-diagnostics`,
      {
        resourceId: cluster.id,
        workspaceId: logs.workspaceId,
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
        resourceGroupName,
        logs,
        tags,
      },
      { parent: this },
    );
  }
}
