import { MetricSource, METRICS, seriesNames } from "./metrics";

/** Targets Azure's metrics add-on scrapes by itself, by the source of our metrics. */
const DEFAULT_TARGETS: Partial<Record<MetricSource, string>> = {
  "kube-state": "kubestate",
  node: "nodeexporter",
  kubelet: "kubelet",
  cadvisor: "cadvisor",
};

/**
 * Content of the ConfigMap `ama-metrics-settings-configmap`, which the add-on reads
 * (https://learn.microsoft.com/azure/azure-monitor/containers/prometheus-metrics-scrape-configuration). Its minimal
 * profile drops most metrics; each one a rule or panel names is kept, or the rule could never fire.
 */
export function collectorSettings(): Record<string, string> {
  const keep = Object.entries(DEFAULT_TARGETS).map(([source, target]) => {
    const names = METRICS.filter((metric) => metric.source === source).flatMap(seriesNames);
    return `${target} = "${names.sort().join("|")}"`;
  });
  return {
    "schema-version": "v1",
    "config-version": "forma3d-1",
    "default-scrape-settings-enabled": [
      "kubelet = true",
      "cadvisor = true",
      "kubestate = true",
      "nodeexporter = true",
    ].join("\n"),
    "default-targets-metrics-keep-list": [...keep, "minimalingestionprofile = true"].join("\n"),
  };
}
