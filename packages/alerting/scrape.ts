import { MetricSource, seriesOfSource } from "./metrics";

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
 * @param secretNamespaces namespaces in which a target's bearer token lies; from Kubernetes 1.37 the agent looks into no other
 */
export function collectorSettings(secretNamespaces: readonly string[] = []): Record<string, string> {
  const keep = Object.entries(DEFAULT_TARGETS).map(([source, target]) => {
    return `${target} = "${seriesOfSource(source as MetricSource).join("|")}"`;
  });
  return {
    "schema-version": "v1",
    "config-version": "forma3d-1",
    ...(secretNamespaces.length > 0 && {
      "prometheus-collector-settings": `secrets_access_namespaces = "${secretNamespaces.join(",")}"`,
    }),
    "default-scrape-settings-enabled": [
      "kubelet = true",
      "cadvisor = true",
      "kubestate = true",
      "nodeexporter = true",
    ].join("\n"),
    "default-targets-metrics-keep-list": [...keep, "minimalingestionprofile = true"].join("\n"),
  };
}
