import { DataCollectionRule } from "@pulumi/azure-native/monitor/dataCollectionRule";
import { DataCollectionRuleAssociation } from "@pulumi/azure-native/monitor/dataCollectionRuleAssociation";
import * as pulumi from "@pulumi/pulumi";
import { LogDestination } from "../monitoring/logs";
import { Tags } from "../tags";

export interface ContainerInsightsArgs {
  clusterId: pulumi.Input<string>;
  clusterName: string;
  resourceGroupName: pulumi.Input<string>;
  logs: LogDestination;
  tags: Tags;
}

/** Tables that are filled: containers' output, events, and what the inventory of pods and nodes is read from. */
const STREAMS = [
  "Microsoft-ContainerLogV2",
  "Microsoft-KubeEvents",
  "Microsoft-KubePodInventory",
  "Microsoft-KubeNodeInventory",
];

/**
 * What the cluster's log agent collects, and where to. Without this rule the agent runs and delivers nothing.
 * Metrics are left out: managed Prometheus has them.
 */
export class ContainerInsights extends pulumi.ComponentResource {
  constructor(name: string, args: ContainerInsightsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:cluster:ContainerInsights", name, {}, opts);
    const destination = "log-analytics";
    const { workspaceId, region } = args.logs;
    const rule = new DataCollectionRule(
      `${name}-rule`,
      {
        dataCollectionRuleName: `MSCI-${region}-${args.clusterName}`,
        resourceGroupName: args.resourceGroupName,
        // Azure wants the rule where its workspace is, wherever the cluster is.
        location: region,
        kind: "Linux",
        dataSources: {
          extensions: [
            {
              name: "ContainerInsightsExtension",
              extensionName: "ContainerInsights",
              streams: STREAMS,
              extensionSettings: {
                dataCollectionSettings: {
                  interval: "1m",
                  namespaceFilteringMode: "Off",
                  enableContainerLogV2: true,
                },
              },
            },
          ],
        },
        destinations: { logAnalytics: [{ name: destination, workspaceResourceId: workspaceId }] },
        dataFlows: [{ streams: STREAMS, destinations: [destination] }],
        tags: args.tags,
      },
      { parent: this },
    );
    new DataCollectionRuleAssociation(
      `${name}-association`,
      {
        associationName: "ContainerInsightsExtension",
        resourceUri: args.clusterId,
        dataCollectionRuleId: rule.id,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
