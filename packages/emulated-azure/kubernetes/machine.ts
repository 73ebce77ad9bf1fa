import type { ChildProcessWithoutNullStreams } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { noContainers, startContainer } from "../../local-servers/container";
import { startSupervised, temporaryDirectory, type Supervised } from "../../local-servers/supervised";
import type { Addresses } from "../addresses";
import type { EmulatedCloud } from "../cloud";
import { lastName } from "../model/ids";
import { stringAt } from "../model/paths";
import { containerOf, surroundings } from "./containers";
import type { Objects } from "./objects";
import type { PodBehaviour, PodRun } from "./pods";
import type { Stored } from "./stored";
import { waitFor } from "../../programs/waiting";

/** What this machine has in place of a container image. */
export interface Image {
  /** Program that runs in place of the image's own; without one the container only waits for `exec`. */
  readonly command?: readonly string[];
  /** Files and folders of this machine the image holds, by their absolute paths in it. */
  readonly mounts?: Readonly<Record<string, string>>;
}

export interface MachineOptions {
  readonly cloud: EmulatedCloud;
  /** Certificate of the authority whose names the pods reach, as PEM. */
  readonly certificate: string;
  readonly addresses: Addresses;
  /** What stands for an image; undefined: nothing runs in its pods, which are ready all the same. */
  images(image: string): Image | undefined;
}

/** Where pods find the authority's certificate. */
const AUTHORITY = "/run/authority.pem";
const READY_SECONDS = 30;
const POLL_MS = 20;

interface Running {
  readonly process: ChildProcessWithoutNullStreams;
  readonly address: string;
  readonly since: number;
}

/**
 * A machine below the clusters: it runs the pods whose images it has something for, each in a container that sees the
 * pod's environment and files, reaches the cloud's names on their own ports, and is `localhost` to itself.
 */
export class Machine implements PodBehaviour {
  private readonly running = new Map<string, Running>();
  private readonly addressOfPod = new Map<string, string>();

  private constructor(
    private readonly options: MachineOptions,
    private readonly keeper: Supervised,
  ) {}

  /** @throws Error where no containers can be made */
  static async open(options: MachineOptions): Promise<Machine> {
    const reason = noContainers();
    if (reason !== undefined) throw new Error(`this machine makes no containers: ${reason}`);
    const keeper = await startSupervised({
      directory: temporaryDirectory("machine"),
      stopSignal: "KILL",
      command: ["sleep", "1000000"],
    });
    return new Machine(options, keeper);
  }

