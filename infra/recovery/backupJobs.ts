import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob";
import * as pulumi from "@pulumi/pulumi";
import { labelsOf, WORKLOAD_IDENTITY_LABEL } from "../kubernetes/labels";
import { networkPolicy } from "../kubernetes/networkPolicy";
import { NOT_EVICTED, plainVariables, restrictedContainer, restrictedPod } from "../kubernetes/pod";
import { priorityOf } from "../kubernetes/priorities";
import { SCRATCH_MOUNT, scratchVolume } from "../kubernetes/scratch";
import { serviceAccount } from "../kubernetes/serviceAccount";
import { addresses, DNS, ENTRA, NamedTraffic } from "../kubernetes/traffic";
import {
  secretFile,
  SECRETS_MOUNT,
  secretProviderClass,
  secretsVolume,
  VaultSource,
} from "../kubernetes/vaultSecrets";
import {
  KEPT_SECONDS,
  RecoveryIdentity,
  RECOVERY_JOBS,
  RecoveryJob,
  RecoveryDeadline,
  RecoverySchedules,
  podFailurePolicy,
  scheduled,
} from "./recoveryJobs";
import { elsewhere, identityFile, recoveryEnvironment, RecoveryTargets } from "./recoveryTargets";
import { featuresOf } from "../secrets/features";
import { secretsOf } from "../secrets/secretCatalogue";

export interface BackupJobsArgs {
  product: string;
  namespace: pulumi.Input<string>;
  /** Image of the recovery runner, pinned by digest. */
  image: string;
  targets: RecoveryTargets;
  vault: VaultSource;
  /** Client id of each identity the jobs run under. */
  clientIds: Record<RecoveryIdentity, pulumi.Input<string>>;
  /** Database whose backups are verified and whose loss is drilled. */
  database: string;
  /** Cron expressions, UTC. */
  schedules: RecoverySchedules;
  /** Minutes after which a run is ended; longer than the longest run. */
  deadlineMinutes: Record<RecoveryDeadline, number>;
  /** Size of the volume a backup is restored in, in GiB; about twice the database. */
  scratchGiB: number;
  /** Addresses of the private endpoints of database and storage. */
  endpointsCidr: string;
  databasePort: number;
  /** True where another region runs the jobs: they exist, and start nothing. */
  suspended: boolean;
}

/**
 * The recovery runner's scheduled work. Every verb has an identity of its own with no more rights than it needs:
 * what backs up can delete nothing, what deletes cannot read the database.
 *
 * A run that overlaps the one before is skipped, one that hangs is ended at its deadline, and one that fails is
 * tried again, unless another try could only fail the same way.
 */
export class BackupJobs extends pulumi.ComponentResource {
  constructor(
    private readonly name: string,
    private readonly args: BackupJobsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:recovery:BackupJobs", name, {}, opts);
    const identities = [...new Set(RECOVERY_JOBS.map(({ identity }) => identity))];
    const ready = Object.fromEntries(
      identities.map((identity) => [identity, this.identity(identity)]),
    ) as Record<RecoveryIdentity, pulumi.Resource[]>;
    for (const job of RECOVERY_JOBS) this.schedule(job, ready[job.identity]);
    this.registerOutputs({});
  }

  private labels(identity: RecoveryIdentity) {
    return labelsOf(identity, "recovery", this.args.product);
  }

  /** Service account, secrets and traffic of one identity. */
  private identity(identity: RecoveryIdentity): pulumi.Resource[] {
    const { namespace, clientIds, vault } = this.args;
    const labels = this.labels(identity);
    const clientId = clientIds[identity];
    const own = { parent: this };
    const account = serviceAccount(
      `${this.name}-${identity}-account`,
      { workload: identity, namespace, labels, clientId },
      own,
    );
    const policy = networkPolicy(
      `${this.name}-${identity}-traffic`,
      { workload: identity, namespace, labels, egress: this.egress(identity) },
      own,
    );
    const entries = secretsOf(identity, featuresOf(this.args.targets));
    if (entries.length === 0) return [account, policy];
    const secrets = secretProviderClass(
      `${this.name}-${identity}-secrets`,
      {
        workload: identity,
        namespace,
        labels,
        source: vault,
        clientId,
        secrets: entries,
        asEnvironment: false,
      },
      own,
    );
    return [account, policy, secrets];
  }

  private egress(identity: RecoveryIdentity): NamedTraffic[] {
    const { endpointsCidr, databasePort } = this.args;
    return [
      DNS,
      ENTRA,
      addresses("storage", endpointsCidr, 443),
      ...elsewhere(this.args.targets),
      ...(readsDatabase(identity) ? [addresses("database", endpointsCidr, databasePort)] : []),
    ];
  }

  private schedule(job: RecoveryJob, ready: pulumi.Resource[]) {
    const { namespace, schedules, deadlineMinutes, suspended } = this.args;
    const labels = this.labels(job.identity);
    const { metadata, spec } = scheduled({ schedule: schedules[job.name], suspended });
    return new CronJob(
      `${this.name}-${job.name}`,
      {
        metadata: {
          name: `recovery-${job.name}`,
          namespace,
          labels,
          ...metadata,
        },
        spec: {
          ...spec,
          jobTemplate: {
            metadata: { labels },
            spec: {
              backoffLimit: job.retries,
              // What holds no disk may stay: its pods are the nearest log of what it did.
              ...(job.scratch && { ttlSecondsAfterFinished: KEPT_SECONDS }),
              activeDeadlineSeconds: deadlineMinutes[job.deadline] * 60,
              // Wrong settings stay wrong. A lease that is held is worth waiting for where a backup would be missed.
              podFailurePolicy: podFailurePolicy(job.identity, job.identity === "backup" ? [2] : [2, 4]),
              template: {
                metadata: { annotations: NOT_EVICTED, labels: { ...labels, ...WORKLOAD_IDENTITY_LABEL } },
                spec: this.pod(job),
              },
            },
          },
        },
      },
      { parent: this, dependsOn: ready },
    );
  }

  private pod(job: RecoveryJob) {
    const { image, targets, scratchGiB, deadlineMinutes, database } = this.args;
    const secrets = secretsOf(job.identity, featuresOf(targets)).length > 0;
    return restrictedPod(
      {
        serviceAccountName: job.identity,
        containers: [
          restrictedContainer({
            name: job.identity,
            image,
            args: job.arguments({ deadlineMinutes: deadlineMinutes[job.deadline], database }),
            resources: job.resources,
            env: plainVariables({
              ...recoveryEnvironment(targets),
              RECOVERY_IMAGE: image,
              ...(readsDatabase(job.identity) && { DATABASE_URL_FILE: secretFile("database-backup-url") }),
              ...(job.scratch && identityFile(targets)),
              ...(job.scratch && { SCRATCH_DIR: SCRATCH_MOUNT.mountPath }),
            }),
            mounts: [...(secrets ? [SECRETS_MOUNT] : []), ...(job.scratch ? [SCRATCH_MOUNT] : [])],
          }),
        ],
        volumes: [
          ...(secrets ? [secretsVolume(job.identity)] : []),
          ...(job.scratch ? [scratchVolume(scratchGiB)] : []),
        ],
      },
      {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 60,
        ...priorityOf({ role: "recovery", product: this.args.product }),
      },
    );
  }
}

function readsDatabase(identity: RecoveryIdentity): identity is "backup" | "drill" {
  return identity === "backup" || identity === "drill";
}
