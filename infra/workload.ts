import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget";
import type { core } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";
import { labelsOf, Role, selectorOf, WORKLOAD_IDENTITY_LABEL } from "./kubernetes/labels";
import { ContainerResources, plainVariables, restrictedContainer, restrictedPod } from "./kubernetes/pod";
import { HealthPaths, probes } from "./kubernetes/probes";
import { scaling, zoneSpread } from "./kubernetes/scaling";
import { serviceAccount } from "./kubernetes/serviceAccount";
import { SHUTDOWN } from "./kubernetes/shutdown";
import { NamedTraffic, trafficNames, trafficPolicy } from "./kubernetes/traffic";
import {
  SECRETS_MOUNT,
  secretProviderClass,
  secretsVolume,
  secretVariables,
  VaultSecret,
  VaultSource,
} from "./kubernetes/vaultSecrets";
import { Exposure, serviceSpec } from "./kubernetes/exposure";

export interface WorkloadArgs {
  /** Name in Kubernetes, of the Deployment, its Service and its service account. Changing it replaces them all. */
  workload: string;
  role: Role;
  product: string;
  namespace: pulumi.Input<string>;
  /** Container image pinned by digest. Changing it rolls the pods one by one. */
  image: string;
  /** Command and arguments; default the image's own. */
  command?: string[];
  arguments?: string[];
  /** Ports the container listens on, by name. The Service offers the first one as port 80, the others unchanged. */
  ports: readonly { name: string; port: number }[];
  health: HealthPaths;
  resources: ContainerResources;
  /**
   * Why there may be only one pod, at least 15 characters; with it both replicas are 1, and a rollout stops the old
   * pod before it starts the new one.
   */
  singleBecause?: string;
  /** Fewest pods, and the replicas at creation. */
  minReplicas: number;
  /** Most pods; not below minReplicas. Equal: no autoscaler is made. */
  maxReplicas: number;
  /** Mean use, in percent of the request, at which pods are added. */
  targetCpuPercent: number;
  targetMemoryPercent: number;
  /** Plain environment variables; never a secret. */
  environment?: Record<string, pulumi.Input<string>>;
  /** Client id of the workload's Azure identity. */
  identityClientId: pulumi.Input<string>;
  /** Secrets the containers get as environment variables, through the vault. */
  secrets?: { source: VaultSource; entries: readonly VaultSecret[] };
  /** Files the container reads, by name; a change rolls the pods. Never a secret. */
  files?: { folder: string; contents: Record<string, string> };
  /** Container that must succeed before the workload starts, given the mounted secrets. */
  gate?: { name: string; image: string; arguments: string[]; environment: Record<string, string> };
  ingress: readonly NamedTraffic[];
  egress: readonly NamedTraffic[];
  /** How the Service is reached; default from inside the cluster only. */
  exposure?: Exposure;
  /** What must be done before the pods start or roll, such as a migration. */
  after?: pulumi.Resource[];
  /**
   * Whether a deployment waits until the pods are ready, and fails when they do not get there; default true. False
   * in a region that stands by: its pods wait for the database to be promoted.
   */
  awaitReady?: boolean;
}

/** Resources of a gate: it connects once and ends. */
const GATE_RESOURCES: ContainerResources = {
  cpuRequest: "50m",
  cpuLimit: "500m",
  memoryRequest: "64Mi",
  memoryLimit: "256Mi",
};

