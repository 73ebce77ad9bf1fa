import { POD_SECURITY_VERSION } from "../../../infra/cluster/podSecurity";
import { PRIORITY_CLASSES, priorityClassName } from "../../../infra/kubernetes/priorities";
import { PRODUCT, type StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import {
  atLeastOf,
  atMost,
  containing,
  everyWith,
  GIVEN,
  holding,
  NARROW,
  NONE,
  oneOf,
} from "../../rules/expected";
import { EDGE_PROBES, MONITORED_SERVICES, STATUS_PAGE_PROBES } from "../../../packages/alerting/services";
import { WORKLOADS } from "./pods";

/** Networks inside the clusters: who may talk to whom, and to nobody else. */
export function traffic(regions: number): Demand[] {
  const NOT_PUBLIC = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "168.63.129.16/32",
  ];
  const peers = (direction: string, list: string): Record<string, unknown> => ({
    [`spec.${direction}[].ports`]: GIVEN,
    [`spec.${direction}[].ports[].port`]: GIVEN,
    [`spec.${direction}[].ports[].protocol`]: oneOf("TCP", "UDP"),
    [`spec.${direction}[].${list}[]`]: GIVEN,
    [`spec.${direction}[].${list}[].ipBlock?`]: NARROW,
    [`spec.${direction}[].${list}[].ipBlock.except?`]: holding(...NOT_PUBLIC),
    [`spec.${direction}[].${list}`]: everyWith("namespaceSelector", { podSelector: { matchLabels: GIVEN } }),
    [`spec.${direction}[].${list}[].namespaceSelector?`]: GIVEN,
    [`spec.${direction}[].${list}[].namespaceSelector.matchLabels?`]: GIVEN,
    [`spec.${direction}[].${list}[].podSelector?`]: GIVEN,
    [`spec.${direction}[].${list}[].podSelector.matchLabels?`]: GIVEN,
  });
  const policies = [...WORKLOADS, "backup", "copy", "drill", "prune", "verify", "operator", "preflight"];
  return [
    {
      what: "each network policy",
      key: "infra/kubernetes/traffic.ts",
      type: "NetworkPolicy",
      each: {
        "spec.policyTypes": holding("Ingress", "Egress"),
        ...peers("ingress", "from"),
        ...peers("egress", "to"),
      },
      count: (policies.length + 1) * regions,
    },
    {
      what: "the policy that refuses what no other allows",
      key: "infra/cluster/namespace.ts",
      type: "NetworkPolicy",
      where: { "metadata.name": "default-deny" },
      is: { "spec.podSelector": NONE, "spec.ingress": NONE, "spec.egress": NONE },
      count: regions,
    },
    // They run in the region that serves only.
    ...["migration", "roles"].map((name): Demand => ({
      what: `the traffic of ${name}`,
      key: "infra/kubernetes/traffic.ts",
      type: "NetworkPolicy",
      where: { "metadata.name": name },
      is: { "spec.podSelector.matchLabels": { "app.kubernetes.io/name": name }, "spec.egress": GIVEN },
    })),
    ...policies.map((name): Demand => ({
      what: `the traffic of ${name}`,
      key: "infra/kubernetes/traffic.ts",
      type: "NetworkPolicy",
      where: { "metadata.name": name },
      is: { "spec.podSelector.matchLabels": { "app.kubernetes.io/name": name }, "spec.egress": GIVEN },
      count: regions,
    })),
  ];
}

/** Names under which the clusters are scraped. */
const scraped = (config: StackConfig): string[] => [
  "api",
  "gateway",
  "metrics",
  "monitoring",
  "probes",
  "status-page",
  ...(config.serving.witness ? ["gateway-serving"] : []),
];

