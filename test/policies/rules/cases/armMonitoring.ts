import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const armMonitoringCases: readonly Case[] = [
  {
    rule: "prometheus-rule-group-shape",
    change: { prometheus: { "rules[0].for": "5m", interval: "1m" } },
    finds: [
      ["prometheus", "interval", 'must be PT1M to PT15M, but is "1m"'],
      ["prometheus", "rules[0].for", 'must be an ISO 8601 duration such as PT5M, but is "5m"'],
    ],
  },
  {
    rule: "prometheus-rule-group-shape",
    change: {
      prometheus: {
        "rules[0].actions": undefined,
        "rules[0].severity": 5,
        "rules[0].resolveConfiguration.timeToResolve": "10m",
      },
    },
    finds: [
      ["prometheus", "rules[0].severity", "must be 0 to 4, but is 5"],
      [
        "prometheus",
        "rules[0].resolveConfiguration.timeToResolve",
        'must be an ISO 8601 duration such as PT10M, but is "10m"',
      ],
      ["prometheus", "rules[0].actions", "must name an action group, or nobody hears of it, but is absent"],
    ],
  },
  {
    rule: "prometheus-rule-group-shape",
    change: {
      prometheus: {
        scopes: [],
        "rules[1].alert": "Both",
        "rules[1].expression": "",
        "rules[1].actions": [{}],
      },
    },
    finds: [
      ["prometheus", "scopes", "must name the monitor workspace, but is an empty list"],
      ["prometheus", "rules[1]", "must have either alert or record"],
      ["prometheus", "rules[1].expression", 'must be a PromQL expression, but is ""'],
    ],
  },
  {
    rule: "metric-alert-shape",
    change: { "alert-alive": { "criteria.allOf[0].timeAggregation": "Average" } },
    finds: [
      [
        "alert-alive",
        "criteria.allOf[0].timeAggregation",
        'must be "Maximum" for is_db_alive, whose average says nothing, but is "Average"',
      ],
    ],
  },
  {
    rule: "metric-alert-shape",
    change: { "alert-lag": { actions: [], location: "westeurope", severity: 5, scopes: [] } },
    finds: [
      ["alert-lag", "location", 'must be "global", but is "westeurope"'],
      ["alert-lag", "severity", "must be 0 to 4, but is 5"],
      ["alert-lag", "scopes", "must name what is watched, but is an empty list"],
      ["alert-lag", "actions", "must name an action group, or nobody hears of it, but is an empty list"],
    ],
  },
  {
    rule: "metric-alert-shape",
    change: { "alert-lag": { evaluationFrequency: "PT15M", windowSize: "PT5M" } },
    finds: [["alert-lag", "windowSize", "must not be shorter than evaluationFrequency PT15M, but is PT5M"]],
  },
  {
    rule: "metric-alert-shape",
    change: {
      "alert-lag": {
        evaluationFrequency: "PT2M",
        "criteria.allOf[0].criterionType": "Static",
        "criteria.allOf[0].metricName": "",
      },
    },
    finds: [
      [
        "alert-lag",
        "evaluationFrequency",
        'must be "PT1M" or "PT5M" or "PT15M" or "PT30M" or "PT1H", but is "PT2M"',
      ],
      ["alert-lag", "criteria.allOf[0].metricName", 'must be set, but is ""'],
      [
        "alert-lag",
        "criteria.allOf[0].criterionType",
        'must be "StaticThresholdCriterion" or "DynamicThresholdCriterion", but is "Static"',
      ],
    ],
  },
  {
    rule: "action-group-shape",
    change: { actions: { groupShortName: "shop-operations", emailReceivers: [] } },
    finds: [
      ["actions", "groupShortName", 'must have 1 to 12 characters, but is "shop-operations"'],
      ["actions", "", "must have a receiver while it is enabled"],
    ],
  },
  {
    rule: "data-collection-rule-wiring",
    change: { "metrics-rule": { "dataFlows[0].destinations": ["other"] } },
    finds: [
      [
        "metrics-rule",
        "dataFlows[0].destinations[0]",
        'must be the name of one of the rule\'s destinations, but is "other"',
      ],
    ],
  },
  {
    rule: "data-collection-rule-wiring",
    change: { "metrics-rule": { "dataFlows[0].streams": ["Microsoft-Perf"] } },
    finds: [
      [
        "metrics-rule",
        "dataSources.prometheusForwarder[0].streams[0]",
        "must have a data flow, but no flow carries Microsoft-PrometheusMetrics",
      ],
    ],
  },
  {
    rule: "data-collection-rule-wiring",
    change: { "metrics-rule": { dataFlows: [], destinations: undefined } },
    finds: [
      ["metrics-rule", "destinations", "must name a destination, but is absent"],
      ["metrics-rule", "dataFlows", "must have a flow, but is an empty list"],
      [
        "metrics-rule",
        "dataSources.prometheusForwarder[0].streams[0]",
        "must have a data flow, but no flow carries Microsoft-PrometheusMetrics",
      ],
    ],
  },
  {
    rule: "data-collection-rule-region",
    change: { "logs-rule": { location: "westeurope" } },
    finds: [["logs-rule", "location", 'must be northeurope, where its workspace is, but is "westeurope"']],
  },
  {
    rule: "log-alert-shape",
    change: {
      "log-alert": {
        windowSize: "PT1M",
        evaluationFrequency: "5m",
        severity: 9,
        muteActionsDuration: "PT1H",
        actions: {},
        scopes: [],
      },
    },
    finds: [
      ["log-alert", "evaluationFrequency", 'must be an ISO 8601 duration such as PT5M, but is "5m"'],
      ["log-alert", "severity", "must be 0 to 4, but is 9"],
      ["log-alert", "scopes", "must name what is watched, but is an empty list"],
      ["log-alert", "muteActionsDuration", "must be left out with autoMitigate"],
      [
        "log-alert",
        "actions.actionGroups",
        "must name an action group, or nobody hears of it, but is absent",
      ],
    ],
  },
  {
    rule: "grafana-version",
    change: { grafana: { "properties.grafanaMajorVersion": "11" } },
    finds: [["grafana", "properties.grafanaMajorVersion", 'must be "12" or newer, but is "11"']],
  },
  {
    rule: "log-alert-shape",
    change: { "log-alert": { windowSize: "PT1M" } },
    finds: [["log-alert", "windowSize", "must not be shorter than evaluationFrequency PT5M, but is PT1M"]],
  },
  {
    rule: "diagnostic-setting-shape",
    change: { "primary-log": { workspaceId: undefined, logs: [] } },
    finds: [
      [
        "primary-log",
        "workspaceId",
        "must be set, or another of storageAccountId, eventHubAuthorizationRuleId, marketplacePartnerId",
      ],
      ["primary-log", "logs", "must have an entry, or metrics"],
    ],
  },
  {
    rule: "diagnostic-setting-shape",
    change: { "primary-log": { "logs[0].category": "PostgreSQLLogs" } },
    finds: [["primary-log", "logs[0]", "must have either category or categoryGroup"]],
  },
  {
    rule: "data-collection-association-shape",
    change: { "metrics-association": { dataCollectionEndpointId: "/x" } },
    finds: [
      [
        "metrics-association",
        "dataCollectionRuleId",
        "must be set, or dataCollectionEndpointId, and not both",
      ],
      ["metrics-association", "associationName", 'must be "configurationAccessEndpoint", but is "metrics"'],
    ],
  },
  {
    rule: "data-collection-association-shape",
    change: { "metrics-association": { dataCollectionRuleId: undefined, dataCollectionEndpointId: "/x" } },
    finds: [
      ["metrics-association", "associationName", 'must be "configurationAccessEndpoint", but is "metrics"'],
    ],
  },
  {
    rule: "cluster-metrics-profile",
    change: {
      cluster: {
        "azureMonitorProfile.metrics.kubeStateMetrics": {
          metricLabelsAllowList: "a",
          metricAnnotationsAllowList: 1,
        },
      },
    },
    finds: [
      [
        "cluster",
        "azureMonitorProfile.metrics.kubeStateMetrics.metricLabelsAllowList",
        "must be metricLabelsAllowlist or metricAnnotationsAllowList",
      ],
      [
        "cluster",
        "azureMonitorProfile.metrics.kubeStateMetrics.metricAnnotationsAllowList",
        "must be a string, but is 1",
      ],
    ],
  },
];
