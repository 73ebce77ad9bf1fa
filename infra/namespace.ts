import { LimitRange } from "@pulumi/kubernetes/core/v1/limitRange";
import { Namespace as KubernetesNamespace } from "@pulumi/kubernetes/core/v1/namespace";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy";
import * as pulumi from "@pulumi/pulumi";
import { platformLabels } from "./kubernetes/labels";

export interface NamespaceArgs {
  /** Name of the namespace. Changing it replaces everything in it. */
  namespace: string;
  product: string;
  /** Environment the namespace belongs to, as a label. */
  environment: string;
  quota: {
    /** Most pods at one time. */
    pods: number;
    /** Most storage requested by all volumes together, in GiB. */
    storageGiB: number;
    /** Most load balancer services: each is an address in the virtual network. */
    loadBalancers: number;
  };
}

/**
 * The application's namespace. It admits only pods of the restricted Pod Security Standard, forbids all traffic
 * that no policy allows, and bounds what a runaway workload can take from its neighbours.
 */
export class Namespace extends pulumi.ComponentResource {
  /** Name of the namespace, known once it exists. */
  readonly namespace: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    args: NamespaceArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:cluster:Namespace", name, {}, opts);
    const namespace = this.create(args);
    this.namespace = namespace.metadata.name;
    this.limits(args);
    this.defaultDeny(args);
    this.registerOutputs({ namespace: this.namespace });
  }

  private create(args: NamespaceArgs) {
    const level = "restricted";
    return new KubernetesNamespace(
      `${this.name}-namespace`,
      {
        metadata: {
          name: args.namespace,
          labels: {
            ...platformLabels(args.product),
            "forma3d.com/environment": args.environment,
            "pod-security.kubernetes.io/enforce": level,
            "pod-security.kubernetes.io/audit": level,
            "pod-security.kubernetes.io/warn": level,
          },
        },
      },
      { parent: this },
    );
  }

  private metadata(name: string, { product }: NamespaceArgs) {
    return { name, namespace: this.namespace, labels: platformLabels(product) };
  }

  private limits(args: NamespaceArgs) {
    const { quota } = args;
    new ResourceQuota(
      `${this.name}-quota`,
      {
        metadata: this.metadata("platform", args),
        spec: {
          hard: {
            pods: String(quota.pods),
            "requests.storage": `${quota.storageGiB}Gi`,
            "services.loadbalancers": String(quota.loadBalancers),
          },
        },
      },
      { parent: this },
    );
    // Containers that state nothing get these; the platform's own state all of them.
    new LimitRange(
      `${this.name}-limits`,
      {
        metadata: this.metadata("platform", args),
        spec: {
          limits: [
            {
              type: "Container",
              defaultRequest: { cpu: "50m", memory: "64Mi" },
              default: { cpu: "500m", memory: "256Mi" },
            },
          ],
        },
      },
      { parent: this },
    );
  }

  private defaultDeny(args: NamespaceArgs) {
    new NetworkPolicy(
      `${this.name}-default-deny`,
      {
        metadata: this.metadata("default-deny", args),
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
      },
      { parent: this },
    );
  }
}
