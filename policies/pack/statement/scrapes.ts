import { DATABASE_PORTS } from "../../../infra/data/places";
import { virtualEndpointHosts } from "../../../infra/naming";
import { seriesOfSource } from "../../../packages/alerting/metrics";
import {
  collectorSettings,
  OF_WITNESS,
  SERVED_METRICS,
  type ServedMetrics,
} from "../../../packages/alerting/scrape";
import {
  EDGE_PROBES,
  insideProbe,
  MONITORED_SERVICES,
  STATUS_PAGE_PROBES,
} from "../../../packages/alerting/services";
import { stackPlatformNames } from "../../../stacks/files";
import type { StackConfig } from "../../../stacks/schema";
import { SITE_HEALTH, SITES } from "../../../stacks/sites";
import { atLeastOf, atMost, GIVEN, holding, NONE } from "../../rules/expected";
import type { Demand } from "../../rules/statement";

const KEY = "packages/alerting/scrape.ts";
const PROBES = "packages/alerting/services.ts";

/** Gives a label a value and drops nothing; alerts ask for `job`. */
const labelled = (targetLabel: string, replacement: unknown) => ({
  targetLabel,
  replacement,
  action: "replace",
});

/** What is scraped of one workload: at this port and path, under this job, every series that is asked for. */
function served({ job, workload, port, path = "/metrics", keeps }: ServedMetrics, count: number): Demand {
  return {
    what: `what is scraped of ${job}`,
    key: KEY,
    type: "PodMonitor",
    where: { "metadata.name": job },
    is: {
      "spec.selector.matchLabels": { "app.kubernetes.io/name": workload },
      "spec.podMetricsEndpoints": [
        {
          port,
          path,
          relabelings: [labelled("job", job)],
          metricRelabelings:
            keeps === undefined
              ? NONE
              : [{ action: "keep", sourceLabels: ["__name__"], regex: seriesOfSource(keeps).join("|") }],
        },
      ],
    },
    count,
  };
}

/** One endpoint of the blackbox exporter. */
const probe = (job: string, module: string, target: unknown, seconds: number) => ({
  port: "metrics",
  path: "/probe",
  params: { module: [module], target: [target] },
  relabelings: [labelled("job", job), labelled("instance", target)],
  metricRelabelings: NONE,
  interval: atMost(`${seconds}s`),
});

/** Whom the blackbox exporter asks, and how. */
function probes(config: StackConfig): unknown[] {
  const names = stackPlatformNames(config);
  const database = `${virtualEndpointHosts(names.virtualEndpoint).writer}:${DATABASE_PORTS.direct}`;
  const hosts = { api: config.edge.apiHostName, dashboard: config.edge.dashboardHostName };
  const [outsidePage, insidePage] = STATUS_PAGE_PROBES;
  return [
    ...MONITORED_SERVICES.map((service) => {
      const { module, target } = insideProbe(service, database);
      return probe(service.job, module, target, service.intervalSeconds);
    }),
    ...SITES.map((site, at) =>
      probe(EDGE_PROBES[at] ?? "", "https", `https://${hosts[site]}${SITE_HEALTH[site].edge}`, 60),
    ),
    probe(outsidePage, "https", GIVEN, 60),
    probe(insidePage, "http", "http://status-front/", 60),
  ];
}

/** Metrics of the clusters' own: who is scraped, who is probed, and what the agent keeps. */
export function scrapes(regions: number, config: StackConfig): Demand[] {
  const { serving, statusPage } = config;
  const all = probes(config);
  return [
    {
      what: "what is scraped",
      key: KEY,
      type: "PodMonitor",
      each: {
        "spec.podMetricsEndpoints[].interval": atMost("1m"),
        "spec.podMetricsEndpoints[].scrapeTimeout?": atMost("30s"),
        "spec.podMetricsEndpoints[].relabelings[].action": "replace",
        "spec.podMetricsEndpoints[].metricRelabelings[].action": "keep",
        "spec.namespaceSelector.matchNames": GIVEN,
      },
    },
    ...SERVED_METRICS.filter(({ job }) => job !== OF_WITNESS || serving.witness).map((one) =>
      served(one, regions),
    ),
    {
      what: "what is probed",
      key: PROBES,
      type: "PodMonitor",
      where: { "metadata.name": "probes" },
      is: {
        "spec.selector.matchLabels": { "app.kubernetes.io/name": "blackbox" },
        "spec.podMetricsEndpoints": holding(...all),
      },
      count: regions,
    },
    {
      what: "as many probes as there are services",
      key: PROBES,
      type: "PodMonitor",
      where: { "metadata.name": "probes" },
      is: { "spec.podMetricsEndpoints": atLeastOf(all.length) },
      count: regions,
    },
    {
      what: "what the agent of metrics keeps",
      key: KEY,
      type: "ConfigMap",
      where: { "metadata.name": "ama-metrics-settings-configmap" },
      is: {
        // Statping's metrics ask for a token, which the agent reads only where it is told to; Gatus's do not.
        data: collectorSettings(
          statusPage.provider === "statping" ? [stackPlatformNames(config).namespace] : [],
        ),
      },
      count: regions,
    },
  ];
}
