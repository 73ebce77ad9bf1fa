import { ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net, { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import {
  drainSeconds,
  envoyConfig,
  GATEWAY_STATUS_PORT,
  GatewaySettings,
  outsideOf,
  PARTNERS,
} from "../../infra/workloads/gatewayConfig";
import { BlobServiceClient } from "@azure/storage-blob";
import { Permission } from "../../apps/recovery/serving/permission";
import { Place, placeIn, writeServing } from "../../apps/recovery/serving/places";
import { GRACE_SECONDS, SERVING_CONTAINER, silentBy } from "../../apps/recovery/serving/record";
import { Serving, startServing } from "../../apps/recovery/serving/server";
import * as named from "../../infra/data/places";
import { LocalAzurite, startAzurite } from "../../packages/local-servers/azurite";
import { freePort } from "../../packages/local-servers/ports";
import { readRunbooks } from "../../apps/tools/docs/runbook";
import { until } from "../support/until";

const SETTINGS: GatewaySettings = { maxConsecutiveFailures: 5, ejectionSeconds: 60, timeoutSeconds: 15 };

const config = (settings = SETTINGS, partners = PARTNERS): any => envoyConfig(settings, partners);
const cluster = (name: string) =>
  config().static_resources.clusters.find((entry: any) => entry.name === name);
const listener = (name: string) =>
  config().static_resources.listeners.find((entry: any) => entry.name === name);
const manager = (name: string) => listener(name).filter_chains[0].filters[0].typed_config;

describe("permission to call partners", () => {
  const PLACES = ["westeurope", "northeurope", "swedencentral"];
  const west = { serving: "westeurope", term: 1, since: "2026-11-29T00:00:00Z" };
  const north = { serving: "northeurope", term: 2, since: "2026-11-29T03:00:00Z" };
  const heard = (region: string, said: readonly [string, number, typeof west | undefined][]) => {
    const permission = new Permission(region, PLACES);
    for (const [place, at, record] of said) permission.hear(place, at, record);
    return permission;
  };

  test("is there while two of three places have said so within ten minutes, and not a second longer", () => {
    const never = new Permission("westeurope", PLACES);
    expect(never.verdict(0).may).toBe(false);
    const cutOff = heard("westeurope", [
      ["westeurope", 5_000, undefined],
      ["northeurope", 100, undefined],
      ["swedencentral", 90, undefined],
    ]);
    expect(cutOff.verdict(100 + GRACE_SECONDS - 1)).toMatchObject({ may: true, secondsLeft: 1 });
    expect(cutOff.verdict(100 + GRACE_SECONDS)).toMatchObject({
      may: false,
      secondsLeft: 0,
      reason:
        "fewer than 2 of 3 places have said within 600 s that westeurope serves: it may be cut off, so nothing here may call partners",
    });
    expect(silentBy(new Date("2026-11-29T03:00:00Z"), 15).toISOString()).toBe("2026-11-29T03:10:15.000Z");
  });

  test("is gone as soon as one place names another region under the newest term, and given back by a newer one", () => {
    const told = heard("westeurope", [
      ["westeurope", 0, west],
      ["northeurope", 0, west],
      ["swedencentral", 0, north],
    ]);
    expect(told.verdict(1)).toMatchObject({ may: false, secondsLeft: 0 });
    expect(told.verdict(1).reason).toMatch(/^northeurope serves since 2026-11-29T03:00:00Z/);
    const back = { ...west, term: 3 };
    told.hear("westeurope", 2, back);
    expect(told.verdict(3).may).toBe(false);
    told.hear("northeurope", 2, back);
    expect(told.verdict(3).may).toBe(true);
  });

  test("no two regions have it once the old one's last word is ten minutes old, whatever each could reach", () => {
    // Every pair of places a failover may have reached, and every pair the old region may still hear.
    const pairs = [[0, 1], [0, 2], [1, 2]]; // prettier-ignore
    for (const reached of pairs) {
      for (const hears of pairs) {
        const old = heard("westeurope", PLACES.map((place) => [place, 0, west])); // prettier-ignore
        const now = GRACE_SECONDS + 1;
        for (const i of hears) old.hear(PLACES[i] ?? "", now, reached.includes(i) ? north : west);
        expect([reached, hears, old.verdict(now).may]).toEqual([reached, hears, false]);
      }
      const fresh = heard(
        "northeurope",
        PLACES.map((place, i) => [place, 0, reached.includes(i) ? north : west]),
      );
      expect(fresh.verdict(1).may).toBe(true);
    }
  });

  test("is asked for in the container the program makes", () => {
    expect(named.SERVING_CONTAINER).toBe(SERVING_CONTAINER);
  });
});

describe("integration gateway: configuration", () => {
  test("every partner of the report has a port, a time limit and a circuit breaker of its own", () => {
    expect(PARTNERS.map(({ name, port, host }) => [name, port, host])).toEqual([
      ["shopify", 8101, "shops.myshopify.com"],
      ["simplyprint", 8102, "api.simplyprint.io"],
      ["sendcloud", 8103, "panel.sendcloud.sc"],
    ]);
    for (const { name, port, host } of PARTNERS) {
      expect(listener(name).address.socket_address).toEqual({ address: "0.0.0.0", port_value: port });
      expect(manager(name).route_config.virtual_hosts[0].routes[0].route).toMatchObject({
        cluster: name,
        timeout: "15s",
      });
      expect(cluster(name)).toMatchObject({
        type: "LOGICAL_DNS",
        connect_timeout: "5s",
        common_lb_config: { healthy_panic_threshold: { value: 0 } },
        circuit_breakers: {
          thresholds: [
            { max_connections: 128, max_pending_requests: 256, max_requests: 256, max_retries: 3 },
          ],
        },
        outlier_detection: {
          consecutive_5xx: 5,
          enforcing_consecutive_5xx: 100,
          base_ejection_time: "60s",
          max_ejection_time: "60s",
          max_ejection_percent: 100,
        },
      });
      expect(
        cluster(name).load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address,
      ).toEqual({ address: host, port_value: 443 });
    }
  });

  test("a partner's certificate is checked, for the host that was asked for", () => {
    const tls = (name: string) => cluster(name).transport_socket.typed_config;
    for (const { name } of PARTNERS) {
      expect(tls(name).common_tls_context.tls_params.tls_minimum_protocol_version).toBe("TLSv1_2");
      expect(tls(name).common_tls_context.validation_context.trusted_ca.filename).toBe(
        "/etc/ssl/certs/ca-certificates.crt",
      );
    }
    expect(tls("sendcloud").sni).toBe("panel.sendcloud.sc");
    expect(tls("sendcloud").common_tls_context.validation_context.match_typed_subject_alt_names).toEqual([
      { san_type: "DNS", matcher: { exact: "panel.sendcloud.sc" } },
    ]);
    const [options] = Object.values<any>(cluster("shopify").typed_extension_protocol_options);
    expect(options.upstream_http_protocol_options).toEqual({ auto_sni: true, auto_san_validation: true });
  });

  test("a shop is named by its caller, and nothing but a shop can be", () => {
    const [shops, rest] = manager("shopify").route_config.virtual_hosts;
    expect(shops.domains).toEqual(["*.myshopify.com"]);
    expect(shops.routes[0].route).not.toHaveProperty("host_rewrite_literal");
    expect(rest.routes[0].direct_response.status).toBe(421);
    const [sendcloud] = manager("sendcloud").route_config.virtual_hosts;
    expect(sendcloud.routes[0].route.host_rewrite_literal).toBe("panel.sendcloud.sc");
  });

  test("error reports leave by the same way, from every region, to the one host that is named", () => {
    const outside = outsideOf("o42.ingest.de.sentry.io");
    const { clusters, listeners } = config({ ...SETTINGS, permissionPort: 9904 }, outside).static_resources;
    const of = (name: string) => listeners.find((entry: any) => entry.name === name);
    const http = of("error-reports").filter_chains[0].filters[0].typed_config;
    expect(of("error-reports").address.socket_address.port_value).toBe(8104);
    expect(http.route_config.virtual_hosts).toMatchObject([
      { domains: ["*"], routes: [{ route: { host_rewrite_literal: "o42.ingest.de.sentry.io" } }] },
    ]);
    const filters = (name: string) =>
      of(name).filter_chains[0].filters[0].typed_config.http_filters.map((one: any) => one.name);
    // Partners hear nothing from a region that does not serve; whoever mends it hears why.
    expect(filters("error-reports")).toEqual(["envoy.filters.http.router"]);
    for (const { name } of PARTNERS) expect(filters(name)[0]).toBe("envoy.filters.http.ext_authz");
    expect(clusters.map(({ name }: any) => name)).toEqual([
      ...outside.map(({ name }) => name),
      "admin",
      "permission",
    ]);
    expect(outsideOf(undefined)).toEqual(PARTNERS);
  });

  test("only what never reached a partner is sent again", () => {
    for (const { name } of PARTNERS) {
      expect(manager(name).route_config.virtual_hosts[0].routes[0].route.retry_policy).toEqual({
        retry_on: "connect-failure,refused-stream",
        num_retries: 1,
      });
    }
  });

  test("administration stays in the pod; readiness and metrics leave it", () => {
    expect(config().admin.address.socket_address.address).toBe("127.0.0.1");
    const [status] = manager("status").route_config.virtual_hosts;
    expect(status.routes.map((route: any) => route.match)).toEqual([
      { path: "/ready" },
      { path: "/stats/prometheus" },
    ]);
    expect(listener("status").address.socket_address.port_value).toBe(GATEWAY_STATUS_PORT);
  });

  test("a pod waits until the last call of the last connection has ended, however long a call may take", () => {
    for (const { name } of PARTNERS) {
      expect(manager(name)).toMatchObject({
        common_http_protocol_options: { max_connection_duration: "10s" },
        http1_safe_max_connection_duration: true,
      });
    }
    expect([15, 120].map((timeoutSeconds) => drainSeconds({ timeoutSeconds }))).toEqual([30, 135]);
  });

  test("callers can open a bounded number of connections, and probes are answered all the same", () => {
    expect(
      config().overload_manager.resource_monitors[0].typed_config.max_active_downstream_connections,
    ).toBe(2_000);
    expect(listener("status").ignore_global_conn_limit).toBe(true);
    for (const { name } of PARTNERS) expect(listener(name)).not.toHaveProperty("ignore_global_conn_limit");
  });
});

/** Envoy itself: from the variable ENVOY, on PATH, or where `npm run setup` unpacks it. */
function findEnvoy(): string | undefined {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return [
    process.env.ENVOY ?? "",
    ...folders.map((folder) => path.join(folder, "envoy")),
    path.join(__dirname, "../../.build/envoy/envoy"),
  ].find((file) => path.isAbsolute(file) && fs.existsSync(file));
}

const envoy = findEnvoy();
// Continuous integration sets everything up: a missing Envoy is a failure there.
const live = envoy || process.env.CI ? describe : describe.skip;

live(`integration gateway: Envoy${envoy ? "" : " (NOT RUN: no envoy; get it with npm run setup)"}`, () => {
  let folder: string;
  const inFolder = (name: string) => path.join(folder, name);
  const requests: { host?: string; headers: http.IncomingHttpHeaders; serverName: string }[] = [];
  let answer = 200;
  let delayMs = 0;
  /** While it is there, the partner answers nobody before it has been kept. */
  let held: Promise<void> | undefined;
  const servers: https.Server[] = [];
  const proxies: ChildProcess[] = [];
  const upstream: Record<string, number> = {};
  let ports: Record<string, number> = {};

  /** A certificate of the test's own authority, for these names. */
  function certificate(file: string, names: string[]): { key: Buffer; cert: Buffer } {
    const authority = fs.existsSync(inFolder("authority.pem"))
      ? ["-CA", inFolder("authority.pem"), "-CAkey", inFolder("authority.key")]
      : [];
    const alternatives = names.length > 0 ? names.map((name) => `DNS:${name}`).join(",") : "DNS:authority";
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
        ...["-subj", `/CN=${file}`, "-addext", `subjectAltName=${alternatives}`, ...authority],
        ...["-keyout", inFolder(`${file}.key`), "-out", inFolder(`${file}.pem`)],
      ],
      { stdio: "ignore" },
    );
    return { key: fs.readFileSync(inFolder(`${file}.key`)), cert: fs.readFileSync(inFolder(`${file}.pem`)) };
  }

  async function partner(file: string, names: string[]): Promise<number> {
    const server = https.createServer(certificate(file, names), (request, response) => {
      const { servername } = request.socket as TLSSocket & { servername?: string };
      requests.push({
        host: request.headers.host,
        headers: request.headers,
        serverName: String(servername),
      });
      const respond = () => response.writeHead(answer).end("partner");
      if (held) void held.then(respond);
      else setTimeout(respond, delayMs);
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return (server.address() as AddressInfo).port;
  }

  async function start(): Promise<void> {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "gateway-"));
    certificate("authority", []);
    const genuine = await partner("genuine", ["panel.sendcloud.sc", "*.myshopify.com"]);
    const impostor = await partner("impostor", ["elsewhere.example"]);
    Object.assign(upstream, { sendcloud: genuine, shopify: genuine, simplyprint: impostor });
    ports = (await gateway()).ports;
  }

  /** A gateway with the configuration as it is deployed, the partners, their authority and ports of this test. */
  async function gateway(change: (made: any) => void = () => {}) {
    const own: Record<string, number> = {};
    for (const name of [...Object.keys(upstream), "status", "admin"]) own[name] = await freePort();
    const made = config({ maxConsecutiveFailures: 5, ejectionSeconds: 2, timeoutSeconds: 30 });
    made.admin.address.socket_address.port_value = own.admin;
    for (const entry of made.static_resources.listeners) {
      entry.address.socket_address = { address: "127.0.0.1", port_value: own[entry.name] };
    }
    for (const entry of made.static_resources.clusters) {
      entry.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address = {
        address: "127.0.0.1",
        port_value: upstream[entry.name] ?? own.admin,
      };
      if (!entry.transport_socket) continue;
      const { validation_context: validation } = entry.transport_socket.typed_config.common_tls_context;
      validation.trusted_ca.filename = inFolder("authority.pem");
    }
    change(made);
    const file = inFolder(`envoy-${proxies.length}.json`);
    fs.writeFileSync(file, JSON.stringify(made));
    const proxy = spawn(
      envoy as string,
      ["-c", file, "--log-level", "error", "--concurrency", "1", "--disable-hot-restart"],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    proxies.push(proxy);
    await untilReady(own);
    return { proxy, ports: own };
  }

  async function untilReady({ status }: Record<string, number>): Promise<void> {
    await until("Envoy is ready", async () => (await fetch(`http://127.0.0.1:${status}/ready`)).ok);
  }

  async function stop(proxy: ChildProcess): Promise<void> {
    if (proxy.exitCode !== null) return;
    const ended = new Promise((done) => proxy.once("exit", done));
    proxy.kill("SIGTERM");
    await ended;
  }

  /** Calls a partner through the gateway; the host can be named only with Node's own client. */
  function call(
    name: string,
    host?: string,
    over: { port?: number; agent?: http.Agent } = {},
  ): Promise<{ status?: number; circuit: unknown; body: string }> {
    return new Promise((done, fail) => {
      const request = http.request(
        {
          port: ports[name],
          ...over,
          host: "127.0.0.1",
          method: "POST",
          path: "/orders",
          ...(host && { headers: { host } }),
        },
        (response) => {
          let body = "";
          response.on("data", (chunk) => (body += String(chunk)));
          response.on("end", () =>
            done({ status: response.statusCode, circuit: response.headers["x-circuit"], body }),
          );
        },
      );
      request.on("error", fail);
      request.end("{}");
    });
  }

  /** Connections callers have to a gateway's partner. */
  async function connections(status: number): Promise<number> {
    const metrics = await (await fetch(`http://127.0.0.1:${status}/stats/prometheus`)).text();
    return Number(
      /^envoy_http_downstream_cx_active\{envoy_http_conn_manager_prefix="sendcloud"\} (\d+)/m.exec(
        metrics,
      )?.[1],
    );
  }

  beforeAll(start, 60_000);
  afterAll(async () => {
    for (const proxy of proxies) await stop(proxy);
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test("accepts the configuration as it is deployed", async () => {
    fs.writeFileSync(
      inFolder("deployed.json"),
      JSON.stringify(config({ ...SETTINGS, permissionPort: 9904 })),
    );
    const check = spawn(
      envoy as string,
      ["--mode", "validate", "-c", inFolder("deployed.json"), "--log-level", "error"],
      { stdio: "ignore" },
    );
    expect(await new Promise((done) => check.once("exit", done))).toBe(0);
  });

  test("speaks TLS to a partner under the partner's name, and to a shop under the shop's", async () => {
    requests.length = 0;
    expect((await call("sendcloud")).status).toBe(200);
    expect((await call("shopify", "some-shop.myshopify.com")).status).toBe(200);
    expect(requests.map(({ host, serverName }) => [host, serverName])).toEqual([
      ["panel.sendcloud.sc", "panel.sendcloud.sc"],
      ["some-shop.myshopify.com", "some-shop.myshopify.com"],
    ]);
    for (const { headers } of requests) {
      expect(Object.keys(headers).filter((name) => /^x-(request|forwarded|envoy)/.test(name))).toEqual([]);
    }
    expect(await call("shopify", "elsewhere.example")).toMatchObject({ status: 421 });
  });

  test("sends nothing to a server with another's certificate", async () => {
    requests.length = 0;
    expect((await call("simplyprint")).status).toBe(503);
    expect(requests).toEqual([]);
  });

  /** What the page about partners prints here: its own command, with this gateway's address and ports. */
  async function seenByThePage(): Promise<string[]> {
    const steps = readRunbooks(path.join(__dirname, "../..")).find(({ id }) => id === "partner-down")?.steps;
    const command = steps?.find(({ title }) => title === "See the circuits")?.command ?? "";
    let script = /node -e "(.*)"$/.exec(command)?.[1] ?? "";
    script = script.replace("host:'gateway'", "host:'127.0.0.1'");
    for (const { name, port } of PARTNERS)
      script = script.replace(`${name}:${port}`, `${name}:${ports[name]}`);
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script]);
    return stdout.trim().split("\n").sort();
  }

  test("opens after five failures in a row, answers at once, and tries again later", async () => {
    answer = 500;
    for (let failure = 0; failure < 5; failure++) expect((await call("sendcloud")).status).toBe(500);
    let reached = requests.length;
    let refused = await call("sendcloud");
    // Envoy's main thread opens the circuit: on a busy machine a call close behind the fifth is ahead of it.
    for (let ahead = 0; refused.status === 500 && ahead < 20; ahead++) {
      reached = requests.length;
      refused = await call("sendcloud");
    }
    expect([refused.status, refused.circuit, JSON.parse(refused.body)]).toEqual([
      503,
      "open",
      { error: "circuit open", partner: "sendcloud" },
    ]);
    expect(requests).toHaveLength(reached);
    await until("the page tells it from a partner that fails", async () => {
      await call("sendcloud");
      const [sendcloud, , simplyprint] = await seenByThePage();
      expect(simplyprint).toBe("simplyprint 503 fails");
      return sendcloud === "sendcloud 503 open";
    });
    answer = 200;
    await until("the partner is tried again", async () => (await call("sendcloud")).status === 200);
    await until("so is the other", async () => (await seenByThePage())[1] === "shopify 200 answers");
    expect((await seenByThePage())[0]).toBe("sendcloud 200 answers");
  });

  test("a pod that leaves takes no answer with it that a partner has been asked for", async () => {
    // Ten times as fast as deployed: connections of a second, and calls of a third of one.
    const hurried = (made: any): void => {
      for (const entry of made.static_resources.listeners) {
        const { typed_config: http } = entry.filter_chains[0].filters[0];
        const options = http.common_http_protocol_options;
        if (options) options.max_connection_duration = "1s";
      }
    };
    const leaving = await gateway(hurried);
    const staying = await gateway(hurried);
    // The Service: new connections go to a pod that is in it, and old ones stay where they are.
    let inService = leaving.ports.sendcloud;
    const sockets = new Set<net.Socket>();
    const service = net.createServer((caller) => {
      const pod = net.connect(inService ?? 0, "127.0.0.1");
      for (const [one, other] of [
        [caller, pod],
        [pod, caller],
      ] as const) {
        sockets.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
      }
    });
    await new Promise<void>((done) => service.listen(0, "127.0.0.1", done));
    const { port } = service.address() as AddressInfo;
    delayMs = 300;
    let calling = true;
    const outcomes: (number | string | undefined)[] = [];
    const caller = async (): Promise<void> => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      while (calling) {
        const { status } = await call("sendcloud", undefined, { port, agent }).catch((error: unknown) => ({
          status: String(error),
        }));
        outcomes.push(status);
      }
      agent.destroy();
    };
    const callers = Array.from({ length: 4 }, caller);
    const open = ({ ports: { status } }: { ports: Record<string, number> }) => connections(status ?? 0);
    try {
      await until("all call by the one", async () => outcomes.length > 4 && (await open(leaving)) === 4);
      inService = staying.ports.sendcloud;
      // How long that takes at most is drainSeconds(); without an age it would never come.
      await until("nobody calls by the one that leaves", async () => (await open(leaving)) === 0);
      await stop(leaving.proxy);
      const before = outcomes.length;
      await until("all call by the other", () => outcomes.length > before + 4);
    } finally {
      calling = false;
      await Promise.all(callers);
      delayMs = 0;
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => service.close(done));
    }
    expect(outcomes.filter((outcome) => outcome !== 200)).toEqual([]);
  }, 180_000);

  test("calls no partner while its region does not serve, and none when nobody can say", async () => {
    let blobs: LocalAzurite | undefined;
    let serving: Serving | undefined;
    const end = new AbortController();
    try {
      blobs = await startAzurite();
      const service = BlobServiceClient.fromConnectionString(blobs.connectionString);
      let reachable = true;
      const places: Place[] = await Promise.all(
        ["westeurope", "northeurope", "swedencentral"].map(async (name) => {
          const container = service.getContainerClient(`${SERVING_CONTAINER}-${name}`);
          await container.create();
          const place = placeIn(name, container);
          return {
            ...place,
            look: () => (reachable ? place.look() : Promise.reject(new Error("no route"))),
          };
        }),
      );
      let now = 0;
      const notes: string[] = [];
      serving = await startServing({
        ...{ region: "westeurope", places, host: "127.0.0.1", port: 0, signal: end.signal },
        ...{ note: (line: string) => notes.push(line), lookEveryMs: 1e9, clock: () => now },
      });
      const permissionPort = serving.port;
      const own = await gateway((made) => {
        const guarded = config({ ...SETTINGS, permissionPort });
        made.static_resources.clusters.push(
          guarded.static_resources.clusters.find((entry: any) => entry.name === "permission"),
        );
        for (const entry of made.static_resources.listeners) {
          if (entry.name === "status") continue;
          const same = guarded.static_resources.listeners.find((one: any) => one.name === entry.name);
          entry.filter_chains[0].filters[0].typed_config.http_filters =
            same.filter_chains[0].filters[0].typed_config.http_filters;
        }
      });
      const ask = () => call("sendcloud", undefined, { port: own.ports.sendcloud });
      await serving.look();
      requests.length = 0;
      expect(await ask()).toMatchObject({ status: 200 });
      expect(requests).toHaveLength(1);

      // Cut off: it goes on for ten minutes after it last heard, then the partner hears nothing more.
      reachable = false;
      now = GRACE_SECONDS - 1;
      await serving.look();
      expect((await ask()).status).toBe(200);
      now = GRACE_SECONDS;
      const refused = await ask();
      expect(refused).toMatchObject({ status: 503, circuit: "fenced" });
      expect(JSON.parse(refused.body)).toMatchObject({
        ...{ error: "region does not serve", partner: "sendcloud" },
        reason: expect.stringContaining("it may be cut off"),
      });
      expect(
        (await fetch(`http://127.0.0.1:${permissionPort}/metrics`).then((r) => r.text())).split("\n"),
      ).toEqual(
        expect.arrayContaining([
          "forma3d_serving_may_call 0",
          'forma3d_serving_silence_seconds{place="westeurope"} 600',
        ]),
      );

      // Heard again it goes on, until a failover has said that another region serves; and again after the way back.
      reachable = true;
      await serving.look();
      expect((await ask()).status).toBe(200);
      const over = await writeServing(places, { serving: "northeurope", incident: "INC-1" }, new Date());
      expect([over.record.term, over.reached, over.failed]).toEqual([1, places.map(({ name }) => name), []]);
      await serving.look();
      const fenced = await ask();
      expect(fenced).toMatchObject({ status: 503, circuit: "fenced" });
      expect(JSON.parse(fenced.body).reason).toMatch(/^northeurope serves since /);
      expect(notes.at(-1)).toMatch(/^northeurope serves since /);
      expect((await writeServing(places, { serving: "westeurope" }, new Date())).record.term).toBe(2);
      await serving.look();
      expect((await ask()).status).toBe(200);
      expect(requests).toHaveLength(4);

      // An account without the container says nothing, and too few places bind nobody.
      const gone = placeIn("gone", service.getContainerClient("nowhere"));
      await expect(gone.look()).rejects.toThrow(/ContainerNotFound|specified container/);
      const [one = gone] = places;
      const heard = { look: () => Promise.resolve(undefined) };
      await expect(
        writeServing(
          [one, { ...gone, ...heard }, { ...gone, ...heard }],
          { serving: "northeurope" },
          new Date(),
        ),
      ).rejects.toThrow("written to 1 of 3 places, and 2 are needed");
      // Whoever heard too few of them might say less than what was said last: then nothing is written.
      const before = await one.look();
      await expect(
        writeServing([one, gone, { ...gone, write: one.write }], { serving: "westeurope" }, new Date()),
      ).rejects.toThrow("heard from 1 of 3 places, and 2 are needed");
      expect(await one.look()).toEqual(before);

      // Nobody there to ask: refused, by the gateway itself.
      end.abort();
      await serving.ended;
      expect((await ask()).status).toBe(503);
      expect(requests).toHaveLength(4);
    } finally {
      end.abort();
      await serving?.ended;
      await blobs?.stop();
    }
  }, 180_000);

  test("a burst is served; what is too much is told apart from a partner that is down", async () => {
    const { ports: patient } = await gateway((made) => {
      for (const entry of made.static_resources.clusters) entry.connect_timeout = "30s";
    });
    /** So many calls at once, all under way before the partner answers the first. */
    const burst = async (size: number, isFull: (refusals: number, reached: number) => boolean) => {
      let release = () => {};
      held = new Promise((done) => (release = done));
      requests.length = 0;
      let refusals = 0;
      const calls = Promise.all(
        Array.from({ length: size }, async () => {
          const answered = await call("sendcloud", undefined, { port: patient.sendcloud });
          if (answered.status !== 200) refusals++;
          return answered;
        }),
      );
      try {
        await until("the gateway is as full as it gets", () => isFull(refusals, requests.length));
      } finally {
        held = undefined;
        release();
      }
      return (await calls).filter(({ status }) => status !== 200);
    };
    // As many as there are connections are with the partner, and the rest waits for one of them.
    expect(await burst(200, (_, reached) => reached === 128)).toEqual([]);
    const refused = await burst(700, (refusals) => refusals > 0);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, circuit, body } of refused) {
      expect([status, circuit, JSON.parse(body)]).toEqual([
        503,
        "full",
        { error: "too many calls", partner: "sendcloud" },
      ]);
    }
    const metrics = await (await fetch(`http://127.0.0.1:${patient.status}/stats/prometheus`)).text();
    expect(metrics).toMatch(
      /^envoy_cluster_upstream_rq_pending_overflow\{envoy_cluster_name="sendcloud"\} [1-9]/m,
    );
  }, 180_000);
});