/** What a namespace gives whatever runs in it. */
export function namespaces(regions: number, config: StackConfig): Demand[] {
  const enforced = (mode: string): Record<string, string> => ({
    [`metadata.labels["pod-security.kubernetes.io/${mode}"]`]: "restricted",
    [`metadata.labels["pod-security.kubernetes.io/${mode}-version"]`]: POD_SECURITY_VERSION,
  });
  const key = "infra/cluster/namespace.ts";
  return [
    {
      what: "each namespace",
      key,
      type: "Namespace",
      each: {
        ...enforced("enforce"),
        ...enforced("audit"),
        ...enforced("warn"),
      },
      count: regions,
    },
    {
      what: "the quota of each namespace",
      key,
      type: "ResourceQuota",
      each: {
        "spec.hard.pods": GIVEN,
        'spec.hard["requests.storage"]': GIVEN,
        'spec.hard["services.loadbalancers"]': atMost(2),
      },
      count: regions,
    },
    {
      what: "the limits of each namespace",
      key,
      type: "LimitRange",
      is: {
        "spec.limits": holding({
          type: "Container",
          default: { cpu: GIVEN, memory: GIVEN, "ephemeral-storage": GIVEN },
          defaultRequest: { cpu: GIVEN, memory: GIVEN, "ephemeral-storage": GIVEN },
        }),
      },
      count: regions,
    },
    ...Object.entries(PRIORITY_CLASSES).map(([name, { value }]): Demand => ({
      what: `the priority of ${name}`,
      key: "infra/kubernetes/priorities.ts",
      type: "PriorityClass",
      where: { "metadata.name": priorityClassName(PRODUCT, name as keyof typeof PRIORITY_CLASSES) },
      is: { value },
      count: regions,
    })),
    {
      what: "what is scraped",
      key: "infra/monitoring/scrapeConfig.ts",
      type: "PodMonitor",
      each: {
        "spec.selector.matchLabels": GIVEN,
        "spec.podMetricsEndpoints": GIVEN,
        "spec.podMetricsEndpoints[].interval": atMost("1m"),
        "spec.podMetricsEndpoints[].scrapeTimeout?": atMost("30s"),
        "spec.podMetricsEndpoints[].path": GIVEN,
        "spec.podMetricsEndpoints[].port": GIVEN,
        // Alerts ask for this label.
        "spec.podMetricsEndpoints[].relabelings": holding({
          targetLabel: "job",
          replacement: GIVEN,
          action: "replace",
        }),
        "spec.namespaceSelector.matchNames": GIVEN,
      },
      // Each service, the exporters, the probes and the status page.
      count: 6 * regions,
    },
    ...scraped(config).map((name): Demand => ({
      what: `what is scraped of ${name}`,
      key: "infra/monitoring/scrapeConfig.ts",
      type: "PodMonitor",
      where: { "metadata.name": name },
      is: { "spec.podMetricsEndpoints": GIVEN },
      count: regions,
    })),
    {
      what: "what is probed",
      key: "packages/alerting/services.ts",
      type: "PodMonitor",
      where: { "metadata.name": "probes" },
      is: {
        "spec.podMetricsEndpoints": holding(
          ...MONITORED_SERVICES.map(({ job }) => ({
            path: "/probe",
            params: { module: GIVEN, target: GIVEN },
            relabelings: holding({ targetLabel: "job", replacement: job, action: "replace" }),
          })),
        ),
      },
      each: {
        "spec.podMetricsEndpoints[].params.module": GIVEN,
        "spec.podMetricsEndpoints[].params.target": GIVEN,
      },
      count: regions,
    },
    {
      what: "what is probed beside the services",
      key: "packages/alerting/services.ts",
      type: "PodMonitor",
      where: { "metadata.name": "probes" },
      is: {
        "spec.podMetricsEndpoints": atLeastOf(
          MONITORED_SERVICES.length + EDGE_PROBES.length + STATUS_PAGE_PROBES.length,
        ),
      },
      count: regions,
    },
    {
      what: "the secrets of a workload",
      key: "infra/kubernetes/vaultSecrets.ts",
      type: "SecretProviderClass",
      each: {
        "spec.provider": "azure",
        "spec.parameters.usePodIdentity": "false",
        "spec.parameters.clientID": GIVEN,
        "spec.parameters.keyvaultName": GIVEN,
        "spec.parameters.objects": containing("objectName:"),
        "spec.parameters.tenantId": GIVEN,
      },
    },
  ];
}
