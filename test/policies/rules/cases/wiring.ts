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
    rule: "origin-priority-distinct",
    add: [
      {
        name: "second-origin",
        type: "azure-native:cdn:AFDOrigin",
        props: { originGroupName: "api", priority: 1 },
        sources: { originGroupName: ["origins"] },
      },
    ],
    options: { route: { waitsFor: ["origin", "second-origin"] } },
    finds: [["second-origin", "priority", "must differ from that of origin"]],
  },
  {
    rule: "private-zone-linked",
    remove: ["zone-link"],
    finds: [["zone", "", "must be linked to a virtual network"]],
  },
  {
    rule: "cluster-issuer-trusted",
    options: {
      "credential-one": { sources: { resourceName: ["identity"] } },
      "credential-two": { sources: { resourceName: ["identity"] } },
    },
    finds: [["cluster", "", "must be the issuer of a federated credential"]],
  },
  {
    rule: "private-link-subnet-policies",
    change: { "subnet-endpoints": { privateLinkServiceNetworkPolicies: "Enabled" } },
    finds: [
      ["subnet-endpoints", "privateLinkServiceNetworkPolicies", 'must be "Disabled", but is "Enabled"'],
    ],
  },
  {
    rule: "private-link-subnet-policies",
    change: { "subnet-endpoints": { privateLinkServiceNetworkPolicies: undefined } },
    finds: [["subnet-endpoints", "privateLinkServiceNetworkPolicies", 'must be "Disabled", but is absent']],
  },
  {
    rule: "route-waits-for-origins",
    options: { route: { waitsFor: ["origins"] } },
    finds: [["route", "", "must wait for the origin origin"]],
  },
];
