import { Job } from "@pulumi/kubernetes/batch/v1/job";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy";
import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";
import { labelsOf, Role, WORKLOAD_IDENTITY_LABEL } from "./kubernetes/labels";
import { ContainerResources, plainVariables, restrictedContainer, restrictedPod } from "./kubernetes/pod";
import { serviceAccount } from "./kubernetes/serviceAccount";
import { NamedTraffic, trafficNames, trafficPolicy } from "./kubernetes/traffic";
import {
  SECRETS_MOUNT,
  secretProviderClass,
  secretsVolume,
  secretVariables,
  VaultSecret,
  VaultSource,
} from "./kubernetes/vaultSecrets";

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
  /** Files the steps read, by name. Never a secret. */
  files?: { folder: string; contents: Record<string, string> };
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
 * Work that runs once per content: its name ends in a digest of everything it is made of, so a new image, script
 * or issue of secrets makes a new job, and an unchanged one never runs again. Pulumi waits for it to succeed;
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
    const files = this.files(labels);
    const policy = this.traffic(labels);
    this.done = this.run(labels, files?.name, [account, secrets, policy, ...(files ? [files.map] : [])]);
    this.registerOutputs({});
  }

  private files(labels: Record<string, string>) {
    const { files, workload, namespace } = this.args;
    if (!files) return undefined;
    const name = `${workload}-${digestOf(files.contents)}`;
    const map = new ConfigMap(
      `${this.name}-files`,
      { metadata: { name, namespace, labels }, immutable: true, data: files.contents },
      { parent: this },
    );
    return { map, name };
  }

  private traffic(labels: Record<string, string>) {
    const { workload, namespace, egress } = this.args;
    const traffic = { ingress: [], egress };
    return new NetworkPolicy(
      `${this.name}-traffic`,
      {
        metadata: { name: workload, namespace, labels, annotations: trafficNames(traffic) },
        spec: trafficPolicy(workload, traffic),
      },
      { parent: this },
    );
  }

  private run(labels: Record<string, string>, filesName: string | undefined, parts: pulumi.Resource[]) {
    const { workload, namespace, steps, secrets, files, deadlineMinutes, resources } = this.args;
    const { issue } = secrets.source;
    const digest = digestOf({
      steps,
      files: files?.contents,
      issue,
      secrets: secrets.entries.map((s) => s.name),
    });
    const containers = steps.map((step) =>
      restrictedContainer({
        name: step.name,
        image: step.image,
        command: step.command,
        args: step.arguments,
        resources,
        env: [
          ...plainVariables(step.environment ?? {}),
          ...secretVariables(
            workload,
            issue,
            secrets.entries.filter(({ name }) => step.secrets?.includes(name)),
          ),
        ],
        mounts: [
          SECRETS_MOUNT,
          ...(files ? [{ name: "files", mountPath: files.folder, readOnly: true }] : []),
        ],
      }),
    );
    return new Job(
      `${this.name}-job`,
      {
        metadata: { name: `${workload}-${digest}`, namespace, labels },
        spec: {
          backoffLimit: 3,
          activeDeadlineSeconds: deadlineMinutes * 60,
          template: {
            metadata: { labels: { ...labels, ...WORKLOAD_IDENTITY_LABEL } },
            spec: restrictedPod(
              {
                serviceAccountName: workload,
                initContainers: containers.slice(0, -1),
                containers: containers.slice(-1),
                volumes: [
                  secretsVolume(workload),
                  ...(filesName
                    ? [{ name: "files", configMap: { name: filesName, defaultMode: 0o444 } }]
                    : []),
                ],
              },
              { restartPolicy: "Never" },
            ),
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
}

function digestOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 10);
}
