import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const wiringCases: readonly Case[] = [
  {
    rule: "replication-alert-scope",
    options: { "alert-lag": { sources: { scopes: ["primary"] } } },
    finds: [
      [
        "alert-lag",
        "criteria.allOf[0].metricName",
        "must be watched on the replica, the only one that emits it",
      ],
    ],
  },
  {
    rule: "replication-alert-scope",
    change: { "alert-alive": { "criteria.allOf[0].metricName": "physical_replication_delay_in_seconds" } },
    finds: [
      [
        "alert-alive",
        "criteria.allOf[0].metricName",
        "must be watched on the replica, the only one that emits it",
      ],
    ],
  },
  {
    rule: "metric-alert-emitted",
    remove: ["parameter-metrics.collector_database_activity"],
    finds: [
      [
        "alert-deadlocks",
        "criteria.allOf[0].metricName",
        "must be emitted, which needs the server parameter metrics.collector_database_activity on",
      ],
    ],
  },
  {
    rule: "metric-alert-emitted",
    change: { "parameter-metrics.collector_database_activity": { value: "off" } },
    finds: [
      [
        "alert-deadlocks",
        "criteria.allOf[0].metricName",
        "must be emitted, which needs the server parameter metrics.collector_database_activity on",
      ],
    ],
  },
  {
    rule: "cluster-metrics-collected",
    remove: ["metrics-association"],
    finds: [["cluster", "", "must be associated with a data collection rule for Prometheus metrics"]],
  },
  {
    rule: "cluster-metrics-collected",
    change: { "metrics-rule": { dataSources: { syslog: [] } } },
    finds: [["cluster", "", "must be associated with a data collection rule for Prometheus metrics"]],
  },
  {
    rule: "route-waits-for-origins",
    options: { route: { waitsFor: ["origins"] } },
    finds: [["route", "", "must wait for the origin origin"]],
  },
];
