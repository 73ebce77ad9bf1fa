import { POD_SECURITY_VERSION } from "../../../infra/cluster/podSecurity";
import { PRIORITY_CLASSES, priorityClassName } from "../../../infra/kubernetes/priorities";
import { scratchVolumes } from "../../../infra/recovery/recoveryJobs";
import { PRODUCT, type StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import {
  atLeast,
  atMost,
  containing,
  everyWith,
  GIVEN,
  holding,
  NARROW,
  NONE,
  oneOf,
} from "../../rules/expected";
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

/** What a namespace gives whatever runs in it. */
export function namespaces(config: StackConfig, regions: number): Demand[] {
  const { api, dashboard } = config.workloads;
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
        // Room for all the autoscalers may ask for, or a busy evening stops at the quota.
        "spec.hard.pods": atLeast(api.maxReplicas + dashboard.maxReplicas + WORKLOADS.length),
        'spec.hard["requests.storage"]': atLeast(`${scratchVolumes() * config.recovery.scratchGiB}Gi`),
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
