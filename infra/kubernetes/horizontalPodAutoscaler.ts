import type { autoscaling, core } from "@pulumi/kubernetes/types/input";
import { selectorOf } from "./labels";

/** When pods are added and removed. */
export interface ScalingArgs {
  minReplicas: number;
  maxReplicas: number;
  /** Mean use in percent of the request. */
  targetCpuPercent: number;
  targetMemoryPercent: number;
}

function utilization(resource: "cpu" | "memory", percent: number): autoscaling.v2.MetricSpec {
  return {
    type: "Resource",
    resource: { name: resource, target: { type: "Utilization", averageUtilization: percent } },
  };
}

/**
 * Adds pods within half a minute, at most doubling them per minute, and takes them away one by one after five
 * calm minutes, so that a short dip does not cost the pods the next peak needs.
 */
export function scaling(
  args: ScalingArgs,
): Omit<autoscaling.v2.HorizontalPodAutoscalerSpec, "scaleTargetRef"> {
  return {
    minReplicas: args.minReplicas,
    maxReplicas: args.maxReplicas,
    metrics: [utilization("cpu", args.targetCpuPercent), utilization("memory", args.targetMemoryPercent)],
    behavior: {
      scaleUp: {
        stabilizationWindowSeconds: 30,
        selectPolicy: "Max",
        policies: [
          { type: "Percent", value: 100, periodSeconds: 60 },
          { type: "Pods", value: 2, periodSeconds: 60 },
        ],
      },
      scaleDown: {
        stabilizationWindowSeconds: 300,
        selectPolicy: "Min",
        policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
      },
    },
  };
}

/**
 * Spreads the pods of one rollout evenly over zones, and over nodes where that is possible. Nodes of a lost zone
 * carry a taint and do not count, so the remaining zones take its pods.
 */
export function zoneSpread(workload: string): core.v1.TopologySpreadConstraint[] {
  const common = {
    maxSkew: 1,
    labelSelector: { matchLabels: selectorOf(workload) },
    matchLabelKeys: ["pod-template-hash"],
    nodeTaintsPolicy: "Honor",
  };
  return [
    { ...common, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" },
    { ...common, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway" },
  ];
}

/**
 * How long pods stay bound to a node that has gone silent. Kubernetes' own five minutes are longer than a zone's loss
 * may be felt; a minute still outlasts a restart of the node's agent.
 */
const SILENT_NODE_SECONDS = 60;

/** Lets pods be replaced a minute after their node has stopped answering. */
export const LEAVE_SILENT_NODES: core.v1.Toleration[] = ["not-ready", "unreachable"].map((taint) => ({
  key: `node.kubernetes.io/${taint}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: SILENT_NODE_SECONDS,
}));
