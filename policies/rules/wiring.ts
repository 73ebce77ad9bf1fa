import { cursor, isPromoted, isReplica, linked, ofType, targetsOf } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import { fault, isText, type Outcome } from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { about, stackRule, type Verdict } from "./define";

const DOCS = "https://learn.microsoft.com/azure";

/** Metrics only one of the two servers emits. */
const ONE_SIDED: Readonly<Record<string, "primary" | "replica">> = {
  physical_replication_delay_in_bytes: "primary",
  physical_replication_delay_in_seconds: "replica",
};

/** Metrics a server emits only once a parameter is on. */
const NEEDS_PARAMETER: readonly (readonly [RegExp, string])[] = [
  [
    /^(sessions_by_(state|wait_event_type)|longest_(query|transaction)_time_sec|oldest_backend_.*|numbackends|deadlocks|xact_(commit|rollback|total)|blks_(hit|read)|tup_.*|temp_(files|bytes))$/,
    "metrics.collector_database_activity",
  ],
  [
    /^(analyze_count_.*|autovacuum_count_.*|vacuum_count_.*|n_(dead|live|mod)_tup.*|tables_.*|bloat_percent)$/,
    "metrics.autovacuum_diagnostics",
  ],
  [
    /^(client_connections_(active|waiting)|server_connections_(active|idle)|total_pooled_connections|num_pools)$/,
    "metrics.pgbouncer_diagnostics",
  ],
];

function criteria(alert: ResourceView) {
  return cursor(alert)
    .at("criteria", "allOf")
    .items()
    .map((criterion) => ({ criterion, metric: criterion.at("metricName") }));
}

/** Whether a server follows another now: after a promotion that is the one the promoted server was made from. */
function follows(stack: StackView, server: ResourceView): boolean {
  return ofType(stack, kinds.SERVER).some(isPromoted) ? !isPromoted(server) : isReplica(server);
}

function oneSided(stack: StackView, alert: ResourceView): Outcome[] {
  const servers = linked(stack, alert, "scopes", kinds.SERVER);
  return criteria(alert).flatMap(({ metric }) => {
    const side = ONE_SIDED[metric.text ?? ""];
    const wrong = side && servers.some((server) => follows(stack, server) !== (side === "replica"));
    return wrong ? fault(metric, `must be watched on the ${side}, the only one that emits it`) : [];
  });
}

const sides = stackRule(
  {
    id: "ARM-080",
    name: "replication-alert-scope",
    title: "Replication lag is watched where it is measured",
    description:
      "Alerts on the lag in bytes are scoped to the primary, those on the lag in seconds to the replica.",
    why: "The other server never emits the metric: the alert exists and can never fire.",
    severity: "high",
    framework: { waf: ["RE:10"], risks: ["R01"] },
    remediation: "Scope physical_replication_delay_in_seconds to the replica.",
    url: `${DOCS}/postgresql/monitor/concepts-monitoring`,
    appliesTo: "any",
  },
  (stack) =>
    ofType(stack, kinds.METRIC_ALERT).map((alert) => ({ resource: alert, outcomes: oneSided(stack, alert) })),
);

function enabledParameters(stack: StackView): Set<string> {
  return new Set(
    ofType(stack, kinds.CONFIGURATION)
      .filter((one) => isText("on", "true")(cursor(one).at("value").value))
      .flatMap((one) => kinds.azureName(one) ?? []),
  );
}

const emitted = stackRule(
  {
    id: "ARM-081",
    name: "metric-alert-emitted",
    title: "Alerts watch metrics the server emits",
    description:
      "A metric that is off by default has the server parameter that turns it on in the same stack.",
    why: "Azure rejects the alert, or with validation skipped accepts one that can never fire.",
    severity: "high",
    framework: { waf: ["RE:10"], risks: ["R01", "R13"] },
    remediation: "Turn the parameter on: it is named in the message.",
    url: `${DOCS}/postgresql/monitor/concepts-monitoring`,
    appliesTo: "any",
  },
  (stack) => {
    const enabled = enabledParameters(stack);
    return ofType(stack, kinds.METRIC_ALERT)
      .filter((alert) => linked(stack, alert, "scopes", kinds.SERVER).length > 0)
      .map((alert): Verdict => ({
        resource: alert,
        outcomes: criteria(alert).flatMap(({ metric }) => {
          const parameter = NEEDS_PARAMETER.find(([pattern]) => pattern.test(metric.text ?? ""))?.[1];
          return parameter === undefined || enabled.has(parameter)
            ? []
            : fault(metric, `must be emitted, which needs the server parameter ${parameter} on`);
        }),
      }));
  },
);

const collected = stackRule(
  {
    id: "ARM-082",
    name: "cluster-metrics-collected",
    title: "A cluster's metrics arrive somewhere",
    description:
      "A cluster with the metrics profile on is associated with a data collection rule that forwards Prometheus metrics.",
    why: "The add-on runs and sends nothing: every Prometheus alert stays silent.",
    severity: "critical",
    framework: { waf: ["RE:10"], risks: ["R03", "R14"] },
    remediation: "Add a DataCollectionRule with prometheusForwarder and its association with the cluster.",
    url: `${DOCS}/azure-monitor/containers/kubernetes-monitoring-enable`,
    appliesTo: "any",
  },
  (stack) => {
    const forwarding = ofType(stack, kinds.COLLECTION_RULE).filter(
      (rule) => cursor(rule).at("dataSources", "prometheusForwarder").items().length > 0,
    );
    const ties = ofType(stack, kinds.COLLECTION_ASSOCIATION).filter((tie) =>
      linked(stack, tie, "dataCollectionRuleId", kinds.COLLECTION_RULE).some((rule) =>
        forwarding.includes(rule),
      ),
    );
    const covered = targetsOf(stack, ties, "resourceUri", kinds.CLUSTER);
    return ofType(stack, kinds.CLUSTER)
      .filter((cluster) => cursor(cluster).at("azureMonitorProfile", "metrics", "enabled").value === true)
      .filter((cluster) => !covered.has(cluster))
      .map((cluster) =>
        about(cluster, "must be associated with a data collection rule for Prometheus metrics"),
      );
  },
);

export const WIRING_RULES: readonly Rule[] = [sides, emitted, collected];
