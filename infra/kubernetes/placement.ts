import type { core } from "@pulumi/kubernetes/types/input";
import { selectorOf } from "./labels";

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
