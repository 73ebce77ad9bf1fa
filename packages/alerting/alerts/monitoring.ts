import { probeJobs, STATUS_PAGE_PROBES } from "../services";
import { PrometheusAlert } from "../types";

/** Name of the alert that must keep coming: the dead man's switch. */
export const HEARTBEAT = "Heartbeat";

/** Whether monitoring sees and speaks. */
export const MONITORING_ALERTS: readonly PrometheusAlert[] = [
  {
    kind: "prometheus",
    group: "forma3d-monitoring",
    name: HEARTBEAT,
    // Azure tells a receiver once when an alert fires and once when it ends, never again between. So it beats:
    // five minutes on, five off. Without any scrape it stays silent, and silence is what pages.
    expression: "count(up == 1) > 0 and on () minute() % 10 < 5",
    for: "0s",
    priority: "P4",
    summary: "Monitoring is alive",
    description: "Sent to the dead man's switch, which pages when it stops coming",
    runbook: "monitoring-blind",
    owner: "platform",
    risks: ["R11"],
    labels: { receiver: "dead-mans-switch" },
  },
  {
    kind: "prometheus",
    group: "forma3d-monitoring",
    name: "TargetDown",
    expression: "sum by (job) (up == bool 0) / count by (job) (up) > 0.5",
    for: "10m",
    priority: "P3",
    summary: "Metrics of a service are missing",
    description: "More than half of the targets of {{ $labels.job }} have not been scraped for 10 minutes",
    runbook: "monitoring-blind",
    owner: "platform",
    risks: ["R11"],
  },
  {
    kind: "prometheus",
    group: "forma3d-monitoring",
    name: "RegionSilent",
    // Every target of the cluster is scraped from inside it; the rule is evaluated elsewhere, where the workspace stands.
    expression: "absent(up)",
    for: "5m",
    priority: "P1",
    summary: "Nothing is heard from the serving region",
    description:
      "No target of the serving region's cluster has delivered anything for 5 minutes: the region is lost, or only what collects is down; Azure's own alerts and the edge tell which",
    // A measurement never leads to the page that gives up data.
    runbook: "monitoring-blind",
    owner: "platform",
    risks: ["R01", "R11"],
  },
  {
    kind: "prometheus",
    group: "forma3d-monitoring",
    name: "ProbeMissing",
    // What is down is a probe that fails; an alert on that says nothing when there is no probe at all.
    expression: probeJobs()
      .map((job) => `absent(probe_success{job="${job}"})`)
      .join(" or "),
    for: "10m",
    priority: "P2",
    summary: "A service is not probed any more",
    description:
      "There has been no result of the probe {{ $labels.job }} for 10 minutes, so nobody would be told that it fails: the exporter or the scraping is down",
    runbook: "monitoring-blind",
    owner: "platform",
    risks: ["R11"],
  },
  {
    kind: "prometheus",
    group: "forma3d-monitoring",
    name: "StatusPageDown",
    expression: `probe_success{job=~"${STATUS_PAGE_PROBES.join("|")}"} == 0`,
    for: "10m",
    priority: "P3",
    summary: "A status page does not answer",
    description: "{{ $labels.job }} has failed for 10 minutes: customers cannot see what is going on",
    runbook: "monitoring-blind",
    owner: "platform",
    risks: ["R11"],
  },
];
