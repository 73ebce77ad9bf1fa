import { Dashboard } from "@pulumi/azure-native/dashboard/dashboard";
import { DashboardDefinition } from "@pulumi/azure-native/dashboard/dashboardDefinition";
import { Grafana } from "@pulumi/azure-native/dashboard/grafana";
import { AzureMonitorWorkspace } from "@pulumi/azure-native/monitor/azureMonitorWorkspace";
import { DataCollectionEndpoint } from "@pulumi/azure-native/monitor/dataCollectionEndpoint";
import { DataCollectionRule } from "@pulumi/azure-native/monitor/dataCollectionRule";
import { DataCollectionRuleAssociation } from "@pulumi/azure-native/monitor/dataCollectionRuleAssociation";
import * as pulumi from "@pulumi/pulumi";
import { OLDEST_GRAFANA } from "../../packages/azure-facts";
import { dashboards } from "./dashboards";
import { dataOptions } from "../data/protection";
import { Region } from "../regions";
import { assignRole } from "../identity/roles";
import { Tags } from "../tags";

/** A cluster whose metrics are collected. */
export interface MonitoredCluster {
  /** Place in the program, part of resource names: `primary` or `secondary`. */
  place: string;
  id: pulumi.Input<string>;
  /** Name of the cluster resource: the label `cluster` of its series. */
  clusterName: string;
}

export interface MonitorWorkspaceArgs {
  names: { monitorWorkspace: string; grafana: string };
  resourceGroupName: pulumi.Input<string>;
  /** Another region than the one that serves, where there is one: its loss is then an alert, not silence. */
  region: Region;
  subscriptionId: string;
  clusters: readonly MonitoredCluster[];
  /** Entra groups that administer Grafana. */
  adminGroupObjectIds: readonly string[];
  /** Address of the runbooks panels link to, without a slash at its end. */
  runbookBaseUrl: string;
  /** Whether Grafana stands in several zones of the region. */
  zoneRedundant: boolean;
  /** Protects the workspace that keeps the metrics. */
  protect: boolean;
  tags: Tags;
}

const STREAMS = ["Microsoft-PrometheusMetrics"];
const DESTINATION = "monitor-workspace";

/**
 * Managed Prometheus and Grafana: the workspace that keeps the metrics, the rule that brings them there from each
 * cluster, and the dashboards. Without rule and association a cluster's agent runs and delivers nothing.
 *
 * Dashboards are Azure resources (dashboards with Grafana), because managed Grafana's own can only be made through
 * its data plane, where no plan shows them; both show the same workspace.
 *
 * Cost: per million samples taken in and read, and Grafana per active user.
 */
