import { lastName } from "../ids";
import { objectsAt, stringAt, textAt } from "../paths";
import { Failure, Tree } from "../types";
import { type ArmTable } from "./arm";

const INSIGHTS = "Microsoft.Insights";
const ISO_DURATION = /^P(T(?=\d)(\d+H)?(\d+M)?(\d+S)?|\d+D)$/;

/** Azure writes durations as ISO 8601 where Prometheus writes `5m`. */
function ruleDurations(inputs: Tree): Failure[] {
  const durations = [
    { property: "interval", value: stringAt(inputs, "interval") },
    ...objectsAt(inputs, "rules").map((rule, i) => ({
      property: `rules[${i}].for`,
      value: stringAt(rule, "for"),
    })),
  ];
  return durations
    .filter(({ value }) => value !== undefined && !ISO_DURATION.test(value))
    .map(({ property, value }) => ({
      property,
      reason: `must be an ISO 8601 duration such as PT5M, not ${String(value)}`,
    }));
}

function alertOrRecord(inputs: Tree): Failure[] {
  return objectsAt(inputs, "rules").flatMap((rule, i) =>
    (rule["alert"] === undefined) === (rule["record"] === undefined)
      ? [{ property: `rules[${i}]`, reason: "needs either alert or record" }]
      : [],
  );
}

export const MONITORING_TYPES: ArmTable = {
  "operationalinsights:Workspace": {
    id: "Microsoft.OperationalInsights/workspaces/{workspaceName}",
    holdsData: true,
    softDelete: false,
    computed: ({ guid }) => ({ customerId: guid("customer"), createdDate: "2026-01-01T00:00:00Z" }),
  },
  "monitor:DiagnosticSetting": {
    id: "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
    immutable: ["workspaceId", "storageAccountId", "eventHubAuthorizationRuleId"],
    check: (inputs) =>
      ["workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId"].some(
        (sink) => inputs[sink] !== undefined,
      )
        ? []
        : [{ property: "workspaceId", reason: "at least one destination is needed" }],
  },
  "monitor:AzureMonitorWorkspace": {
    id: "Microsoft.Monitor/accounts/{azureMonitorWorkspaceName}",
    holdsData: true,
    computed: ({ id, guid, inputs, random }) => ({
      accountId: guid("account"),
      metrics: {
        internalId: `mac_${guid("metrics")}`,
        prometheusQueryEndpoint: `https://${lastName(id)}-${random("host", 4)}.${textAt(inputs, "location")}.prometheus.monitor.azure.com`,
      },
    }),
  },
  "monitor:DataCollectionEndpoint": {
    id: `${INSIGHTS}/dataCollectionEndpoints/{dataCollectionEndpointName}`,
    computed: ({ random }) => ({ immutableId: `dce-${random("id", 32)}` }),
  },
  "monitor:DataCollectionRule": {
    id: `${INSIGHTS}/dataCollectionRules/{dataCollectionRuleName}`,
    computed: ({ random }) => ({ immutableId: `dcr-${random("id", 32)}` }),
  },
  "monitor:DataCollectionRuleAssociation": {
    id: "{resourceUri}/providers/Microsoft.Insights/dataCollectionRuleAssociations/{associationName}",
  },
  "monitor:ActionGroup": {
    id: `${INSIGHTS}/actionGroups/{actionGroupName}`,
    stands: "anywhere",
  },
  "monitor:MetricAlert": {
    id: `${INSIGHTS}/metricAlerts/{ruleName}`,
    stands: "globally",
    immutable: ["targetResourceType"],
  },
  "monitor:ScheduledQueryRule": { id: `${INSIGHTS}/scheduledQueryRules/{ruleName}` },
  "monitor:ActivityLogAlert": {
    id: `${INSIGHTS}/activityLogAlerts/{activityLogAlertName}`,
    stands: "anywhere",
  },
  "alertsmanagement:PrometheusRuleGroup": {
    id: "Microsoft.AlertsManagement/prometheusRuleGroups/{ruleGroupName}",
    check: (inputs) => [...ruleDurations(inputs), ...alertOrRecord(inputs)],
  },
  "alertsmanagement:AlertProcessingRuleByName": {
    id: "Microsoft.AlertsManagement/actionRules/{alertProcessingRuleName}",
    stands: "globally",
    required: ["properties.scopes", "properties.actions"],
  },
};