  async run(
    pod: Stored,
    log: (text: string) => void,
    deleted: AbortSignal,
    objects: Objects,
  ): Promise<PodRun> {
    const container = containerOf(pod);
    const image = this.options.images(container?.image ?? "");
    const address = await this.address(pod);
    if (!image?.command || !container) return { state: "ready" };
    const child = await this.start(pod, container.name, image.command, objects);
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => log(text.toString()));
    const ended = new Promise<PodRun>((resolve) =>
      child.once("close", (code) => resolve({ state: "finished", exitCode: code ?? 137 })),
    );
    deleted.addEventListener("abort", () => child.kill("SIGKILL"));
    this.running.set(pod.metadata.uid, { process: child, address, since: Date.now() });
    void ended.then(() => this.running.delete(pod.metadata.uid));
    const probe = container.readinessProbe?.httpGet;
    const named = container.ports?.find(({ name }) => name === probe?.port)?.containerPort;
    const port = named ?? Number(probe?.port);
    return Promise.race([
      ended,
      probe ? ready(address, port, probe.path ?? "/") : Promise.resolve<PodRun>({ state: "ready" }),
    ]);
  }

  exec(
    pod: Stored,
    name: string | undefined,
    command: readonly string[],
    objects: Objects,
  ): Promise<ChildProcessWithoutNullStreams> | undefined {
    const container = containerOf(pod, name);
    if (!container || !this.options.images(container.image ?? "")) return undefined;
    return this.start(pod, container.name, command, objects);
  }

  /** Of a pod something runs in: memory it holds now, processor time on average since it began. */
  usage(pod: Stored): { milliCores: number; kibibytes: number } | undefined {
    const running = this.running.get(pod.metadata.uid);
    const pid = running?.process.pid;
    if (!running || pid === undefined) return undefined;
    try {
      const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
      const ticks = fs
        .readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      const seconds = (Number(ticks[11]) + Number(ticks[12])) / 100;
      return {
        milliCores: Math.ceil((1000 * seconds) / Math.max(1, (Date.now() - running.since) / 1000)),
        kibibytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0),
      };
    } catch {
      return undefined;
    }
  }

  /** Where a pod's own ports are; undefined when nothing runs in it. */
  reach(pod: Stored): string | undefined {
    return this.running.get(pod.metadata.uid)?.address;
  }

  async close(): Promise<void> {
    for (const { process: child } of this.running.values()) child.kill("SIGKILL");
    await this.keeper.stop();
  }

  private address(pod: Stored): Promise<string> {
    return this.options.addresses.add(`${pod.metadata.uid}.pod`, []).then((address) => {
      this.addressOfPod.set(pod.metadata.uid, address);
      return address;
    });
  }

  private async start(
    pod: Stored,
    name: string,
    command: readonly string[],
    objects: Objects,
  ): Promise<ChildProcessWithoutNullStreams> {
    const { cloud, certificate, addresses, images } = this.options;
    const container = containerOf(pod, name);
    if (!container) throw new Error(`container ${name} is not valid for pod ${pod.metadata.name}`);
    const { environment, files } = surroundings(cloud, objects, pod, container);
    for (const [host, ports] of hostsOf(cloud)) await addresses.add(host, ports);
    const own = await this.address(pod);
    return startContainer({
      command,
      environment: {
        ...environment,
        HOSTNAME: pod.metadata.name,
        NODE_EXTRA_CA_CERTS: AUTHORITY,
        PGSSLROOTCERT: AUTHORITY,
      },
      files: {
        ...files,
        "/etc/hosts": `${own}\tlocalhost ${pod.metadata.name}\n${addresses.hosts()}`,
        [AUTHORITY]: certificate,
      },
      ...(images(container.image ?? "")?.mounts && { mounts: images(container.image ?? "")?.mounts }),
      directory: this.keeper.directory,
    });
  }
}

/** Names of a cloud's data planes, with their ports. */
function hostsOf({ cloud }: EmulatedCloud): [string, number[]][] {
  return [...cloud.all()].flatMap(({ type, id, outputs, softDeleted }): [string, number[]][] => {
    const name = lastName(id).toLowerCase();
    if (softDeleted) return [];
    switch (type) {
      case "azure-native:dbforpostgresql:Server":
        return [[stringAt(outputs, "fullyQualifiedDomainName") ?? "", [5432, 6432]]];
      case "azure-native:dbforpostgresql:VirtualEndpoint":
        return ["writer", "reader"].map((role) => [
          `${name}.${role}.postgres.database.azure.com`,
          [5432, 6432],
        ]);
      case "azure-native:keyvault:Vault":
        return [[`${name}.vault.azure.net`, [443]]];
      case "azure-native:storage:StorageAccount":
        return [[`${name}.blob.core.windows.net`, [443]]];
      default:
        return [];
    }
  });
}

/** Asks until a pod says that it is ready. */
async function ready(host: string, port: number, path: string): Promise<PodRun> {
  const isReady = () =>
    new Promise<boolean>((resolve) => {
      const asked = http.get({ host, port, path, timeout: 2_000 }, (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        resolve(statusCode >= 200 && statusCode < 400);
      });
      asked.once("error", () => resolve(false)).once("timeout", () => asked.destroy());
    });
  return { state: (await waitFor(isReady, READY_SECONDS, POLL_MS)) ? "ready" : "crashing" };
}
