import type { EmulatedCloud } from "../cloud";
import { stringAt, valueAt } from "../model/paths";
import { kindNamed, type Kind } from "./kinds";
import type { Objects } from "./objects";
import type { Stored } from "./stored";

/** What a container of a pod is started with. */
export interface Surroundings {
  readonly environment: Record<string, string>;
  /** Text of its files by their absolute paths. */
  readonly files: Record<string, string>;
}

interface Container {
  name: string;
  image?: string;
  env?: { name: string; value?: string; valueFrom?: Record<string, Record<string, string>> }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
  ports?: { name?: string; containerPort: number }[];
  readinessProbe?: { httpGet?: { path?: string; port: number | string } };
}

interface Volume {
  name: string;
  secret?: { secretName: string };
  configMap?: { name: string };
  csi?: { volumeAttributes?: { secretProviderClass?: string } };
}

const SECRET = kindNamed("v1", "Secret") as Kind;
const CONFIG_MAP = kindNamed("v1", "ConfigMap") as Kind;
const PROVIDER_CLASS = kindNamed("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass") as Kind;

/** A container of a pod by its name; the first unless named. */
export function containerOf(pod: Stored, name?: string): Container | undefined {
  const containers = (pod.spec?.containers ?? []) as Container[];
  return name === undefined ? containers[0] : containers.find((one) => one.name === name);
}

/**
 * Environment and files of a container as the kubelet and the driver of vault secrets put them together. Values of a
 * vault are read with the rights of the identity the SecretProviderClass names.
 * @throws Error that says what is missing or refused; the container then does not start
 */
export function surroundings(
  cloud: EmulatedCloud,
  objects: Objects,
  pod: Stored,
  container: Container,
): Surroundings {
  const { namespace } = pod.metadata;
  const environment: Record<string, string> = {};
  const files: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    const read = value ?? from(valueFrom ?? {});
    if (read !== undefined) environment[name] = read;
  }
  const volumes = (pod.spec?.volumes ?? []) as Volume[];
  for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
    const volume = volumes.find((one) => one.name === name);
    for (const [file, text] of Object.entries(volume ? contentOf(volume) : {}))
      if (subPath === undefined || subPath === file)
        files[subPath === undefined ? `${mountPath}/${file}` : mountPath] = text;
  }
  return { environment, files };

  function from({ secretKeyRef, configMapKeyRef, fieldRef }: Record<string, Record<string, string>>) {
    if (secretKeyRef) return secret(secretKeyRef["name"] ?? "")[secretKeyRef["key"] ?? ""];
    if (configMapKeyRef) return configMap(configMapKeyRef["name"] ?? "")[configMapKeyRef["key"] ?? ""];
    const at = valueAt(pod as never, fieldRef?.["fieldPath"] ?? "");
    return typeof at === "string" ? at : undefined;
  }

  function contentOf({ secret: ofSecret, configMap: ofMap, csi }: Volume): Record<string, string> {
    if (ofSecret) return secret(ofSecret.secretName);
    if (ofMap) return configMap(ofMap.name);
    return csi ? vaulted(csi.volumeAttributes?.secretProviderClass ?? "") : {};
  }

  function configMap(name: string): Record<string, string> {
    return objects.get(CONFIG_MAP, namespace, name)["data"] as Record<string, string>;
  }

  /** A Secret, or one the driver of vault secrets would have made. */
  function secret(name: string): Record<string, string> {
    const there = objects.find(SECRET, namespace, name);
    if (there) {
      const data = Object.entries((there["data"] ?? {}) as Record<string, string>);
      return {
        ...Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, "base64").toString()])),
        ...((there["stringData"] ?? {}) as Record<string, string>),
      };
    }
    for (const provider of objects.list(PROVIDER_CLASS, namespace)) {
      const synced = (
        (provider.spec?.secretObjects ?? []) as {
          secretName: string;
          data: { key: string; objectName: string }[];
        }[]
      ).find(({ secretName }) => secretName === name);
      if (!synced) continue;
      const values = vaulted(provider.metadata.name);
      return Object.fromEntries(synced.data.map(({ key, objectName }) => [key, values[objectName] ?? ""]));
    }
    throw new Error(`secret "${name}" not found`);
  }

  function vaulted(className: string): Record<string, string> {
    const { spec } = objects.get(PROVIDER_CLASS, namespace, className);
    const {
      keyvaultName = "",
      clientID = "",
      objects: wanted = "",
    } = (spec?.parameters ?? {}) as Record<string, string>;
    const names = [...wanted.matchAll(/objectName:\s*"?([\w-]+)/g)].map(([, name = ""]) => name);
    return Object.fromEntries(names.map((name) => [name, vaultSecret(cloud, keyvaultName, name, clientID)]));
  }
}

/** A secret's value as an identity reads it. @throws Error when it may not, or there is none */
function vaultSecret(cloud: EmulatedCloud, vault: string, name: string, clientId: string): string {
  const ending = `/vaults/${vault}/secrets/${name}`.toLowerCase();
  const found = [...cloud.cloud.all()].find(
    ({ id, softDeleted }) => !softDeleted && id.toLowerCase().endsWith(ending),
  );
  const principal = cloud.directory.byAppId(clientId);
  const action = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
  if (!found) throw new Error(`vault ${vault} holds no secret ${name}`);
  if (!principal || !cloud.rights.may(principal, { action, scope: found.id, data: true }))
    throw new Error(`identity ${clientId} may not read ${name} of vault ${vault}: ${action}`);
  return stringAt(found.inputs, "properties.value") ?? "";
}
