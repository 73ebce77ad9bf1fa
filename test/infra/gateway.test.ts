import { ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { envoyConfig, GATEWAY_STATUS_PORT, GatewaySettings, PARTNERS } from "../../infra/gatewayConfig";
import { freePort } from "../../sandbox/local/ports";

const SETTINGS: GatewaySettings = { maxConsecutiveFailures: 5, ejectionSeconds: 60, timeoutSeconds: 15 };

/* eslint-disable @typescript-eslint/no-explicit-any -- Envoy's configuration is plain JSON. */
const config = (settings = SETTINGS, partners = PARTNERS): any => envoyConfig(settings, partners);
const cluster = (name: string) =>
  config().static_resources.clusters.find((entry: any) => entry.name === name);
const listener = (name: string) =>
  config().static_resources.listeners.find((entry: any) => entry.name === name);
const manager = (name: string) => listener(name).filter_chains[0].filters[0].typed_config;

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
          thresholds: [{ max_connections: 128, max_pending_requests: 64, max_requests: 256, max_retries: 3 }],
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
});

/** Envoy itself: from the variable ENVOY, or on PATH. */
function findEnvoy(): string | undefined {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return [process.env.ENVOY ?? "", ...folders.map((folder) => path.join(folder, "envoy"))].find(
    (file) => path.isAbsolute(file) && fs.existsSync(file),
  );
}

const envoy = findEnvoy();
const live = envoy ? describe : describe.skip;

live(`integration gateway: Envoy${envoy ? "" : " (skipped: no envoy on PATH or in ENVOY)"}`, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gateway-"));
  const requests: http.IncomingMessage[] = [];
  let answer = 200;
  let partner: http.Server;
  let proxy: ChildProcess;
  let port: number;

  /** The real configuration with the partner on this machine, in clear, and free ports. */
  async function start(): Promise<void> {
    partner = http.createServer((request, response) => {
      requests.push(request);
      response.writeHead(answer).end("partner");
    });
    await new Promise<void>((done) => partner.listen(0, "127.0.0.1", done));
    port = await freePort();
    const [status, admin] = [await freePort(), await freePort()];
    const made = config({ maxConsecutiveFailures: 5, ejectionSeconds: 2, timeoutSeconds: 1 }, [
      { name: "sendcloud", port, host: "panel.sendcloud.sc" },
    ]);
    const [upstream, own] = made.static_resources.clusters;
    delete upstream.transport_socket;
    upstream.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address = {
      address: "127.0.0.1",
      port_value: (partner.address() as AddressInfo).port,
    };
    own.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = admin;
    made.admin.address.socket_address.port_value = admin;
    made.static_resources.listeners[1].address.socket_address.port_value = status;
    for (const entry of made.static_resources.listeners) entry.address.socket_address.address = "127.0.0.1";
    const file = path.join(folder, "envoy.json");
    fs.writeFileSync(file, JSON.stringify(made));
    proxy = spawn(
      envoy as string,
      ["-c", file, "--log-level", "error", "--concurrency", "1", "--disable-hot-restart"],
      {
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    await untilReady(status);
  }

  async function untilReady(status: number): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const ready = await fetch(`http://127.0.0.1:${status}/ready`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error("Envoy did not become ready within 10 s");
  }

  const call = () => fetch(`http://127.0.0.1:${port}/api/v2/parcels`, { method: "POST", body: "{}" });

  beforeAll(start);
  afterAll(async () => {
    const ended = new Promise((done) => proxy?.once("exit", done));
    proxy?.kill("SIGTERM");
    if (proxy) await ended;
    partner?.closeAllConnections();
    await new Promise((done) => partner?.close(done));
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test("accepts the configuration as it is deployed", async () => {
    const file = path.join(folder, "deployed.json");
    fs.writeFileSync(file, JSON.stringify(config()));
    const check = spawn(envoy as string, ["--mode", "validate", "-c", file, "--log-level", "error"], {
      stdio: "ignore",
    });
    expect(await new Promise((done) => check.once("exit", done))).toBe(0);
  });

  test("opens after five failures in a row, answers at once, and tries again later", async () => {
    expect((await call()).status).toBe(200);
    expect(requests[0]?.headers.host).toBe("panel.sendcloud.sc");
    expect(requests[0]?.headers).not.toHaveProperty("x-request-id");
    answer = 500;
    for (let failure = 0; failure < 5; failure++) expect((await call()).status).toBe(500);
    const reached = requests.length;
    const refused = await call();
    expect([refused.status, refused.headers.get("x-circuit"), await refused.json()]).toEqual([
      503,
      "open",
      { error: "circuit open", partner: "sendcloud" },
    ]);
    expect(requests).toHaveLength(reached);
    answer = 200;
    await new Promise((done) => setTimeout(done, 4_000));
    expect((await call()).status).toBe(200);
  });
});
