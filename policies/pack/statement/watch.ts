import type { StackConfig } from "../../../stacks/schema";
import { stackPlatformNames } from "../../../stacks/files";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, endingWith, everyWith, GIVEN, holding, oneOf } from "../../rules/expected";
import { present } from "./places";

const LOGS = "infra/monitoring";

/** Settings that send these categories of logs. */
const sends = (what: string, type: string, ...categories: string[]): Demand => ({
  what: `the logs of each ${what}`,
  key: LOGS,
  type: "monitor:DiagnosticSetting",
  per: { type, by: "resourceUri" },
  is: {
    logs: holding(
      ...categories.map((category) =>
        /^(?:allLogs|audit)$/.test(category)
          ? { categoryGroup: category, enabled: true }
          : { category, enabled: true },
      ),
    ),
  },
});

const CONTAINER_STREAMS = [
  "Microsoft-ContainerLogV2",
  "Microsoft-KubeEvents",
  "Microsoft-KubePodInventory",
  "Microsoft-KubeNodeInventory",
];

/** Logs, metrics and what collects them. */
export function watch(config: StackConfig): Demand[] {
  const regions = present(config).length;
  const { logWorkspace } = stackPlatformNames(config);
  const clusters = Object.keys(config.network).length;
  return [
    sends(
      "cluster",
      "containerservice:ManagedCluster",
      "kube-audit-admin",
      "guard",
      "cluster-autoscaler",
      "kube-controller-manager",
    ),
    sends("account", "storage:StorageAccount", "StorageRead", "StorageWrite", "StorageDelete"),
    sends("vault", "keyvault:Vault", "audit", "allLogs"),
    sends("database server", "dbforpostgresql:Server", "allLogs"),
    sends("profile of Front Door", "cdn:Profile", "allLogs"),
    sends(
      "registry",
      "containerregistry:Registry",
      "ContainerRegistryRepositoryEvents",
      "ContainerRegistryLoginEvents",
    ),
    {
      what: "each diagnostic setting",
      key: LOGS,
      type: "monitor:DiagnosticSetting",
      each: {
        logs: GIVEN,
        metrics: GIVEN,
        "logs[].enabled": true,
        "metrics[].enabled": true,
        workspaceId: GIVEN,
      },
    },
    {
      what: "the workspace of logs",
      key: "monitoring",
      type: "operationalinsights:Workspace",
      is: {
        retentionInDays: atLeast(90),
        "sku.name": "PerGB2018",
        "features.disableLocalAuth": true,
        "features.enableLogAccessUsingOnlyResourcePermissions": true,
        // Beyond it nothing is collected until the next day.
        "workspaceCapping.dailyQuotaGb": config.monitoring.logCapGiB,
      },
    },
    { what: "the workspace of metrics", key: "monitoring", type: "monitor:AzureMonitorWorkspace" },
    {
      what: "Grafana",
      key: "monitoring",
      type: "dashboard:Grafana",
      is: { "identity.type": "SystemAssigned" },
    },
    {
      what: "each dashboard",
      key: "infra/monitoring/dashboards",
      type: "dashboard:DashboardDefinition",
      each: { properties: GIVEN },
      count: 1,
    },
    {
      what: "the endpoint metrics are collected at",
      key: LOGS,
      type: "monitor:DataCollectionEndpoint",
      // Agents come from the clusters' outbound addresses, with an identity.
      each: { kind: "Linux", "networkAcls.publicNetworkAccess": "Enabled" },
      count: 1,
    },
    {
      what: "the collection of metrics",
      key: LOGS,
      type: "monitor:DataCollectionRule",
      is: {
        "dataSources.prometheusForwarder": holding({ streams: ["Microsoft-PrometheusMetrics"] }),
        dataFlows: holding({ streams: ["Microsoft-PrometheusMetrics"], destinations: GIVEN }),
        "destinations.monitoringAccounts": holding({ accountResourceId: GIVEN }),
        dataCollectionEndpointId: GIVEN,
      },
    },
    {
      what: "the collection of containers' logs",
      key: "infra/cluster/containerInsights.ts",
      type: "monitor:DataCollectionRule",
      is: {
        "dataSources.extensions": holding({
          extensionName: "ContainerInsights",
          streams: holding(...CONTAINER_STREAMS),
          extensionSettings: {
            dataCollectionSettings: {
              enableContainerLogV2: true,
              interval: atMost("1m"),
              namespaceFilteringMode: "Off",
            },
          },
        }),
        dataFlows: holding({ streams: holding(...CONTAINER_STREAMS), destinations: GIVEN }),
        "destinations.logAnalytics": [{ workspaceResourceId: endingWith(`/${logWorkspace}`) }],
      },
      count: regions,
    },
    ...["ContainerInsightsExtension", "ContainerInsightsMetricsExtension"].map((associationName): Demand => ({
      what: `the association ${associationName} of each cluster`,
      key: LOGS,
      type: "monitor:DataCollectionRuleAssociation",
      where: { associationName },
      is: { dataCollectionRuleId: GIVEN, resourceUri: GIVEN },
      count: Math.min(regions, clusters),
    })),
    ...alerting(),
    ...outside(),
  ];
}

