import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client, type ClientConfig } from "pg";
import type { Real } from "../../../packages/emulated-azure/real";
import type { Api, PodBehaviour, PodRun, Stored } from "../../../packages/emulated-azure/kubernetes";
import { kindNamed, type Kind } from "../../../packages/emulated-azure/kubernetes/kinds";
import { clientProgram, PRODUCTION_MAJOR } from "../../../packages/local-servers/postgresPrograms";
import { SITES } from "../../../stacks/sites";
import type { Served } from "../serve";
import { Application, ORDERS } from "./application";
import { startPage } from "./pages";
import { containersOf, SecretDriver, variablesOf, type Container } from "./driver";

const POD = kindNamed("v1", "Pod") as Kind;
const CONFIG_MAP = kindNamed("v1", "ConfigMap") as Kind;
const RETRY_MS = 250;
/** Workload of the maintenance page. */
const MAINTENANCE = "maintenance";
/** Workloads behind the public names. */
const SERVING: readonly string[] = SITES;

/** A pod that answers requests. */
export interface ServingPod {
  cluster: string;
  name: string;
  /** Name of its workload. */
  workload: string;
  /** Port of this machine it answers at. */
  port: number;
  /** Ends it: in order, or as if it had been killed. */
  end(how: "drain" | "kill"): Promise<void>;
}

/** Region a cluster stands in, by its name. */
export type RegionOf = (cluster: string) => string;

/**
 * What runs in the pods of a served platform: the application by a stand-in, the roles' job by the very script it is given, and
 * everything else as a pod that gets ready. Each has the variables and secrets its definition gives it, and no more.
 */
export class Workloads {
  /** Pods that answer, by uid. */
  readonly serving = new Map<string, ServingPod>();
  /** Jobs that ended otherwise than well, for whoever asks why. */
  readonly failures: string[] = [];
  private readonly lost = new Set<string>();
  private readonly driver = new SecretDriver(() => this.place().cloud);
  private served: Served | undefined;
  private attached: () => void = () => undefined;
  private readonly ready = new Promise<void>((resolve) => (this.attached = resolve));
  private closed = false;

  /** @param regionOf the region of a cluster */
  constructor(private readonly regionOf: RegionOf) {}

  /** What {@link serveCloud} takes for its pods. */
  readonly behaviour = (cluster: string): PodBehaviour => ({
    run: (pod, log, deleted) => this.run(cluster, pod, log, deleted),
  });

  /** From now on the pods have something to talk to. */
  attach(served: Served): void {
    this.served = served;
    served.cloud.losses.on((region, lost) => {
      if (lost) this.lost.add(region);
      else this.lost.delete(region);
    });
    this.attached();
  }

  /** Whether nobody outside reaches the pods of a cluster. */
  unreachable(cluster: string): boolean {
    return this.lost.has(this.regionOf(cluster));
  }

  async close(): Promise<void> {
    this.closed = true;
    this.driver.stop();
    await Promise.all([...this.serving.values()].map((pod) => pod.end("kill")));
    this.serving.clear();
  }

  private place(): Served & { real: Real } {
    if (!this.served?.real) throw new Error("nothing real is served");
    return this.served as Served & { real: Real };
  }

  private async run(
    cluster: string,
    pod: Stored,
    log: (text: string) => void,
    deleted: AbortSignal,
  ): Promise<PodRun> {
    await this.ready;
    const api = this.place().real.clusters.api(cluster) as Api;
    const [container] = containersOf(pod);
    const workload = pod.metadata.labels?.["app.kubernetes.io/name"] ?? "";
    if (!container) return { state: "ready" };
    // A pod waits for its secrets, and for its region.
    for (; !this.over(deleted); await sleep(RETRY_MS)) {
      if (this.unreachable(cluster)) continue;
      try {
        await this.driver.mount(cluster, api, pod);
        return await this.start({ cluster, api, pod, container, workload, log, deleted });
      } catch (error) {
        const told = `${pod.metadata.name}: ${error instanceof Error ? error.message : String(error)}`;
        if (this.failures.at(-1) !== told) this.failures.push(told);
        log(`${told}\n`);
      }
    }
    return { state: "crashing" };
  }

  private over(deleted: AbortSignal): boolean {
    return deleted.aborted || this.closed;
  }

  private async start(started: Started): Promise<PodRun> {
    const { workload, container, log } = started;
    if (SERVING.includes(workload)) return this.application(started);
    if (container.command?.[0] === "psql") return this.script(started);
    if (workload === "migration") return this.migrate(started);
    if (workload === MAINTENANCE) return this.maintenance(started);
    const ofJob = started.pod.metadata.ownerReferences?.some(({ kind }) => kind === "Job") ?? false;
    if (ofJob) {
      log(`${container.name}: ${(container.args ?? []).join(" ")}\n`);
      return { state: "finished" };
    }
    return { state: "ready" };
  }

