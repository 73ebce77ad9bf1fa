import { Job } from "@pulumi/kubernetes/batch/v1/job";
import * as pulumi from "@pulumi/pulumi";
import { digestOf, Files, filesMap, filesMount, filesVolume } from "../kubernetes/files";
import { labelsOf, Role, WORKLOAD_IDENTITY_LABEL } from "../kubernetes/labels";
import { networkPolicy } from "../kubernetes/networkPolicy";
import {
  ContainerResources,
  NOT_EVICTED,
  plainVariables,
  restrictedContainer,
  restrictedPod,
} from "../kubernetes/pod";
import { priorityOf } from "../kubernetes/priorities";
import { serviceAccount } from "../kubernetes/serviceAccount";
import { NamedTraffic } from "../kubernetes/traffic";
import {
  SECRETS_MOUNT,
  secretProviderClass,
  secretsVolume,
  secretVariables,
  VaultSecret,
  VaultSource,
} from "../kubernetes/vaultSecrets";

/** One container of a job's pod. */
export interface JobStep {
  name: string;
  image: string;
  command?: string[];
  arguments?: string[];
  environment?: Record<string, string>;
  /** Names of the secrets it gets as environment variables. All are mounted as files too. */
  secrets?: readonly string[];
}

export interface OneShotJobArgs {
  /** Name of the job's service account and the beginning of its own; one of the platform's identities. */
  workload: string;
  role: Role;
  product: string;
  namespace: pulumi.Input<string>;
  identityClientId: pulumi.Input<string>;
  secrets: { source: VaultSource; entries: readonly VaultSecret[] };
  files?: Files;
  /** Steps, one after another; each must succeed. */
  steps: readonly [JobStep, ...JobStep[]];
  resources: ContainerResources;
  /** Minutes after which the job is ended and counts as failed. */
  deadlineMinutes: number;
  egress: readonly NamedTraffic[];
  /** What must exist before the job runs. */
  after?: pulumi.Resource[];
}

/**
 * Work that runs once per content: its name ends in a digest of its pod, so a new image, script or issue of
 * secrets makes a new job, and an unchanged one never runs again. Pulumi waits for it to succeed;
 * what depends on `done` starts only then.
 */
export class OneShotJob extends pulumi.ComponentResource {
  readonly done: Job;

  constructor(
    private readonly name: string,
    private readonly args: OneShotJobArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:workload:OneShotJob", name, {}, opts);
    const { workload, namespace, identityClientId: clientId } = args;
    const labels = labelsOf(workload, args.role, args.product);
    const own = { parent: this };
    const account = serviceAccount(`${name}-account`, { workload, namespace, labels, clientId }, own);
    const secrets = secretProviderClass(
      `${name}-secrets`,
      {
        workload,
        namespace,
        labels,
        clientId,
        source: args.secrets.source,
        secrets: args.secrets.entries,
        asEnvironment: true,
      },
      own,
    );
    const files =
      args.files && filesMap(`${name}-files`, { workload, namespace, labels, files: args.files }, own);
    const policy = networkPolicy(
      `${name}-traffic`,
      { workload, namespace, labels, egress: args.egress },
      own,
    );
    this.done = this.run(labels, files?.name, [account, secrets, policy, ...(files ? [files.map] : [])]);
    this.registerOutputs({});
  }

  private run(labels: Record<string, string>, filesName: string | undefined, parts: pulumi.Resource[]) {
    const { workload, namespace, deadlineMinutes } = this.args;
    const pod = this.pod(filesName);
    return new Job(
      `${this.name}-job`,
      {
        metadata: { name: `${workload}-${digestOf(pod)}`, namespace, labels },
        spec: {
          backoffLimit: 3,
          activeDeadlineSeconds: deadlineMinutes * 60,
          template: {
            metadata: { annotations: NOT_EVICTED, labels: { ...labels, ...WORKLOAD_IDENTITY_LABEL } },
            spec: pod,
          },
        },
      },
      {
        parent: this,
        dependsOn: [...parts, ...(this.args.after ?? [])],
        customTimeouts: { create: `${deadlineMinutes}m` },
      },
    );
  }

  private pod(filesName: string | undefined) {
    const { workload, steps } = this.args;
    const containers = steps.map((step) => this.container(step));
    return restrictedPod(
      {
        serviceAccountName: workload,
        initContainers: containers.slice(0, -1),
        containers: containers.slice(-1),
        volumes: [secretsVolume(workload), ...(filesName ? [filesVolume(filesName)] : [])],
      },
      { restartPolicy: "Never", ...priorityOf(this.args) },
    );
  }

  private container(step: JobStep) {
    const { workload, secrets, files, resources } = this.args;
    return restrictedContainer({
      name: step.name,
      image: step.image,
      command: step.command,
      args: step.arguments,
      resources,
      env: [
        ...plainVariables(step.environment ?? {}),
        ...secretVariables(workload, secrets, step.secrets ?? []),
      ],
      mounts: [SECRETS_MOUNT, ...(files ? [filesMount(files.folder)] : [])],
    });
  }
}
