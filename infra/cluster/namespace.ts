import { LimitRange } from "@pulumi/kubernetes/core/v1/limitRange";
import { Namespace as KubernetesNamespace } from "@pulumi/kubernetes/core/v1/namespace";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy";
import { PriorityClass } from "@pulumi/kubernetes/scheduling/v1/priorityClass";
import * as pulumi from "@pulumi/pulumi";
import { platformLabels } from "../kubernetes/labels";
import { EPHEMERAL_STORAGE } from "../kubernetes/pod";
import { PRIORITY_CLASSES, PriorityClassName, priorityClassName } from "../kubernetes/priorities";
import { POD_SECURITY_VERSION } from "./podSecurity";

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
 * The application's namespace, and the cluster's classes of pods. It admits only pods of the restricted Pod Security Standard, forbids all traffic
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
            ...Object.fromEntries(
              ["enforce", "audit", "warn"].flatMap((mode) => [
                [`pod-security.kubernetes.io/${mode}`, level],
                [`pod-security.kubernetes.io/${mode}-version`, POD_SECURITY_VERSION],
              ]),
            ),
          },
        },
      },
      // Whatever runs in the namespace names a class, and is refused while there is none.
      { parent: this, dependsOn: this.priorities(args) },
    );
  }

  private priorities({ product }: NamespaceArgs): PriorityClass[] {
    return (Object.keys(PRIORITY_CLASSES) as PriorityClassName[]).map(
      (name) =>
        new PriorityClass(
          `${this.name}-priority-${name}`,
          {
            metadata: { name: priorityClassName(product, name), labels: platformLabels(product) },
            ...PRIORITY_CLASSES[name],
          },
          { parent: this },
        ),
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
              defaultRequest: {
                cpu: "50m",
                memory: "64Mi",
                "ephemeral-storage": EPHEMERAL_STORAGE.request,
              },
              default: { cpu: "500m", memory: "256Mi", "ephemeral-storage": EPHEMERAL_STORAGE.limit },
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