export class MonitorWorkspace extends pulumi.ComponentResource {
  readonly workspaceId: pulumi.Output<string>;
  /** Address PromQL is asked at. */
  readonly queryEndpoint: pulumi.Output<string>;
  readonly grafanaEndpoint: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    private readonly args: MonitorWorkspaceArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:monitoring:MonitorWorkspace", name, {}, opts);
    const workspace = this.workspace();
    this.collect(workspace);
    const grafana = this.grafana(workspace);
    this.dashboards();
    this.workspaceId = workspace.id;
    this.queryEndpoint = workspace.metrics.apply(({ prometheusQueryEndpoint }) => prometheusQueryEndpoint);
    this.grafanaEndpoint = grafana.properties.apply(({ endpoint }) => endpoint);
    this.registerOutputs({ workspaceId: this.workspaceId });
  }

  private get common() {
    const { resourceGroupName, region: location, tags } = this.args;
    return { resourceGroupName, location, tags };
  }

  private workspace() {
    return new AzureMonitorWorkspace(
      `${this.name}-workspace`,
      { azureMonitorWorkspaceName: this.args.names.monitorWorkspace, ...this.common },
      dataOptions(this.args.protect, { parent: this }),
    );
  }

  private collect(workspace: AzureMonitorWorkspace) {
    const { names, clusters } = this.args;
    const endpoint = new DataCollectionEndpoint(
      `${this.name}-collection-endpoint`,
      {
        dataCollectionEndpointName: `dce-${names.monitorWorkspace}`,
        kind: "Linux",
        networkAcls: { publicNetworkAccess: "Enabled" },
        ...this.common,
      },
      { parent: this },
    );
    const rule = new DataCollectionRule(
      `${this.name}-collection-rule`,
      {
        dataCollectionRuleName: `dcr-${names.monitorWorkspace}`,
        kind: "Linux",
        dataCollectionEndpointId: endpoint.id,
        dataSources: {
          prometheusForwarder: [{ name: "PrometheusDataSource", streams: STREAMS, labelIncludeFilter: {} }],
        },
        destinations: { monitoringAccounts: [{ name: DESTINATION, accountResourceId: workspace.id }] },
        dataFlows: [{ streams: STREAMS, destinations: [DESTINATION] }],
        ...this.common,
      },
      { parent: this },
    );
    for (const cluster of clusters) {
      new DataCollectionRuleAssociation(
        `${this.name}-${cluster.place}-association`,
        {
          associationName: "ContainerInsightsMetricsExtension",
          resourceUri: cluster.id,
          dataCollectionRuleId: rule.id,
          description: `Metrics of ${cluster.clusterName}`,
        },
        { parent: this },
      );
    }
  }

  private grafana(workspace: AzureMonitorWorkspace): Grafana {
    const { names, subscriptionId, adminGroupObjectIds, zoneRedundant } = this.args;
    const grafana = new Grafana(
      `${this.name}-grafana`,
      {
        workspaceName: names.grafana,
        ...this.common,
        sku: { name: "Standard" },
        identity: { type: "SystemAssigned" },
        properties: {
          grafanaMajorVersion: String(OLDEST_GRAFANA),
          // People sign in with Entra; a key would outlive them.
          apiKey: "Disabled",
          publicNetworkAccess: "Enabled",
          zoneRedundancy: zoneRedundant ? "Enabled" : "Disabled",
          grafanaIntegrations: {
            azureMonitorWorkspaceIntegrations: [{ azureMonitorWorkspaceResourceId: workspace.id }],
          },
        },
      },
      // Once it is retired Azure raises it by itself, and refuses the way back.
      { parent: this, ignoreChanges: ["properties.grafanaMajorVersion"] },
    );
    assignRole(
      `${this.name}-grafana-reader`,
      {
        key: `${names.grafana}/monitoringDataReader`,
        subscriptionId,
        scope: workspace.id,
        principalId: grafana.identity.apply((identity) => identity?.principalId ?? ""),
        role: "monitoringDataReader",
        description: "Grafana reads metrics",
      },
      { parent: this },
    );
    adminGroupObjectIds.forEach((principalId, index) =>
      assignRole(
        `${this.name}-grafana-admin-${index}`,
        {
          key: `${names.grafana}/grafanaAdmin/${principalId}`,
          subscriptionId,
          scope: grafana.id,
          principalId,
          principalType: "Group",
          role: "grafanaAdmin",
          description: "Administrators open and arrange dashboards",
        },
        { parent: this },
      ),
    );
    return grafana;
  }

  private dashboards() {
    for (const dashboard of dashboards(this.args.runbookBaseUrl)) {
      const resource = new Dashboard(
        `${this.name}-${dashboard.uid}`,
        { dashboardName: dashboard.uid, ...this.common },
        { parent: this },
      );
      new DashboardDefinition(
        `${this.name}-${dashboard.uid}-definition`,
        {
          dashboardName: resource.name,
          definitionName: "default",
          resourceGroupName: this.args.resourceGroupName,
          properties: { serializedData: JSON.stringify(dashboard) },
        },
        { parent: this },
      );
    }
  }
}
