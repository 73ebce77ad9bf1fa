import { AKS_SERVER_APPLICATION } from "../../azure-facts";
import type { Authority } from "../certificates";
import type { EmulatedCloud } from "../cloud";
import type { CloudEvent } from "../hooks";
import { CERTIFICATE_AUTHORITY } from "../model/azure/functions";
import { lastName } from "../model/ids";
import { objectsAt, stringAt, textAt } from "../model/paths";
import type { Stored as Resource } from "../model/types";
import type { Principal } from "../rights/directory";
import { accessTo } from "./access";
import { Api } from "./api";
import { serveKubernetes, type KubernetesFront } from "./front";
import { kindNamed, KINDS, type Kind } from "./kinds";
import { containerOf } from "./containers";
import { kubeconfigOf } from "./kubeconfig";
import type { Change } from "./objects";
import type { Stored } from "./stored";
import { Pods, type PodBehaviour } from "./pods";
import { labelsMatch } from "./selectors";
import { mirrored, objectOf } from "./mirror";

const CLUSTER = "azure-native:containerservice:ManagedCluster";
const POD = KINDS.find(({ kind }) => kind === "Pod") as Kind;
/** A kubeconfig lasts as long as anybody tries something out. */
const TOKEN_SECONDS = 86_400;

const nameOf = ({ id }: Resource): string => lastName(id);

interface Cluster {
  readonly resource: Resource;
  readonly api: Api;
  readonly front: KubernetesFront;
}

/** A Kubernetes API for every cluster the cloud holds, with the objects that were declared there. */
export class Clusters {
  private readonly clusters = new Map<string, Cluster>();

  private constructor(
    private readonly cloud: EmulatedCloud,
    private readonly authority: Authority,
    private readonly behaviour: (cluster: string) => PodBehaviour,
  ) {}

  /** @param behaviour What stands for the machines below a cluster; every pod is placed and gets ready unless given. */
  static async open(
    cloud: EmulatedCloud,
    authority: Authority,
    behaviour: (cluster: string) => PodBehaviour = () => ({}),
  ): Promise<Clusters> {
    const clusters = new Clusters(cloud, authority, behaviour);
    for (const resource of [...cloud.cloud.all()])
      if (resource.type === CLUSTER && !resource.softDeleted) await clusters.add(resource);
    cloud.hooks.on((event) => clusters.follow(event));
    return clusters;
  }

  get names(): string[] {
    return [...this.clusters.keys()];
  }

  api(cluster: string): Api | undefined {
    return this.clusters.get(cluster)?.api;
  }

  /** Port of loopback behind the API's own host name; undefined when it is no cluster's. */
  portOf(host: string): number | undefined {
    return this.called(host)?.front.port;
  }

  /** The cluster whose API has a host name; undefined when none has. */
  resourceOf(host: string): Resource | undefined {
    const found = this.called(host)?.resource;
    return found && this.cloud.cloud.get(found.key);
  }

  private called(host: string): Cluster | undefined {
    return [...this.clusters.values()].find(({ resource }) => textAt(resource.outputs, "fqdn") === host);
  }

  /** A kubeconfig for all clusters as one principal. @param chosen Whose context is the current one; the first's unless given. */
  kubeconfig(principal: Principal, chosen?: string): string {
    const token = this.cloud.directory.issue(principal, AKS_SERVER_APPLICATION, TOKEN_SECONDS);
    const own = [...this.clusters].sort(
      ([one], [other]) => Number(other === chosen) - Number(one === chosen),
    );
    const clusters = own.map(([name, { front }]) => ({
      name,
      url: front.url,
      certificate: this.authority.certificate,
    }));
    return kubeconfigOf(clusters, token);
  }

  /** Whether any pod a Service of a cluster selects is ready. */
  answers(cluster: string, service: Resource): boolean {
    return this.behind(cluster, service).length > 0;
  }

  /** Where a ready pod behind a Service of a cluster takes what comes to its first port; undefined when none does. */
  reach(cluster: string, service: Resource): { host: string; port: number } | undefined {
    const [asked] = objectsAt(service.inputs, "spec.ports");
    for (const pod of this.behind(cluster, service)) {
      const host = this.clusters.get(cluster)?.api.controller.pods.reach(pod);
      const target = asked?.["targetPort"] ?? asked?.["port"];
      const named = containerOf(pod)?.ports?.find(({ name }) => name === target)?.containerPort;
      const port = named ?? Number(target);
      if (host !== undefined && port > 0) return { host, port };
    }
    return undefined;
  }

  /** Ready pods a Service of a cluster selects. */
  private behind(cluster: string, service: Resource): Stored[] {
    const api = this.clusters.get(cluster)?.api;
    const selector = (service.inputs["spec"] as { selector?: Record<string, string> } | undefined)?.selector;
    if (!api || !selector) return [];
    const matches = labelsMatch(
      Object.entries(selector)
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    );
    const namespace = service.id.split("/")[0];
    return api.objects
      .list(POD, namespace)
      .filter((pod) => matches(pod.metadata.labels ?? {}) && Pods.ready(pod));
  }

