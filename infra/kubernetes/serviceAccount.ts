import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount";
import * as pulumi from "@pulumi/pulumi";

/** Service account of one workload; the Azure identity it is bound to trusts exactly this name and namespace. */
export function serviceAccount(
  name: string,
  args: {
    workload: string;
    namespace: pulumi.Input<string>;
    labels: Record<string, string>;
    clientId: pulumi.Input<string>;
  },
  opts: pulumi.CustomResourceOptions,
): ServiceAccount {
  return new ServiceAccount(
    name,
    {
      metadata: {
        name: args.workload,
        namespace: args.namespace,
        labels: args.labels,
        annotations: { "azure.workload.identity/client-id": args.clientId },
      },
      automountServiceAccountToken: false,
    },
    opts,
  );
}
