import { load } from "js-yaml";
import type { EmulatedCloud } from "../../../packages/emulated-azure/cloud";
import type { Api, Stored } from "../../../packages/emulated-azure/kubernetes";
import { kindNamed, type Kind } from "../../../packages/emulated-azure/kubernetes/kinds";
import { podsOf, type InSubnet } from "../../../packages/emulated-azure/network/vantage";
import { answerVault } from "../../../packages/emulated-azure/vault";

const CLASS = kindNamed("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass") as Kind;
const SECRET = kindNamed("v1", "Secret") as Kind;
/** Of the vaults. */
const API_VERSION = "7.6";
const AUDIENCE = "https://vault.azure.net";
/** Between two looks at the vaults; the driver of a cluster takes two minutes, which nobody here wants to wait for. */
const LOOK_EVERY_MS = 250;

interface Parameters {
  clientID: string;
  keyvaultName: string;
  objects: string;
}

/** A class some pod mounts. */
interface Mounted {
  api: Api;
  stored: Stored;
  /** Where the nodes are that fetch its values. */
  from: InSubnet;
  values: Record<string, string>;
}

interface SecretObject {
  secretName: string;
  labels?: Record<string, string>;
  data: { objectName: string; key: string }[];
}

/**
 * What the secret store's driver does in a cluster: it fetches the values a pod mounts, with the workload's own identity and
 * rights, and keeps them as a Secret for as long as a pod mounts them.
 */
export class SecretDriver {
  private readonly mounted = new Map<string, Mounted>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly cloud: () => EmulatedCloud) {}

  /** Values a pod's mounted class gives, by the name of the secret; none for a pod that mounts none. */
  async mount(cluster: string, api: Api, pod: Stored): Promise<Record<string, string>> {
    const name = classOf(pod);
    const { namespace } = pod.metadata;
    const stored = name === undefined ? undefined : api.objects.find(CLASS, namespace, name);
    if (!stored) return {};
    const from = podsOf(this.cloud().cloud, cluster);
    const values = await this.fetch({ stored, from });
    this.keep(api, stored, values);
    this.mounted.set(`${cluster}/${stored.metadata.name}`, { api, stored, from, values });
    this.timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
    return values;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    for (const one of this.mounted.values()) {
      // A vault of a lost region keeps what it had.
      const values = await this.fetch(one).catch(() => one.values);
      if (JSON.stringify(values) === JSON.stringify(one.values)) continue;
      one.values = values;
      this.keep(one.api, one.stored, values);
    }
  }

  private async fetch({ stored, from }: Pick<Mounted, "stored" | "from">): Promise<Record<string, string>> {
    const { spec, metadata } = stored;
    const { clientID, keyvaultName, objects } = (spec as { parameters: Parameters }).parameters;
    const cloud = this.cloud();
    const identity = cloud.directory.byAppId(clientID);
    if (!identity) throw new Error(`${metadata.name}: no identity ${clientID}`);
    const token = cloud.directory.issue(identity, AUDIENCE);
    const { array } = load(objects) as { array: string[] };
    const host = `${keyvaultName}.vault.azure.net`;
    const entries = await Promise.all(
      array.map(async (text) => {
        const { objectName } = load(text) as { objectName: string };
        const { body } = await answerVault(cloud, {
          method: "GET",
          url: new URL(`https://${host}/secrets/${objectName}?api-version=${API_VERSION}`),
          host,
          from,
          authorization: `Bearer ${token}`,
          body: undefined,
        });
        return [objectName, (body as { value?: string }).value ?? ""] as const;
      }),
    );
    return Object.fromEntries(entries);
  }

  private keep(api: Api, { spec, metadata }: Stored, values: Record<string, string>): void {
    for (const { secretName, labels, data } of (spec?.["secretObjects"] ?? []) as SecretObject[]) {
      const encoded = Object.fromEntries(
        data.map(({ objectName, key }) => [key, Buffer.from(values[objectName] ?? "").toString("base64")]),
      );
      const known = api.objects.find(SECRET, metadata.namespace, secretName);
      if (known) api.objects.replace(SECRET, known, { ...known, data: encoded });
      else
        api.create({
          apiVersion: "v1",
          kind: "Secret",
          metadata: {
            name: secretName,
            ...(metadata.namespace && { namespace: metadata.namespace }),
            ...(labels && { labels }),
          },
          data: encoded,
        });
    }
  }
}

function classOf({ spec }: Stored): string | undefined {
  const volumes = (spec?.["volumes"] ?? []) as {
    csi?: { volumeAttributes?: { secretProviderClass?: string } };
  }[];
  return volumes.flatMap(({ csi }) => csi?.volumeAttributes?.secretProviderClass ?? [])[0];
}

/** A container's variables, those of Secrets included. @throws Error for one whose Secret is not there */
export function variablesOf(
  api: Api,
  namespace: string | undefined,
  container: Container,
): Record<string, string> {
  return Object.fromEntries(
    (container.env ?? []).flatMap(({ name, value, valueFrom }): [string, string][] => {
      if (value !== undefined) return [[name, value]];
      const ref = valueFrom?.secretKeyRef;
      if (!ref) return [];
      const secret = api.objects.find(SECRET, namespace, ref.name);
      const data = (secret?.["data"] ?? {}) as Record<string, string>;
      if (data[ref.key] === undefined) throw new Error(`secret ${ref.name} has no ${ref.key}`);
      return [[name, Buffer.from(data[ref.key] ?? "", "base64").toString()]];
    }),
  );
}

export interface Container {
  name: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[];
  volumeMounts?: { name: string; mountPath: string }[];
}

export const containersOf = ({ spec }: Stored): Container[] => (spec?.["containers"] ?? []) as Container[];