/**
 * A stateless application that loses no request when a pod, a node or a zone goes: replicas spread over zones,
 * probes, an autoscaler, a disruption budget, orderly shutdown, and traffic limited to what it names.
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
    check(args);
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
        asEnvironment: true,
      },
      { parent: this },
    );
  }

  private files() {
    const { files } = this.args;
    if (!files) return undefined;
    const digest = createHash("sha256").update(JSON.stringify(files.contents)).digest("hex").slice(0, 8);
    const mapName = `${this.args.workload}-${digest}`;
    const map = new ConfigMap(
      `${this.name}-files`,
      {
        metadata: { ...this.metadata, name: mapName },
        immutable: true,
        data: files.contents,
      },
      { parent: this },
    );
    return { map, mapName, folder: files.folder };
  }

  private traffic() {
    const { workload } = this.args;
    return new NetworkPolicy(
      `${this.name}-traffic`,
      {
        metadata: { ...this.metadata, annotations: trafficNames(this.args) },
        spec: trafficPolicy(workload, this.args),
      },
      { parent: this },
    );
  }

  private deploy(
    parts: (pulumi.Resource | undefined)[],
    files: { mapName: string; folder: string } | undefined,
  ) {
    const { args } = this;
    return new Deployment(
      `${this.name}-deployment`,
      {
        metadata: this.awaited({
          ...this.metadata,
          ...(args.singleBecause && {
            annotations: { "forma3d.com/single-replica-because": args.singleBecause },
          }),
        }),
        spec: {
          replicas: args.minReplicas,
          selector: { matchLabels: selectorOf(args.workload) },
          strategy: args.singleBecause
            ? { type: "Recreate" }
            : { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          minReadySeconds: 10,
          progressDeadlineSeconds: 600,
          revisionHistoryLimit: 5,
          template: {
            metadata: { labels: { ...this.metadata.labels, ...WORKLOAD_IDENTITY_LABEL } },
            spec: this.podSpec(files),
          },
        },
      },
      {
        parent: this,
        // Where there is an autoscaler, it sets it from then on.
        ignoreChanges: this.scales() ? ["spec.replicas"] : [],
        dependsOn: [...parts.filter((part) => part !== undefined), ...(args.after ?? [])],
      },
    );
  }

  private scales(): boolean {
    return this.args.maxReplicas > this.args.minReplicas;
  }

  private awaited<M extends object>(metadata: M & { annotations?: Record<string, string> }) {
    return this.args.awaitReady === false
      ? { ...metadata, annotations: { ...metadata.annotations, "pulumi.com/skipAwait": "true" } }
      : metadata;
  }

  private podSpec(files?: { mapName: string; folder: string }): core.v1.PodSpec {
    const { args } = this;
    const secretMounts = args.secrets ? [SECRETS_MOUNT] : [];
    const fileMounts = files ? [{ name: "files", mountPath: files.folder, readOnly: true }] : [];
    return restrictedPod(
      {
        serviceAccountName: args.workload,
        initContainers: this.gate(secretMounts),
        containers: [this.container([...secretMounts, ...fileMounts])],
        volumes: [
          ...(args.secrets ? [secretsVolume(args.workload)] : []),
          ...(files ? [{ name: "files", configMap: { name: files.mapName, defaultMode: 0o444 } }] : []),
        ],
      },
      {
        terminationGracePeriodSeconds: SHUTDOWN.graceSeconds,
        topologySpreadConstraints: zoneSpread(args.workload),
      },
    );
  }

  private container(mounts: core.v1.VolumeMount[]): core.v1.Container {
    const { args } = this;
    return restrictedContainer(
      {
        name: args.workload,
        image: args.image,
        command: args.command,
        args: args.arguments,
        resources: args.resources,
        mounts,
        env: [
          ...plainVariables(args.environment ?? {}),
          ...(args.secrets
            ? secretVariables(args.workload, args.secrets.source.issue, args.secrets.entries)
            : []),
        ],
      },
      {
        ports: args.ports.map(({ name, port }) => ({ name, containerPort: port, protocol: "TCP" })),
        ...probes(args.health),
        lifecycle: { preStop: { sleep: { seconds: SHUTDOWN.preStopSeconds } } },
      },
    );
  }

  private gate(mounts: core.v1.VolumeMount[]): core.v1.Container[] {
    const { gate } = this.args;
    if (!gate) return [];
    return [
      restrictedContainer({
        name: gate.name,
        image: gate.image,
        args: gate.arguments,
        resources: GATE_RESOURCES,
        env: plainVariables(gate.environment),
        mounts,
      }),
    ];
  }

  private serve(deployment: Deployment) {
    const { workload, ports, exposure } = this.args;
    return new Service(
      `${this.name}-service`,
      {
        metadata: this.awaited({
          ...this.metadata,
          annotations: exposure && serviceSpec(exposure).annotations,
        }),
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
    const { workload } = this.args;
    if (!this.scales()) return;
    new HorizontalPodAutoscaler(
      `${this.name}-autoscaler`,
      {
        metadata: this.metadata,
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: workload },
          ...scaling(this.args),
        },
      },
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

function check({ minReplicas, maxReplicas, ports, image, singleBecause }: WorkloadArgs) {
  const wrong = (propertyPath: string, reason: string) =>
    new pulumi.InputPropertyError({ propertyPath, reason });
  if (!/@sha256:[0-9a-f]{64}$/.test(image))
    throw wrong("image", `"${image}" is not pinned by a sha256 digest`);
  if (minReplicas < 1) throw wrong("minReplicas", `${minReplicas} is below 1`);
  if (minReplicas > maxReplicas)
    throw wrong("minReplicas", `${minReplicas} is above maxReplicas (${maxReplicas})`);
  if (singleBecause !== undefined && maxReplicas !== 1)
    throw wrong("maxReplicas", `${maxReplicas} is not 1, though singleBecause says there is one pod`);
  if (ports.length === 0) throw wrong("ports", "a workload listens on at least one port");
}
