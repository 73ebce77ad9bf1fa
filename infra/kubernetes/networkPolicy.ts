import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy";
import * as pulumi from "@pulumi/pulumi";
import { NamedTraffic, trafficNames, trafficPolicy } from "./traffic";

/** Network policy of one workload, of its name: it may have the traffic listed here, in each direction, and no other. */
export function networkPolicy(
  name: string,
  args: {
    workload: string;
    namespace: pulumi.Input<string>;
    labels: Record<string, string>;
    /** Default: none. */
    ingress?: readonly NamedTraffic[];
    egress: readonly NamedTraffic[];
  },
  opts: pulumi.CustomResourceOptions,
): NetworkPolicy {
  const { workload, namespace, labels, ingress = [], egress } = args;
  const traffic = { ingress, egress };
  return new NetworkPolicy(
    name,
    {
      metadata: { name: workload, namespace, labels, annotations: trafficNames(traffic) },
      spec: trafficPolicy(workload, traffic),
    },
    opts,
  );
}
