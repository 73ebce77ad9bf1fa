import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob";
import * as pulumi from "@pulumi/pulumi";
import { labelsOf, WORKLOAD_IDENTITY_LABEL } from "../kubernetes/labels";
import { networkPolicy } from "../kubernetes/networkPolicy";
import { NOT_EVICTED, plainVariables, restrictedContainer, restrictedPod } from "../kubernetes/pod";
import { priorityOf } from "../kubernetes/priorities";
import { SCRATCH_MOUNT, scratchVolume } from "../kubernetes/scratch";
import { serviceAccount } from "../kubernetes/serviceAccount";
import { addresses, DNS, ENTRA } from "../kubernetes/traffic";
import {
  secretFile,
  SECRETS_MOUNT,
  secretProviderClass,
  secretsVolume,
  VaultSource,
} from "../kubernetes/vaultSecrets";
import { KEPT_SECONDS, RESTORING } from "./recoveryJobs";
import {
  elsewhere,
  GateArgs,
  gateSettings,
  identityFile,
  recoveryEnvironment,
  RecoveryTargets,
} from "./recoveryTargets";
import { featuresOf } from "../secrets/features";
import { secretsOf } from "../secrets/secretCatalogue";

export interface OperatorJobArgs {
  product: string;
  namespace: pulumi.Input<string>;
  /** Image of the recovery runner, pinned by digest; it has `psql` too. */
  image: string;
  targets: RecoveryTargets;
  /** Container of incident records. */
  incidents: string;
  /** What `guard` holds a connection against. */
  gate: GateArgs;
  vault: VaultSource;
  identityClientId: pulumi.Input<string>;
  /** Size of the volume a backup is restored in, in GiB. */
  scratchGiB: number;
  /** Addresses of the private endpoints of database and storage. */
  endpointsCidr: string;
  /** Direct and pooled: a restore tries each role out through the connection it works with. */
  databasePorts: readonly number[];
}

const WORKLOAD = "operator";

/** Files with the administrator's connection, and with those that a restore tries out before it says done. */
const CONNECTIONS = {
  DATABASE_URL_FILE: secretFile("database-admin-url"),
  PROBE_API_URL_FILE: secretFile("database-api-url"),
  PROBE_MIGRATION_URL_FILE: secretFile("database-migration-url"),
  PROBE_BACKUP_URL_FILE: secretFile("database-backup-url"),
};

/** Hours a pod waits for its operator; then it ends by itself and takes its rights with it. */
const SHIFT_HOURS = 8;

/**
 * The one place from which a person works on database and backups of an environment: both answer private endpoints
 * only. It is a job nobody has scheduled; an operator starts it, enters its pod and finds the recovery runner and
 * `psql` with the administrator's connection:
 * `kubectl create job operator --from cronjob/recovery-operator`, `kubectl exec job/operator -- …`.
 *
 * Its identity reads and writes backups and can delete none. While no such job runs, nothing holds these rights in the
 * cluster, and each start and each command stands in the API server's audit log under the person's name.
 */
export class OperatorJob extends pulumi.ComponentResource {
  constructor(
    private readonly name: string,
    private readonly args: OperatorJobArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:recovery:OperatorJob", name, {}, opts);
    const { namespace, product, vault, identityClientId: clientId } = args;
    const labels = labelsOf(WORKLOAD, "recovery", product);
    const own = { parent: this };
    const common = { workload: WORKLOAD, namespace, labels, clientId };
    const account = serviceAccount(`${name}-account`, common, own);
    const secrets = secretProviderClass(
      `${name}-secrets`,
      {
        ...common,
        source: vault,
        secrets: secretsOf(WORKLOAD, featuresOf(this.args.targets)),
        asEnvironment: false,
      },
      own,
    );
    this.job(labels, [account, secrets, this.traffic(labels)]);
    this.registerOutputs({});
  }

  private traffic(labels: Record<string, string>) {
    const { namespace, endpointsCidr, databasePorts } = this.args;
    const egress = [
      DNS,
      ENTRA,
      addresses("storage", endpointsCidr, 443),
      ...elsewhere(this.args.targets),
      addresses("database", endpointsCidr, ...databasePorts),
    ];
    return networkPolicy(
      `${this.name}-traffic`,
      { workload: WORKLOAD, namespace, labels, egress },
      { parent: this },
    );
  }

  private job(labels: Record<string, string>, ready: pulumi.Resource[]) {
    return new CronJob(
      `${this.name}-job`,
      {
        metadata: { name: "recovery-operator", namespace: this.args.namespace, labels },
        spec: {
          // Kubernetes wants a schedule; suspended, it starts nothing.
          schedule: "0 0 1 1 *",
          timeZone: "Etc/UTC",
          suspend: true,
          concurrencyPolicy: "Forbid",
          startingDeadlineSeconds: KEPT_SECONDS,
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 1,
          jobTemplate: {
            metadata: { labels },
            spec: {
              // Whatever was typed into a pod that died is not repeated by another.
              backoffLimit: 0,
              activeDeadlineSeconds: SHIFT_HOURS * 3600 + KEPT_SECONDS,
              ttlSecondsAfterFinished: KEPT_SECONDS,
              template: {
                metadata: { annotations: NOT_EVICTED, labels: { ...labels, ...WORKLOAD_IDENTITY_LABEL } },
                spec: this.pod(),
              },
            },
          },
        },
      },
      { parent: this, dependsOn: ready },
    );
  }

  private pod() {
    const { image, targets, gate, incidents, scratchGiB } = this.args;
    return restrictedPod(
      {
        serviceAccountName: WORKLOAD,
        containers: [
          restrictedContainer({
            name: WORKLOAD,
            image,
            command: ["/usr/bin/tini", "--", "sleep"],
            args: [String(SHIFT_HOURS * 3600)],
            resources: RESTORING,
            env: plainVariables({
              ...recoveryEnvironment(targets),
              ...gateSettings(gate),
              BACKUP_CONTAINER_INCIDENTS: incidents,
              RECOVERY_IMAGE: image,
              ...CONNECTIONS,
              ...identityFile(targets),
              SCRATCH_DIR: SCRATCH_MOUNT.mountPath,
            }),
            mounts: [SECRETS_MOUNT, SCRATCH_MOUNT],
          }),
        ],
        volumes: [secretsVolume(WORKLOAD), scratchVolume(scratchGiB)],
      },
      {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 60,
        ...priorityOf({ role: "recovery", product: this.args.product }),
      },
    );
  }
}
