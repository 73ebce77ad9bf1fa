import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler";
import type { autoscaling } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";

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
function scaling(args: ScalingArgs): Omit<autoscaling.v2.HorizontalPodAutoscalerSpec, "scaleTargetRef"> {
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

/** HPA of one workload's Deployment, of the same name. */
export function horizontalPodAutoscaler(
  name: string,
  args: ScalingArgs & {
    workload: string;
    namespace: pulumi.Input<string>;
    labels: Record<string, string>;
  },
  opts: pulumi.CustomResourceOptions,
): HorizontalPodAutoscaler {
  const { workload, namespace, labels } = args;
  return new HorizontalPodAutoscaler(
    name,
    {
      metadata: { name: workload, namespace, labels },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: workload },
        ...scaling(args),
      },
    },
    opts,
  );
}
