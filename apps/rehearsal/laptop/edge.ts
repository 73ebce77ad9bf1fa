import http from "node:http";
import type { AddressInfo } from "node:net";
import { behind, healthy, originsOf } from "../../../packages/emulated-azure/edge";
import { kindNamed, type Kind } from "../../../packages/emulated-azure/kubernetes/kinds";
import type { Stored } from "../../../packages/emulated-azure/model/types";
import type { Platform } from "../../operations/platform";
import { SITES, type Site } from "../../../stacks/sites";
import type { Served } from "../serve";
import { REGION_HEADER } from "./application";
import { statusPage } from "./pages";
import type { Workloads } from "./workloads";

const SERVICE = kindNamed("v1", "Service") as Kind;
const POD = kindNamed("v1", "Pod") as Kind;
const PROFILE = "azure-native:cdn:Profile";
const ENDPOINT = "azure-native:cdn:AFDEndpoint";
const LOOPBACK = "127.0.0.1";
/** Between two probes of an origin; Front Door's are seconds apart. */
const PROBE_EVERY_MS = 100;
const PROBE_MS = 2_500;
/** Probes looked at, and how many of them must have passed, as the platform's origin groups have it. */
const SAMPLES = 4;
const SUCCESSFUL = 3;
const ANSWER_MS = 5_000;
const JSON_TYPE = { "content-type": "application/json" };

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/**
 * The public names: whatever Front Door would reach of the served platform answers here. An origin takes part while its region
 * answers, its link is approved and a pod behind its Service passes the probe. A request that no pod took is tried at the next
 * one; one whose pod died before it answered only when asking twice is harmless (RFC 9110, 9.2.2).
 */
export class PublicNames {
  /** Outcomes of the last probes of each origin. */
  private readonly samples = new Map<string, boolean[]>();
  private readonly timer: NodeJS.Timeout;
  private turn = 0;

  private constructor(
    private readonly platform: Platform,
    private readonly served: Served,
    private readonly workloads: Workloads,
    private readonly server: http.Server,
  ) {
    server.on("request", (request, response) => {
      this.answer(request).then(
        ({ status, headers, body }) => response.writeHead(status, passed(headers)).end(body),
        () => response.writeHead(503).end(),
      );
    });
    this.timer = setInterval(() => void this.probe(), PROBE_EVERY_MS).unref();
  }

  static async open(platform: Platform, served: Served, workloads: Workloads): Promise<PublicNames> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    server.unref();
    return new PublicNames(platform, served, workloads, server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** `name=host:port,…`, as `PUBLIC_HOSTS` takes it. */
  get hosts(): string {
    const page = statusPage(this.served.cloud);
    const names = [...SITES.map((site) => this.platform.hosts[site]), ...(page ? [page.host] : [])];
    return names.map((name) => `${name}=${LOOPBACK}:${this.port}`).join(",");
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: http.IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const host = request.headers.host?.split(":")[0] ?? "";
    const page = statusPage(this.served.cloud);
    // It stands outside the clusters and the edge, and answers whatever becomes of them.
    if (page?.host === host)
      return { status: 200, headers: JSON_TYPE, body: Buffer.from(JSON.stringify(page.document)) };
    const site = SITES.find((one) => this.platform.hosts[one] === host);
    if (site === undefined || !this.enabled()) return { status: 404, headers: {}, body: Buffer.alloc(0) };
    const again = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].includes(request.method ?? "");
    for (const port of this.pods(site)) {
      try {
        return await send(port, request, Buffer.concat(chunks));
      } catch (error) {
        const untouched = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
        if (!untouched && !again) break;
      }
    }
    return { status: 503, headers: {}, body: Buffer.from("no origin answers") };
  }

  /** Ports of the pods that may answer, beginning with another one each time. */
  private pods(site: Site): number[] {
    const all = this.origins(site)
      .filter(({ key }) => (this.samples.get(key) ?? []).filter(Boolean).length >= SUCCESSFUL)
      .flatMap((origin) => this.behind(origin));
    const from = all.length === 0 ? 0 : this.turn++ % all.length;
    return [...all.slice(from), ...all.slice(0, from)];
  }

  private origins(site: Site): Stored[] {
    const { cloud } = this.served;
    return [...cloud.cloud.all()]
      .filter(({ type }) => type === PROFILE)
      .flatMap((profile) => originsOf(cloud, profile))
      .filter((origin) => {
        const service = behind(cloud.cloud, origin)?.service;
        return service !== undefined && nameOf(service.id) === site;
      });
  }

  /** Ports of the ready pods that the origin's Service leads to at this moment. */
  private behind(origin: Stored): number[] {
    const { cloud, real } = this.served;
    const found = behind(cloud.cloud, origin);
    const cluster = found && nameOf(found.cluster.id);
    const api = cluster === undefined ? undefined : real?.clusters.api(cluster);
    if (!found || !api || cluster === undefined || this.workloads.unreachable(cluster)) return [];
    const [namespace = "", name = ""] = found.service.id.split("/");
    const selector = (api.objects.find(SERVICE, namespace, name)?.spec?.["selector"] ?? {}) as Record<
      string,
      string
    >;
    return api.objects.list(POD, namespace).flatMap(({ metadata: { uid, labels = {} } }) => {
      const pod = this.workloads.serving.get(uid);
      return pod && Object.entries(selector).every(([key, value]) => labels[key] === value) ? [pod.port] : [];
    });
  }

  private async probe(): Promise<void> {
    const { cloud, real } = this.served;
    for (const site of SITES)
      for (const origin of this.origins(site)) {
        const up = healthy(
          cloud,
          origin,
          (cluster, service) => real?.clusters.answers(cluster, service) ?? false,
        );
        const [port] = up ? this.behind(origin) : [];
        const path = site === "api" ? "/health/ready" : "/health/live";
        const passes =
          port !== undefined &&
          (await ask(port, path).then(
            (status) => status === 200,
            () => false,
          ));
        this.samples.set(origin.key, [passes, ...(this.samples.get(origin.key) ?? [])].slice(0, SAMPLES));
      }
  }

  private enabled(): boolean {
    const endpoint = [...this.served.cloud.cloud.all()].find(({ type }) => type === ENDPOINT);
    return endpoint?.inputs["enabledState"] !== "Disabled";
  }
}

const nameOf = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

const passed = (headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => ["content-type", "retry-after", REGION_HEADER].includes(name)),
  );

const ask = async (port: number, path: string): Promise<number> => {
  const response = await fetch(`http://${LOOPBACK}:${port}${path}`, {
    signal: AbortSignal.timeout(PROBE_MS),
    headers: { "x-fd-healthprobe": "1" },
  });
  await response.body?.cancel();
  return response.status;
};

function send(port: number, { method, url, headers }: http.IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onward = http.request(
      {
        host: LOOPBACK,
        port,
        method,
        path: url,
        headers: { ...headers, connection: "close" },
        timeout: ANSWER_MS,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(chunks) }),
        );
        answer.on("error", reject);
      },
    );
    onward.on("timeout", () => onward.destroy(new Error("no answer")));
    onward.on("error", reject);
    onward.end(body);
  });
}