  private async application({ cluster, api, pod, container, workload, deleted }: Started): Promise<PodRun> {
    const { DATABASE_URL = "" } = variablesOf(api, pod.metadata.namespace, container);
    const application = await Application.start({
      region: this.regionOf(cluster),
      ...(DATABASE_URL && { database: this.connection(DATABASE_URL) }),
    });
    const { uid, name } = pod.metadata;
    while (!this.over(deleted) && !(await application.ready())) await sleep(RETRY_MS);
    this.serving.set(uid, {
      ...{ cluster, name, workload, port: application.port },
      end: (how) => (how === "kill" ? application.kill() : application.drain()),
    });
    this.endsWith(deleted, uid);
    return { state: "ready" };
  }

  /** The maintenance page's own nginx, with the configuration the cluster holds. */
  private async maintenance({ cluster, api, pod, container, workload, deleted }: Started): Promise<PodRun> {
    const config = mountedFile(api, pod, container, "/etc/nginx/conf.d/default.conf");
    const ports = [...this.serving.values()].filter(
      (one) => one.cluster === cluster && one.workload === "api",
    );
    const nginx = await startPage(config, ports[0]?.port ?? 1);
    const { uid, name } = pod.metadata;
    this.serving.set(uid, {
      ...{ cluster, name, workload, port: nginx.port },
      end: () => nginx.stop(),
    });
    this.endsWith(deleted, uid);
    return { state: "ready" };
  }

  private endsWith(deleted: AbortSignal, uid: string): void {
    const end = (): void => {
      const pod = this.serving.get(uid);
      this.serving.delete(uid);
      void pod?.end("drain");
    };
    if (deleted.aborted) end();
    else deleted.addEventListener("abort", end);
  }

  /** Kills the process in a pod; its node notices, and the pod is replaced. */
  async kill(uid: string): Promise<void> {
    const pod = this.serving.get(uid);
    if (!pod) return;
    this.serving.delete(uid);
    await pod.end("kill");
    const api = this.place().real.clusters.api(pod.cluster) as Api;
    const found = api.objects.list(POD).find(({ metadata }) => metadata.uid === uid);
    if (found) api.objects.delete(POD, found);
  }

  /** A connection as the pod's own variable has it; Azure's names lead to this machine, and their certificate is checked. */
  private connection(text: string): ClientConfig {
    const url = new URL(text);
    const { real, listening } = this.place();
    const port = real.databases.portOf(url.hostname, Number(url.port || 5432));
    return {
      host: "127.0.0.1",
      port: port ?? 1,
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      ssl: { ca: listening.certificate, servername: url.hostname },
    };
  }

  /** A psql job by its own script, variables and arguments. */
  private async script({ api, pod, container, log }: Started): Promise<PodRun> {
    const variables = variablesOf(api, pod.metadata.namespace, container);
    const { DATABASE_URL = "" } = variables;
    const { host, port, user, password, database } = this.connection(DATABASE_URL);
    const { hostname } = new URL(DATABASE_URL);
    const own = `host=${hostname} hostaddr=${host ?? ""} port=${port ?? 0} user=${user ?? ""} dbname=${database ?? ""} sslmode=require`;
    const folder = fs.mkdtempSync(path.join(this.place().home, "job-"));
    const args = (container.args ?? []).map((argument) =>
      argument === "$(DATABASE_URL)"
        ? own
        : argument.replace(
            /^--file=(.*)$/,
            (_, file: string) => `--file=${put(folder, file, mountedFile(api, pod, container, file))}`,
          ),
    );
    const env = { ...variables, PATH: process.env["PATH"], PGPASSWORD: String(password as string) };
    const { stdout, stderr } = await promisify(execFile)(clientProgram("psql", PRODUCTION_MAJOR), args, {
      env,
    });
    log(stdout + stderr);
    return { state: "finished" };
  }

  /** The application's migrations are its own; here they are one table. */
  private async migrate({ api, pod, container, log }: Started): Promise<PodRun> {
    const { DATABASE_URL = "" } = variablesOf(api, pod.metadata.namespace, container);
    const client = new Client(this.connection(DATABASE_URL));
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${ORDERS} (id bigint PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())`,
      );
    } finally {
      await client.end().catch(() => undefined);
    }
    log("migrated\n");
    return { state: "finished" };
  }
}

/** Text of a file of a ConfigMap the container mounts. @throws Error when nothing mounts it */
function mountedFile(api: Api, pod: Stored, container: Container, wanted: string): string {
  const volumes = (pod.spec?.["volumes"] ?? []) as { name: string; configMap?: { name: string } }[];
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const map = volumes.find((volume) => volume.name === name)?.configMap?.name;
    if (map === undefined || path.dirname(wanted) !== mountPath) continue;
    const stored = api.objects.find(CONFIG_MAP, pod.metadata.namespace, map);
    const text = ((stored?.["data"] ?? {}) as Record<string, string>)[path.basename(wanted)];
    if (text !== undefined) return text;
  }
  throw new Error(`nothing mounts ${wanted}`);
}

function put(folder: string, file: string, text: string): string {
  const own = path.join(folder, path.basename(file));
  fs.writeFileSync(own, text);
  return own;
}

interface Started {
  cluster: string;
  api: Api;
  pod: Stored;
  container: Container;
  workload: string;
  log: (text: string) => void;
  deleted: AbortSignal;
}
