import { METRIC_ALERT_FREQUENCIES, METRIC_ALERT_WINDOWS, OLDEST_GRAFANA } from "../../packages/azure-facts";
import {
  azure,
  CLUSTER,
  COLLECTION_RULE,
  DIAGNOSTIC_SETTING,
  METRIC_ALERT,
  regionName,
} from "../../packages/isolation/kinds";
import {
  fault,
  ifPresent,
  isText,
  must,
  mustBe,
  mustBeText,
  mustBeWithin,
  mustExist,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const DOCS = "https://learn.microsoft.com/azure/azure-monitor";

/** Alerting and recording rules that fit in one group. */
const RULES_PER_GROUP = 20;

const DURATION = /^P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?$/;

/** Minutes of an ISO 8601 duration; undefined when it is none. */
export function minutes(value: unknown): number | undefined {
  const match = typeof value === "string" ? DURATION.exec(value) : null;
  if (!match) return undefined;
  const part = (index: number) => Number.parseInt(match[index] ?? "0", 10);
  return part(1) * 1440 + part(3) * 60 + part(4) + part(5) / 60;
}

function duration(cursor: Cursor, example: string): Outcome[] {
  return must(cursor, (value) => minutes(value) !== undefined, `be an ISO 8601 duration such as ${example}`);
}

function prometheusRule(rule: Cursor): Outcome[] {
  const [alert, record] = [rule.at("alert"), rule.at("record")];
  return [
    ...(alert.present === record.present ? fault(rule, "must have either alert or record") : []),
    ...mustExist(rule.at("expression"), "be a PromQL expression"),
    ...ifPresent(rule.at("for"), (cursor) => duration(cursor, "PT5M")),
    ...ifPresent(rule.at("severity"), (cursor) => mustBeWithin(cursor, 0, 4)),
    ...ifPresent(rule.at("resolveConfiguration", "timeToResolve"), (cursor) => duration(cursor, "PT10M")),
    ...(alert.present && rule.at("enabled").value !== false
      ? mustExist(rule.at("actions"), "name an action group, or nobody hears of it")
      : []),
  ];
}

const prometheus: ArmLimit = {
  id: "ARM-050",
  name: "prometheus-rule-group-shape",
  title: "Groups of Prometheus rules have ISO 8601 durations and at most 20 rules",
  description:
    "interval is PT1M to PT15M, for and timeToResolve are ISO 8601, each rule alerts or records, and every alert has an action.",
  why: "Azure rejects the group, and none of its alerts exists.",
  remediation: "Write PT5M instead of 5m, and split larger groups.",
  url: `${DOCS}/essentials/prometheus-rule-groups`,
  risks: ["R01", "R03", "R13", "R14"],
  types: [azure("alertsmanagement", "PrometheusRuleGroup")],
  check: (group) => [
    ...mustExist(group.at("scopes"), "name the monitor workspace"),
    ...ifPresent(group.at("interval"), (interval) => {
      const length = minutes(interval.value);
      return must(interval, () => length !== undefined && length >= 1 && length <= 15, "be PT1M to PT15M");
    }),
    ...must(
      group.at("rules"),
      (value) => Array.isArray(value) && value.length > 0 && value.length <= RULES_PER_GROUP,
      `have 1 to ${RULES_PER_GROUP} rules`,
    ),
    ...group.at("rules").items().flatMap(prometheusRule),
  ],
};

function criterion(cursor: Cursor): Outcome[] {
  const metric = cursor.at("metricName");
  return [
    ...mustExist(metric),
    ...mustBeText(cursor.at("criterionType"), "StaticThresholdCriterion", "DynamicThresholdCriterion"),
    ...mustBeText(cursor.at("timeAggregation"), "Average", "Count", "Minimum", "Maximum", "Total"),
    ...(isText("is_db_alive")(metric.value)
      ? must(
          cursor.at("timeAggregation"),
          isText("Maximum"),
          'be "Maximum" for is_db_alive, whose average says nothing',
        )
      : []),
  ];
}

const metricAlert: ArmLimit = {
  id: "ARM-051",
  name: "metric-alert-shape",
  title: "Metric alerts can fire and are heard",
  description:
    "The location is global, frequency and window are periods Azure offers, the window is not shorter than the frequency, is_db_alive is aggregated by its maximum, and an action group is named.",
  why: "Azure rejects the alert, or it never fires.",
  remediation: "Use evaluationFrequency PT1M with windowSize PT5M, and name an action group.",
  url: `${DOCS}/alerts/alerts-metric-overview`,
  risks: ["R01", "R13", "R14"],
  types: [METRIC_ALERT],
  check: (alert) => {
    const [frequency, window] = [alert.at("evaluationFrequency"), alert.at("windowSize")];
    const [every, over] = [minutes(frequency.value), minutes(window.value)];
    return [
      ...mustBeText(alert.at("location"), "global"),
      ...mustBeWithin(alert.at("severity"), 0, 4),
      ...mustBe(frequency, ...METRIC_ALERT_FREQUENCIES),
      ...mustBe(window, ...METRIC_ALERT_WINDOWS),
      ...(every !== undefined && over !== undefined && over < every
        ? fault(
            window,
            `must not be shorter than evaluationFrequency ${frequency.text ?? ""}, but is ${window.text ?? ""}`,
          )
        : []),
      ...mustExist(alert.at("scopes"), "name what is watched"),
      ...(alert.at("enabled").value === false
        ? []
        : mustExist(alert.at("actions"), "name an action group, or nobody hears of it")),
      ...alert.at("criteria", "allOf").items().flatMap(criterion),
    ];
  },
};

const actionGroup: ArmLimit = {
  id: "ARM-052",
  name: "action-group-shape",
  title: "An action group has a short name of at most 12 characters and somebody to tell",
  description: "groupShortName has 1 to 12 characters, and an enabled group has a receiver.",
  why: "Azure rejects the name; a group without receivers swallows every alert.",
  remediation: "Shorten the name, and name e-mail addresses or webhooks.",
  url: `${DOCS}/alerts/action-groups`,
  risks: ["R01", "R03"],
  types: [azure("monitor", "ActionGroup")],
  check: (group) => {
    const receivers = group.entries().filter(([key]) => key.endsWith("Receivers"));
    return [
      ...must(
        group.at("groupShortName"),
        (value) => typeof value === "string" && value.length >= 1 && value.length <= 12,
        "have 1 to 12 characters",
      ),
      ...(group.at("enabled").value !== false && receivers.every(([, list]) => list.items().length === 0)
        ? fault(group, "must have a receiver while it is enabled")
        : []),
    ];
  },
};

function flow(rule: Cursor, cursor: Cursor): Outcome[] {
  const destinations = rule
    .at("destinations")
    .entries()
    .flatMap(([, list]) => [list.at("name").text, ...list.items().map((item) => item.at("name").text)]);
  return [
    ...mustExist(cursor.at("streams"), "name a stream"),
    ...cursor
      .at("destinations")
      .items()
      .flatMap((name) =>
        name.text !== undefined && !destinations.includes(name.text)
          ? fault(name, `must be the name of one of the rule's destinations, but is "${name.text}"`)
          : [],
      ),
  ];
}

const collectionRule: ArmLimit = {
  id: "ARM-053",
  name: "data-collection-rule-wiring",
  title: "A data collection rule leads from a source through a flow to a destination",
  description:
    "Sources, flows and destinations are all there, flows name existing destinations, and a Prometheus source has a flow of its stream.",
  why: "Azure rejects dangling names; a source without a flow collects nothing.",
  remediation: "Give the Prometheus forwarder, the monitoring account and the flow between them.",
  url: `${DOCS}/essentials/data-collection-rule-structure`,
  risks: ["R01", "R14"],
  types: [COLLECTION_RULE],
  check: (rule) => {
    const flows = rule.at("dataFlows");
    const streams = flows.items().flatMap((item) => item.at("streams").texts());
    return [
      ...mustExist(rule.at("destinations"), "name a destination"),
      ...mustExist(flows, "have a flow"),
      ...flows.items().flatMap((item) => flow(rule, item)),
      ...rule
        .at("dataSources")
        .entries()
        .flatMap(([, sources]) => sources.items())
        .flatMap((source) => source.at("streams").items())
        .flatMap((stream) =>
          stream.text === undefined || flows.unknown || streams.includes(stream.text)
            ? []
            : fault(stream, `must have a data flow, but no flow carries ${stream.text}`),
        ),
    ];
  },
};

const collectionRegion: ArmLimit = {
  id: "ARM-058",
  name: "data-collection-rule-region",
  title: "A data collection rule stands in the region of the workspace it fills",
  description: "location of a data collection rule equals that of its destination workspace.",
  why: "Azure rejects the rule, and a cluster in another region, as after a failover, sends no logs.",
  remediation: "Give the rule the workspace's region; the clusters it is associated with may be anywhere.",
  url: `${DOCS}/essentials/data-collection-rule-structure`,
  risks: ["R11", "R14"],
  types: [COLLECTION_RULE],
  relations: [
    {
      as: "workspace",
      property: "destinations",
      types: [azure("operationalinsights", "Workspace"), azure("monitor", "AzureMonitorWorkspace")],
    },
  ],
  check: (rule, { related }) => {
    const wanted = regionName(related.workspace?.at("location").value);
    return wanted === undefined
      ? []
      : must(
          rule.at("location"),
          (value) => regionName(value) === wanted,
          `be ${wanted}, where its workspace is`,
        );
  },
};

const logAlert: ArmLimit = {
  id: "ARM-054",
  name: "log-alert-shape",
  title: "Log alerts look back at least as far as they are apart",
  description:
    "evaluationFrequency and windowSize are ISO 8601, the window is not shorter, severity is 0 to 4, and muting excludes automatic resolution.",
  why: "Azure rejects the rule.",
  remediation: "Use the same duration for both, and either autoMitigate or muteActionsDuration.",
  url: `${DOCS}/alerts/alerts-types`,
  risks: ["R07", "R09"],
  types: [azure("monitor", "ScheduledQueryRule")],
  check: (rule) => {
    const [frequency, window] = [rule.at("evaluationFrequency"), rule.at("windowSize")];
    const [every, over] = [minutes(frequency.value), minutes(window.value)];
    return [
      ...duration(frequency, "PT5M"),
      ...duration(window, "PT5M"),
      ...(every !== undefined && over !== undefined && over < every
        ? fault(
            window,
            `must not be shorter than evaluationFrequency ${frequency.text ?? ""}, but is ${window.text ?? ""}`,
          )
        : []),
      ...mustBeWithin(rule.at("severity"), 0, 4),
      ...mustExist(rule.at("scopes"), "name what is watched"),
      ...(rule.at("autoMitigate").value === true && rule.at("muteActionsDuration").present
        ? fault(rule.at("muteActionsDuration"), "must be left out with autoMitigate")
        : []),
      ...(rule.at("enabled").value === false
        ? []
        : mustExist(rule.at("actions", "actionGroups"), "name an action group, or nobody hears of it")),
    ];
  },
};

const diagnostic: ArmLimit = {
  id: "ARM-055",
  name: "diagnostic-setting-shape",
  title: "A diagnostic setting sends something somewhere",
  description:
    "There is a destination, at least one log or metric, and each log names either a category or a category group.",
  why: "Azure rejects the setting.",
  remediation: 'Set workspaceId and logs, such as { categoryGroup: "allLogs", enabled: true }.',
  url: `${DOCS}/essentials/diagnostic-settings`,
  risks: ["R07"],
  types: [DIAGNOSTIC_SETTING],
  check: (setting) => {
    const sinks = ["workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId"];
    return [
      ...(sinks.some((key) => setting.at(key).present)
        ? []
        : fault(setting.at("workspaceId"), `must be set, or another of ${sinks.slice(1).join(", ")}`)),
      ...(["logs", "metrics"].some((key) => setting.at(key).unknown || setting.at(key).items().length > 0)
        ? []
        : fault(setting.at("logs"), "must have an entry, or metrics")),
      ...setting
        .at("logs")
        .items()
        .flatMap((log) =>
          log.at("category").present === log.at("categoryGroup").present && !log.unknown
            ? fault(log, "must have either category or categoryGroup")
            : [],
        ),
    ];
  },
};

const association: ArmLimit = {
  id: "ARM-056",
  name: "data-collection-association-shape",
  title: "An association ties a resource to a rule or an endpoint",
  description:
    "It names a data collection rule, or is called configurationAccessEndpoint and names an endpoint, and never both.",
  why: "Azure rejects the association, and the cluster's metrics go nowhere.",
  remediation: "Use one association for the rule and another, of that name, for the endpoint.",
  url: `${DOCS}/essentials/data-collection-rule-associations`,
  risks: ["R14"],
  types: [azure("(?:monitor|insights)", "DataCollectionRuleAssociation")],
  check: (resource) => {
    const [rule, endpoint] = [resource.at("dataCollectionRuleId"), resource.at("dataCollectionEndpointId")];
    return [
      ...(rule.present === endpoint.present
        ? fault(rule, "must be set, or dataCollectionEndpointId, and not both")
        : []),
      ...(endpoint.present ? mustBeText(resource.at("associationName"), "configurationAccessEndpoint") : []),
    ];
  },
};

const metricsProfile: ArmLimit = {
  id: "ARM-057",
  name: "cluster-metrics-profile",
  title: "The metrics profile of a cluster is spelt as Azure spells it",
  description: "kubeStateMetrics uses metricLabelsAllowlist and metricAnnotationsAllowList, both strings.",
  why: "Azure drops what it does not know, and the labels the alerts select on are missing.",
  remediation: "Mind the odd capitals: metricLabelsAllowlist, metricAnnotationsAllowList.",
  url: "https://learn.microsoft.com/azure/templates/microsoft.containerservice/managedclusters",
  risks: ["R14"],
  severity: "medium",
  types: [CLUSTER],
  check: (cluster) => {
    const metrics = cluster.at("azureMonitorProfile", "metrics", "kubeStateMetrics");
    return metrics
      .entries()
      .flatMap(([key, value]) =>
        ["metricLabelsAllowlist", "metricAnnotationsAllowList"].includes(key)
          ? must(value, (text) => typeof text === "string", "be a string")
          : fault(value, "must be metricLabelsAllowlist or metricAnnotationsAllowList"),
      );
  },
};

const grafanaVersion: ArmLimit = {
  id: "ARM-059",
  name: "grafana-version",
  title: "The major version of Grafana is one Azure still offers",
  description: `properties.grafanaMajorVersion is ${OLDEST_GRAFANA} or newer.`,
  why: "Azure rejects a retired version for a new workspace: the first deployment ends without dashboards.",
  remediation: "Use the newest.",
  url: "https://learn.microsoft.com/azure/managed-grafana/how-to-upgrade-grafana-12",
  risks: ["R14"],
  severity: "medium",
  types: [azure("dashboard", "Grafana")],
  check: (grafana) =>
    ifPresent(grafana.at("properties", "grafanaMajorVersion"), (version) =>
      must(version, (value) => Number(value) >= OLDEST_GRAFANA, `be "${OLDEST_GRAFANA}" or newer`),
    ),
};

export const MONITORING_LIMITS: readonly ArmLimit[] = [
  prometheus,
  metricAlert,
  actionGroup,
  collectionRule,
  collectionRegion,
  logAlert,
  diagnostic,
  association,
  metricsProfile,
  grafanaVersion,
];
