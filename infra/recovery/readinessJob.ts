import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob";
import * as pulumi from "@pulumi/pulumi";
import { filesMount, filesVolume } from "../kubernetes/files";
import { labelsOf, WORKLOAD_IDENTITY_LABEL } from "../kubernetes/labels";
import { networkPolicy } from "../kubernetes/networkPolicy";
import { plainVariables, restrictedContainer, restrictedPod } from "../kubernetes/pod";
import { priorityOf } from "../kubernetes/priorities";
import { serviceAccount } from "../kubernetes/serviceAccount";
import { addresses, DNS, ENTRA, publicInternet } from "../kubernetes/traffic";
import {
  secretFile,
  SECRETS_MOUNT,
  secretProviderClass,
  secretsVolume,
  VaultSource,
} from "../kubernetes/vaultSecrets";
import { secretsOf } from "../secrets/secretCatalogue";
import { READINESS } from "./readiness";
import { podFailurePolicy, scheduled } from "./recoveryJobs";

export interface ReadinessJobArgs {
  product: string;
  namespace: pulumi.Input<string>;
  /** Name of the stack whose readiness is checked. */
  stack: string;
  /** The stack's file as the checks read it: plain values, no secret. */
  stackFile: string;
  /** Image of the operations, pinned by digest. */
  image: string;
  /** Cron expression, UTC; once a day at least. */
  schedule: string;
  vault: VaultSource;
  identityClientId: pulumi.Input<string>;
  /** Addresses of the private endpoints of database, storage, vaults and registry. */
  endpointsCidr: string;
  databasePort: number;
  /** True where another region serves: one preflight looks at both, and a second would wake a node of the standby every day. */
  suspended: boolean;
}

/** Folder the stack's file is mounted in. */
const FOLDER = "/platform";
/** The ConfigMap with it. */
const PLATFORM = `${READINESS.identity}-platform`;

/**
 * Looks every day whether a failover would work, and keeps what it found in the accounts of backups, where the exporter of
 * metrics and drills read it. Its identity changes nothing on Azure and reads no secret but the login of monitoring; what it may
 * ask Azure for is the custom role `preflight`, which an owner gives it (docs/deploying.md, step 9).
 */
export class ReadinessJob extends pulumi.ComponentResource {
  constructor(
    private readonly name: string,
    private readonly args: ReadinessJobArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:recovery:ReadinessJob", name, {}, opts);
    const { namespace, product, vault, identityClientId: clientId, stack, stackFile } = args;
    const labels = labelsOf(READINESS.identity, "recovery", product);
    const own = { parent: this };
    const common = { workload: READINESS.identity, namespace, labels, clientId };
    const secrets = secretProviderClass(
      `${name}-secrets`,
      { ...common, source: vault, secrets: secretsOf(READINESS.identity), asEnvironment: false },
      own,
    );
    // Under one name, and changed in place: the next run starts a pod, which reads it as it is then.
    const platform = new ConfigMap(
      `${name}-platform`,
      { metadata: { name: PLATFORM, namespace, labels }, data: { [`Pulumi.${stack}.yaml`]: stackFile } },
      own,
    );
    const account = serviceAccount(`${name}-account`, common, own);
    this.schedule(labels, [account, secrets, platform, this.traffic(labels)]);
    this.registerOutputs({});
  }

  private traffic(labels: Record<string, string>) {
    const { namespace, endpointsCidr, databasePort } = this.args;
    const egress = [
      DNS,
      ENTRA,
      addresses("storage, vaults and registry", endpointsCidr, 443),
      addresses("database", endpointsCidr, databasePort),
      // Azure's resource manager, the API server of the other region, registries and the platform's own public names have
      // no addresses that stay.
      publicInternet("what a failover asks for", 443),
    ];
    return networkPolicy(
      `${this.name}-traffic`,
      { workload: READINESS.identity, namespace, labels, egress },
      { parent: this },
    );
  }

  private schedule(labels: Record<string, string>, ready: pulumi.Resource[]) {
    const { namespace } = this.args;
    const { metadata, spec } = scheduled(this.args);
    return new CronJob(
      `${this.name}-job`,
      {
        metadata: {
          name: READINESS.cronJob,
          namespace,
          labels,
          ...metadata,
        },
        spec: {
          ...spec,
          jobTemplate: {
            metadata: { labels },
            spec: {
              // A check that fails ends with 1 or 3 and is on record: another try would say the same.
              backoffLimit: READINESS.retries,
              activeDeadlineSeconds: READINESS.deadlineMinutes * 60,
              podFailurePolicy: podFailurePolicy(READINESS.identity, [1, 2, 3]),
              template: {
                metadata: { labels: { ...labels, ...WORKLOAD_IDENTITY_LABEL } },
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
    const { image, stack, product } = this.args;
    return restrictedPod(
      {
        serviceAccountName: READINESS.identity,
        containers: [
          restrictedContainer({
            name: READINESS.identity,
            image,
            args: READINESS.arguments(stack),
            resources: READINESS.resources,
            env: plainVariables({
              STACK_FOLDER: FOLDER,
              DATABASE_URL_FILE: secretFile("database-monitoring-url"),
            }),
            mounts: [SECRETS_MOUNT, filesMount(FOLDER)],
          }),
        ],
        volumes: [secretsVolume(READINESS.identity), filesVolume(PLATFORM)],
      },
      {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 60,
        ...priorityOf({ role: "recovery", product }),
      },
    );
  }
}
