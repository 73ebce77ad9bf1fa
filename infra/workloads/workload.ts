import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget";
import * as pulumi from "@pulumi/pulumi";
import { serviceSpec } from "../kubernetes/exposure";
import { FilesMap, filesMap } from "../kubernetes/files";
import { horizontalPodAutoscaler } from "../kubernetes/horizontalPodAutoscaler";
import { labelsOf, selectorOf, WORKLOAD_IDENTITY_LABEL } from "../kubernetes/labels";
import { networkPolicy } from "../kubernetes/networkPolicy";
import { serviceAccount } from "../kubernetes/serviceAccount";
import { secretProviderClass } from "../kubernetes/vaultSecrets";
import { checkWorkload, WorkloadArgs } from "./workloadArgs";
import { workloadPod } from "./workloadPod";

export type { WorkloadArgs } from "./workloadArgs";

/**
 * A stateless application that loses no request when a pod, a node or a zone goes: replicas spread over zones,
 * probes, an autoscaler, a disruption budget, orderly shutdown, and traffic limited to what it names. In a region that
 * stands by it is the same with no pod.
 *
 * A rollout adds a pod before it takes one away; a pod that does not become ready stops it.
 */
export class Workload extends pulumi.ComponentResource {
  /** Name of the Service: the host name inside the namespace. */
  readonly host: string;
  /** The Service; what is in front of it must wait for it. */
  readonly service: Service;

  private readonly metadata: {
    name: string;
    namespace: pulumi.Input<string>;
    labels: Record<string, string>;
  };

  constructor(
    private readonly name: string,
    private readonly args: WorkloadArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:workload:Workload", name, {}, opts);
    checkWorkload(args);
    this.metadata = {
      name: args.workload,
      namespace: args.namespace,
      labels: labelsOf(args.workload, args.role, args.product),
    };
    this.host = args.workload;
    const account = this.account();
    const secrets = this.secrets();
    const files = this.files();
    const policy = this.traffic();
    const deployment = this.deploy([account, policy, secrets, files?.map], files);
    this.service = this.serve(deployment);
    this.autoscale(deployment);
    this.limitDisruption();
    this.registerOutputs({ host: this.host });
  }

  private account() {
    const { workload, namespace, identityClientId: clientId } = this.args;
    const { labels } = this.metadata;
    return serviceAccount(
      `${this.name}-account`,
      { workload, namespace, labels, clientId },
      { parent: this },
    );
  }

  private secrets() {
    const { secrets, workload, namespace, identityClientId: clientId } = this.args;
    if (!secrets) return undefined;
    return secretProviderClass(
      `${this.name}-secrets`,
      {
        workload,
        namespace,
        labels: this.metadata.labels,
        source: secrets.source,
        clientId,
        secrets: secrets.entries,
        asEnvironment: !secrets.filesOnly,
      },
      { parent: this },
    );
  }

  private files() {
    const { files, workload, namespace } = this.args;
    if (!files) return undefined;
    const { labels } = this.metadata;
    return filesMap(`${this.name}-files`, { workload, namespace, labels, files }, { parent: this });
  }

  private traffic() {
    const { workload, namespace, ingress, egress } = this.args;
    const { labels } = this.metadata;
    return networkPolicy(
      `${this.name}-traffic`,
      { workload, namespace, labels, ingress, egress },
      { parent: this },
    );
  }

  private deploy(parts: (pulumi.Resource | undefined)[], files: FilesMap | undefined) {
    const { args } = this;
    return new Deployment(
      `${this.name}-deployment`,
      {
        metadata: { ...this.metadata, annotations: this.deploymentAnnotations() },
        spec: {
          ...this.replicas(),
          selector: { matchLabels: selectorOf(args.workload) },
          strategy: args.singleBecause
            ? { type: "Recreate" }
            : { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          minReadySeconds: 10,
          progressDeadlineSeconds: 600,
          revisionHistoryLimit: 5,
          template: {
            metadata: { labels: { ...this.metadata.labels, ...WORKLOAD_IDENTITY_LABEL } },
            spec: workloadPod(args, files?.name),
          },
        },
      },
      {
        parent: this,
        dependsOn: [...parts.filter((part) => part !== undefined), ...(args.after ?? [])],
      },
    );
  }

  private scales(): boolean {
    return !this.args.standby && this.args.maxReplicas > this.args.minReplicas;
  }

  /**
   * Where there is an autoscaler it alone sets the number, from its minimum on: a number stated here would be set back
   * by every rollout, and one that is ignored would keep a region at the zero it stood by with. A region that runs pods
   * is never taken to zero by an update: Kubernetes refuses the number, which then belongs to whoever set it last.
   */
  private replicas(): { replicas?: number } {
    if (this.args.standby) return { replicas: 0 };
    return this.scales() ? {} : { replicas: this.args.minReplicas };
  }

  private deploymentAnnotations(): Record<string, string> | undefined {
    const { singleBecause, standby } = this.args;
    const annotations = {
      ...(singleBecause && { "forma3d.com/single-replica-because": singleBecause }),
      ...(standby && {
        "forma3d.com/region-role": "standby",
        // Whoever takes the region up reads here what to set; nothing else that stands then may know.
        "forma3d.com/serving-replicas": `${this.args.minReplicas}`,
        "pulumi.com/skipAwait": "true",
      }),
    };
    return Object.keys(annotations).length > 0 ? annotations : undefined;
  }

  /**
   * Pulumi waits for a Service until pods stand behind it. One that is exposed counts as there once its load balancer
   * is: a region that stands by has no pods, and Front Door's link needs the Private Link Service in both.
   */
  private serviceAnnotations(): Record<string, string> | undefined {
    const { exposure, standby } = this.args;
    if (exposure) {
      return {
        ...serviceSpec(exposure).annotations,
        "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}",
      };
    }
    return standby ? { "pulumi.com/skipAwait": "true" } : undefined;
  }

  private serve(deployment: Deployment) {
    const { workload, ports, exposure } = this.args;
    return new Service(
      `${this.name}-service`,
      {
        metadata: { ...this.metadata, annotations: this.serviceAnnotations() },
        spec: {
          selector: selectorOf(workload),
          ports: ports.map(({ name, port }, index) => ({
            name,
            port: index === 0 ? 80 : port,
            targetPort: name,
            protocol: "TCP",
          })),
          ...(exposure ? serviceSpec(exposure).spec : { type: "ClusterIP" }),
        },
      },
      { parent: this, dependsOn: [deployment] },
    );
  }

  private autoscale(deployment: Deployment) {
    if (!this.scales()) return;
    const { labels } = this.metadata;
    horizontalPodAutoscaler(
      `${this.name}-autoscaler`,
      { ...this.args, labels },
      { parent: this, dependsOn: [deployment] },
    );
  }

  private limitDisruption() {
    new PodDisruptionBudget(
      `${this.name}-disruption`,
      {
        metadata: this.metadata,
        spec: {
          selector: { matchLabels: selectorOf(this.args.workload) },
          // One at a time: a node can always be drained, and never two pods go at once.
          maxUnavailable: 1,
          // A pod that is broken anyway must not hold up the repair of its node.
          unhealthyPodEvictionPolicy: "AlwaysAllow",
        },
      },
      { parent: this },
    );
  }
}