  async close(): Promise<void> {
    for (const { api, front } of this.clusters.values()) {
      api.controller.stop();
      await front.close();
    }
    this.clusters.clear();
  }

  private async add(resource: Resource): Promise<void> {
    const name = nameOf(resource);
    const api = new Api(this.behaviour(name));
    const tls = await this.authority.issue("localhost", "127.0.0.1", textAt(resource.outputs, "fqdn"));
    const access = accessTo(this.cloud, resource);
    const front = await serveKubernetes(api, access, { certificate: tls.cert, key: tls.key });
    this.clusters.set(name, { resource, api, front });
    const known = this.cloud.cloud.get(resource.key) ?? resource;
    const outputs = { ...known.outputs, [CERTIFICATE_AUTHORITY]: this.authority.certificate };
    this.cloud.cloud.put({ ...known, outputs });
    this.addNodes(api, resource);
    // Namespaces first: nothing can be made in one that is not there.
    const declared = [...this.cloud.cloud.all()].filter(({ key }) => key.startsWith(`kubernetes:${name}:`));
    const [namespaces, others] = [true, false].map((wanted) =>
      declared.filter(({ type }) => type.endsWith(":Namespace") === wanted),
    );
    for (const object of [...(namespaces ?? []), ...(others ?? [])]) this.put(api, object);
    api.objects.onChange((change) => this.noticed(name, change));
  }

  /** A node for each the pools begin with. */
  private addNodes(api: Api, { inputs }: Resource): void {
    for (const pool of objectsAt(inputs, "agentPoolProfiles")) {
      const name = stringAt(pool, "name") ?? "pool";
      for (let node = 0; node < Number(pool["count"] ?? pool["minCount"] ?? 1); node++)
        api.create({
          apiVersion: "v1",
          kind: "Node",
          metadata: {
            name: `aks-${name}-${String(node).padStart(6, "0")}`,
            labels: { "kubernetes.azure.com/agentpool": name, "kubernetes.azure.com/mode": modeOf(pool) },
          },
          status: {
            conditions: [
              { type: "DiskPressure", status: "False" },
              { type: "MemoryPressure", status: "False" },
              { type: "Ready", status: "True" },
            ],
          },
        });
    }
  }

  private async follow(event: CloudEvent): Promise<void> {
    const stored = event.kind === "deleted" ? event.before : event.stored;
    if (stored.type === CLUSTER) {
      const known = this.clusters.get(nameOf(stored));
      if (event.kind === "created" && !known) await this.add(stored);
      if (event.kind === "deleted" && known) {
        known.api.controller.stop();
        await known.front.close();
        this.clusters.delete(nameOf(stored));
      }
      return;
    }
    const [provider, cluster = ""] = stored.key.split(":");
    const api = provider === "kubernetes" ? this.clusters.get(cluster)?.api : undefined;
    if (!api) return;
    if (event.kind !== "deleted") return this.put(api, stored);
    const found = this.find(api, stored);
    if (found) api.objects.delete(found.kind, found.object);
  }

  /** Makes an object as it was declared, or changes what there is into that. */
  private put(api: Api, stored: Resource): void {
    const object = objectOf(stored);
    const kind = kindNamed(object.apiVersion, object.kind);
    if (!kind) return;
    const found = this.find(api, stored);
    if (!found) {
      api.objects.create(kind, object.metadata.namespace, object);
      return;
    }
    const old = found.object;
    // What nobody declared stays as whoever set it left it, such as the replicas an autoscaler chose.
    const kept =
      object.spec && old.spec?.replicas !== undefined ? { replicas: old.spec.replicas as number } : {};
    api.objects.replace(kind, old, {
      ...object,
      ...(object.spec && { spec: { ...kept, ...object.spec } }),
      metadata: { ...old.metadata, ...object.metadata, resourceVersion: "" },
    });
  }

  private find(api: Api, stored: Resource): { kind: Kind; object: Stored } | undefined {
    const { apiVersion, kind: named, metadata } = objectOf(stored);
    const kind = kindNamed(apiVersion, named);
    const object = kind && api.objects.find(kind, metadata.namespace, metadata.name);
    return kind && object && { kind, object };
  }

  /** What changed there stands in the cloud, so that a refresh finds it. */
  private noticed(cluster: string, { type, object }: Change): void {
    const { namespace, name } = object.metadata;
    const id = namespace === undefined ? name : `${namespace}/${name}`;
    const store = this.cloud.cloud;
    const stored = store.get(`kubernetes:${cluster}:${object.apiVersion}/${object.kind}:${id}`);
    if (!stored) return;
    if (type === "DELETED") store.remove(stored.key);
    else store.put(mirrored(stored, object));
  }
}

function modeOf(pool: object): string {
  return ((pool as { mode?: string }).mode ?? "User").toLowerCase();
}