/** Alerts of any name, and what they say to whoever is woken. */
function alerting(): Demand[] {
  const key = "packages/alerting";
  return [
    {
      what: "each alert over metrics",
      key,
      type: "alertsmanagement:PrometheusRuleGroup",
      each: {
        clusterName: GIVEN,
        scopes: GIVEN,
        interval: oneOf("PT1M", "PT2M", "PT5M"),
        "rules[].actions[].actionGroupId": GIVEN,
        // An alert without them is routed and answered by guessing.
        rules: everyWith("alert", {
          actions: GIVEN,
          annotations: { runbook_url: GIVEN },
          labels: { severity: GIVEN, priority: GIVEN },
        }),
      },
    },
    {
      what: "each alert of Azure",
      key,
      type: "monitor:MetricAlert",
      each: { actions: GIVEN, "actions[].actionGroupId": GIVEN, scopes: GIVEN, "criteria.odataType": GIVEN },
    },
    {
      what: "each alert over Azure's own log",
      key,
      type: "monitor:ActivityLogAlert",
      each: { "actions.actionGroups": GIVEN, "actions.actionGroups[].actionGroupId": GIVEN, scopes: GIVEN },
    },
    {
      what: "each window in which alerts are muted",
      key: "alerts.maintenance",
      type: "alertsmanagement:AlertProcessingRuleByName",
      each: {
        // The beat whose silence is the alarm is not muted with the others. By severity only what recurs is limited: REC-053.
        "properties.conditions": holding({
          field: "AlertRuleName",
          operator: "DoesNotContain",
          values: GIVEN,
        }),
        "properties.schedule.recurrences[].startTime?": GIVEN,
        "properties.schedule.recurrences[].endTime?": GIVEN,
      },
    },
    {
      what: "each receiver",
      key: "alerts",
      type: "monitor:ActionGroup",
      each: {
        "emailReceivers[].useCommonAlertSchema": true,
        "logicAppReceivers[].useCommonAlertSchema": true,
        "logicAppReceivers[].resourceId": GIVEN,
        "logicAppReceivers[].callbackUrl": GIVEN,
        "webhookReceivers[].useCommonAlertSchema": true,
        "webhookReceivers[].serviceUri": GIVEN,
      },
    },
    {
      what: "how Slack is told",
      key: "infra/monitoring/slackRelay.ts",
      type: "logic:Workflow",
      each: {
        "definition.triggers.manual": GIVEN,
        "definition.actions.post.inputs.method": "POST",
        "definition.actions.post.inputs.body.channel": GIVEN,
        "definition.actions.post.inputs.body.text": GIVEN,
        "definition.actions.post.inputs.uri": GIVEN,
        "definition.actions.post.inputs.headers.authorization": GIVEN,
        "definition.actions.post.inputs.retryPolicy.count": atLeast(1),
        "definition.actions.post.runtimeConfiguration.secureData.properties": holding("inputs"),
        // A message Slack refused must not look like one that arrived.
        "definition.actions.check.expression.equals": holding(GIVEN, true),
        "definition.actions.check.runAfter.post": holding("Succeeded"),
        "definition.actions.check.else.actions.refused.inputs.runStatus": "Failed",
        "parameters.botToken.value": GIVEN,
        "definition.parameters.channelBySeverity.defaultValue": {
          Sev0: GIVEN,
          Sev2: GIVEN,
          Sev3: GIVEN,
          Sev4: GIVEN,
        },
      },
    },
  ];
}

/** The status page that outlives the clusters. */
function outside(): Demand[] {
  const key = "statusPage";
  return [
    {
      what: "the status page outside the clusters",
      key,
      type: "app:ContainerApp",
      is: {
        "configuration.ingress.external": true,
        "configuration.ingress.allowInsecure": false,
        "template.containers": GIVEN,
        "template.containers[].probes": holding({ type: "Liveness" }, { type: "Readiness" }),
        "template.containers[].env": GIVEN,
        "template.scale.minReplicas": atLeast(1),
        "configuration.secrets": GIVEN,
        "template.volumes": GIVEN,
      },
      each: {
        "template.containers[].probes[].httpGet.path": GIVEN,
        "template.containers[].probes[].periodSeconds?": atMost(60),
        "template.containers[].volumeMounts": GIVEN,
        "configuration.secrets[].value": GIVEN,
      },
    },
    { what: "where it runs", key, type: "app:ManagedEnvironment" },
  ];
}
