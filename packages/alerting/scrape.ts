import { MetricSource, seriesOfSource } from "./metrics";

/** Targets Azure's metrics add-on scrapes by itself, by the source of our metrics. */
const DEFAULT_TARGETS: Partial<Record<MetricSource, string>> = {
  "kube-state": "kubestate",
  node: "nodeexporter",
  kubelet: "kubelet",
  cadvisor: "cadvisor",
};

/** Metrics a workload of the clusters serves, by the label `job` rules tell them by. */
export interface ServedMetrics {
  readonly job: string;
  /** Name of its Deployment. */
  readonly workload: string;
  /** Name of the port they are served at. */
  readonly port: string;
  /** Default `/metrics`. */
  readonly path?: string;
  /** Of what it serves only the series of this source are kept; default all. */
  readonly keeps?: MetricSource;
}

/** Every workload that serves metrics; what asks who serves is there where a witness decides it. */
export const SERVED_METRICS: readonly ServedMetrics[] = [
  { job: "api", workload: "api", port: "http" },
  { job: "gateway", workload: "gateway", port: "status", path: "/stats/prometheus", keeps: "gateway" },
  { job: "gateway-serving", workload: "gateway", port: "serving", keeps: "serving" },
  { job: "metrics", workload: "metrics", port: "metrics" },
  { job: "monitoring", workload: "monitoring", port: "metrics" },
  { job: "status-page", workload: "status-page", port: "http" },
];
/** Job of the metrics that only a witness brings. */
export const OF_WITNESS = "gateway-serving";

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
