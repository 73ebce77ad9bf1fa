import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import type { core } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "./files";

/** Where a region's pods take their secrets from. */
export interface VaultSource {
  vaultName: string;
  tenantId: string;
  /**
   * What tells one value of a secret from the next, without the value. The synced Secret is named after it: pods
   * roll with a new value, wait for it, and never start with an old one that has not been refreshed yet.
   */
  issue: (secret: string) => string;
}

/** One secret a pod reads. */
export interface VaultSecret {
  /** Name in the vault, also the name of the mounted file. */
  name: string;
  /** Environment variable programs expect it in. */
  variable: string;
}

/** Folder the secrets are mounted in, one file each. */
const SECRETS_FOLDER = "/run/secrets/vault";

/** Path of a mounted secret. */
export function secretFile(secret: string): string {
  return `${SECRETS_FOLDER}/${secret}`;
}

/** Name of the Secret whose values a workload's containers get as environment variables. */
export function syncedSecretName(
  workload: string,
  { issue }: Pick<VaultSource, "issue">,
  secrets: readonly VaultSecret[],
): string {
  return `${workload}-${digestOf(secrets.map(({ name }) => [name, issue(name)]))}`;
}

/**
 * How secrets reach a workload's pods: fetched from Key Vault with the workload's own identity at the start of a
 * pod, and refreshed every two minutes. Programs that read files get only the files; for programs that read
 * environment variables the driver also keeps a Secret, so that no value stands in a pod's definition.
 */
export function secretProviderClass(
  name: string,
  args: {
    workload: string;
    namespace: pulumi.Input<string>;
    labels: Record<string, string>;
    source: VaultSource;
    clientId: pulumi.Input<string>;
    secrets: readonly VaultSecret[];
    /** Whether the values are also kept as a Secret for environment variables. */
    asEnvironment: boolean;
  },
  opts: pulumi.CustomResourceOptions,
): CustomResource {
  const objects = args.secrets.map((secret) =>
    [`    objectName: ${secret.name}`, "    objectType: secret"].join("\n"),
  );
  return new CustomResource(
    name,
    {
      apiVersion: "secrets-store.csi.x-k8s.io/v1",
      kind: "SecretProviderClass",
      metadata: { name: args.workload, namespace: args.namespace, labels: args.labels },
      spec: {
        provider: "azure",
        parameters: {
          usePodIdentity: "false",
          clientID: args.clientId,
          keyvaultName: args.source.vaultName,
          tenantId: args.source.tenantId,
          objects: `array:\n${objects.map((entry) => `  - |\n${entry}\n`).join("")}`,
        },
        ...(args.asEnvironment && {
          secretObjects: [
            {
              secretName: syncedSecretName(args.workload, args.source, args.secrets),
              type: "Opaque",
              labels: args.labels,
              data: args.secrets.map((secret) => ({ objectName: secret.name, key: secret.variable })),
            },
          ],
        }),
      },
    },
    opts,
  );
}

const SECRETS_VOLUME = "vault-secrets";

/** Volume of the mounted secrets. Without it in a pod the driver keeps no Secret either. */
export function secretsVolume(workload: string): core.v1.Volume {
  return {
    name: SECRETS_VOLUME,
    csi: {
      driver: "secrets-store.csi.k8s.io",
      readOnly: true,
      volumeAttributes: { secretProviderClass: workload },
    },
  };
}

export const SECRETS_MOUNT: core.v1.VolumeMount = {
  name: SECRETS_VOLUME,
  mountPath: SECRETS_FOLDER,
  readOnly: true,
};

/**
 * Environment variables that refer to the synced Secret of a workload.
 * @param wanted names of those a container gets; default all.
 */
export function secretVariables(
  workload: string,
  { source, entries }: { source: Pick<VaultSource, "issue">; entries: readonly VaultSecret[] },
  wanted?: readonly string[],
): core.v1.EnvVar[] {
  const name = syncedSecretName(workload, source, entries);
  return entries
    .filter((entry) => wanted?.includes(entry.name) ?? true)
    .map(({ variable }) => ({
      name: variable,
      valueFrom: { secretKeyRef: { name, key: variable, optional: false } },
    }));
}
