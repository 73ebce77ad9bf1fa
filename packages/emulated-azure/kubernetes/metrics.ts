import { containerOf } from "./containers";
import type { Pods } from "./pods";
import { notFound } from "./status";
import type { Stored } from "./stored";

/** What the metrics server answers: of each running pod what its process uses, nothing where none runs. */
export function podMetrics(
  pods: readonly Stored[],
  { namespace, name: asked }: { namespace?: string; name?: string },
  machine: Pods,
  now: Date,
): object {
  const timestamp = now.toISOString().replace(/\.\d+/, "");
  const running = pods.filter(({ status }) => status?.["phase"] === "Running");
  const items = running.map((pod) => {
    const { milliCores, kibibytes } = machine.usage(pod);
    const { name, namespace, labels, creationTimestamp } = pod.metadata;
    return {
      kind: "PodMetrics",
      apiVersion: "metrics.k8s.io/v1beta1",
      metadata: { name, namespace, labels, creationTimestamp },
      timestamp,
      window: "30s",
      containers: [
        { name: containerOf(pod)?.name ?? "", usage: { cpu: `${milliCores}m`, memory: `${kibibytes}Ki` } },
      ],
    };
  });
  if (asked === undefined)
    return { kind: "PodMetricsList", apiVersion: "metrics.k8s.io/v1beta1", metadata: {}, items };
  const [one] = items;
  if (!one) throw notFound(`podmetrics.metrics.k8s.io "${namespace ?? ""}/${asked}"`);
  return one;
}
