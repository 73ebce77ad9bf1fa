import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { HEARTBEAT } from "../../packages/alerting/alerts/monitoring";
import { alertCatalogue } from "../../packages/alerting/catalogue";
import { DETECTION_TARGET_SECONDS, worstDetectionSeconds } from "../../packages/alerting/detection";
import { DEFAULT_SLACK_CHANNELS } from "../../packages/alerting/receivers";
import { alertmanagerConfig } from "../../packages/alerting/render/alertmanager";
import { prometheusRuleGroups } from "../../packages/alerting/render/prometheus";
import { PrometheusAlert } from "../../packages/alerting/types";
import { freePort, loopback } from "../../packages/local-servers/ports";
import { monitoringProgram } from "../../packages/local-servers/monitoringPrograms";
import { startSupervised, Supervised, temporaryDirectory } from "../../packages/local-servers/supervised";
import { describeWith, ROOT, SETTINGS, writeYaml } from "./support";

const catalogue = alertCatalogue(SETTINGS);

/** A message that arrived at one of the receivers. */
interface Delivery {
  to: string;
  at: number;
  body: Record<string, unknown>;
  authorization?: string;
}

/** Stands for the exporters and for Slack, PagerDuty and the heartbeat service. */
class World {
  readonly deliveries: Delivery[] = [];
  metrics = "";
  private readonly server = http.createServer((request, response) => {
    if (request.url === "/metrics") {
      response.setHeader("content-type", "text/plain; version=0.0.4");
      response.end(this.metrics);
      return;
    }
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { authorization } = request.headers;
      this.deliveries.push({
        to: request.url ?? "",
        at: Date.now(),
        body: JSON.parse(text) as Record<string, unknown>,
        ...(authorization && { authorization }),
      });
      response.statusCode = request.url === "/pagerduty" ? 202 : 200;
      response.setHeader("content-type", "application/json");
      response.end('{"ok":true,"status":"success"}');
    });
  });

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, loopback, resolve));
    return (this.server.address() as AddressInfo).port;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  async delivered(wanted: (delivery: Delivery) => boolean, seconds: number): Promise<Delivery> {
    for (const end = Date.now() + seconds * 1_000; Date.now() < end;) {
      const found = this.deliveries.find(wanted);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(
      `nothing of the kind arrived within ${seconds} s; arrived: ${JSON.stringify(this.deliveries)}`,
    );
  }
}

const slackTitle = ({ body }: Delivery): string =>
  (body.attachments as { title: string }[] | undefined)?.[0]?.title ?? "";

describeWith(["prometheus", "alertmanager"], "an outage reaches the people who must know", () => {
  const world = new World();
  const servers: Supervised[] = [];
  let port = 0;

  beforeAll(async () => {
    port = await world.start();
    const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
    servers.push(
      await startAlertmanager(port, alertmanagerPort),
      await startPrometheus(port, prometheusPort, alertmanagerPort),
    );
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await world.stop();
  });

  test("database down: paged and posted within five minutes", async () => {
    world.metrics = "pg_up 1\n";
    // The heartbeat needs a scrape, so Prometheus has seen the healthy database when it arrives.
    await world.delivered(({ to }) => to === "/heartbeat", 60);
    const before = world.deliveries.filter(({ to }) => to !== "/heartbeat");
    world.metrics = "pg_up 0\n";
    const outage = Date.now();
    const page = await world.delivered(
      ({ to, body }) => to === "/pagerduty" && body.event_action === "trigger",
      DETECTION_TARGET_SECONDS,
    );
    const post = await world.delivered(
      (delivery) => delivery.to === "/slack" && slackTitle(delivery).includes("DatabaseDown"),
      30,
    );
    const detection = (page.at - outage) / 1_000;
    console.log(`time to detect a database that is down: ${detection.toFixed(1)} s`);
    expect(before.filter((delivery) => JSON.stringify(delivery.body).includes("DatabaseDown"))).toEqual([]);
    expect(detection).toBeGreaterThan(60);
    expect(detection).toBeLessThan(DETECTION_TARGET_SECONDS);
    expect(page.body).toMatchObject({
      routing_key: "routing-key-of-the-test",
      payload: {
        severity: "critical",
        summary: expect.stringContaining("PostgreSQL database is down") as string,
      },
    });
    expect(JSON.stringify(page.body)).toContain("Secondary on-call 10 min");
    expect(post).toMatchObject({
      body: { channel: "#incidents" },
      authorization: "Bearer token-of-the-test",
    });
    expect(slackTitle(post)).toBe("[P1 Page] DatabaseDown: PostgreSQL database is down");
  }, 420_000);

  test("the heartbeat went to the dead man's switch only", () => {
    const mentioning = world.deliveries.filter(({ body }) => JSON.stringify(body).includes('"Heartbeat"'));
    expect(new Set(mentioning.map(({ to }) => to))).toEqual(new Set(["/heartbeat"]));
  });
});

/** Real waiting is for the alert's patience; scrapes and evaluations come faster than in production. */
async function startPrometheus(world: number, port: number, alertmanager: number): Promise<Supervised> {
  const directory = temporaryDirectory("prometheus");
  // The heartbeat beats by the clock, five minutes on and five off (promtool proves that): here it is always on.
  const groups = prometheusRuleGroups(catalogue, "2s").map((group) => ({
    ...group,
    rules: group.rules.map((rule) =>
      "alert" in rule && rule.alert === HEARTBEAT ? { ...rule, expr: "count(up == 1) > 0" } : rule,
    ),
  }));
  writeYaml(directory, "rules.yml", { groups });
  writeYaml(directory, "prometheus.yml", {
    global: { scrape_interval: "1s", evaluation_interval: "2s" },
    rule_files: ["rules.yml"],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`${loopback}:${alertmanager}`] }] }] },
    scrape_configs: [{ job_name: "platform", static_configs: [{ targets: [`${loopback}:${world}`] }] }],
  });
  return startSupervised({
    command: [
      monitoringProgram("prometheus", ROOT),
      `--config.file=${path.join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${path.join(directory, "data")}`,
      `--web.listen-address=${loopback}:${port}`,
      "--log.level=warn",
    ],
    directory,
    stopSignal: "KILL",
  });
}

async function startAlertmanager(world: number, port: number): Promise<Supervised> {
  const directory = temporaryDirectory("alertmanager");
  fs.writeFileSync(path.join(directory, "pagerduty-routing-key"), "routing-key-of-the-test");
  fs.writeFileSync(path.join(directory, "slack-bot-token"), "token-of-the-test");
  fs.writeFileSync(path.join(directory, "smtp-password"), "unused");
  const here = `http://${loopback}:${world}`;
  writeYaml(
    directory,
    "alertmanager.yml",
    alertmanagerConfig({
      // No mail server is started: nothing of priority P2 fires in this test.
      receivers: { emails: [], slackChannels: DEFAULT_SLACK_CHANNELS },
      maintenance: { weekly: [], announced: [] },
      mail: { from: "alerts@forma3d.com", smarthost: `${loopback}:25` },
      secretsFolder: directory,
      slackUrl: `${here}/slack`,
      pagerDutyUrl: `${here}/pagerduty`,
      heartbeatUrl: `${here}/heartbeat`,
    }),
  );
  return startSupervised({
    command: [
      monitoringProgram("alertmanager", ROOT),
      `--config.file=${path.join(directory, "alertmanager.yml")}`,
      `--storage.path=${path.join(directory, "data")}`,
      `--web.listen-address=${loopback}:${port}`,
      "--cluster.listen-address=",
      "--log.level=warn",
    ],
    directory,
    stopSignal: "KILL",
  });
}

describe("detection by rule timing", () => {
  const alerts = catalogue.alerts.filter((alert): alert is PrometheusAlert => alert.kind === "prometheus");

  test.each([
    ["the database is down", "DatabaseDown", 160],
    ["the API is down", "ApiDown", 220],
    ["the API works but not from outside", "EdgeUnreachable", 280],
    ["the API answers with errors", "ErrorRateSpike", 160],
  ])(
    "when %s, %s has spoken after at most %d seconds, scrape and evaluation included",
    (_, name, seconds) => {
      const alert = alerts.find((entry) => entry.name === name);
      if (!alert) throw new Error(`no alert ${name}`);
      expect(alert.priority).toBe("P1");
      expect(worstDetectionSeconds(alert)).toBe(seconds);
      expect(worstDetectionSeconds(alert)).toBeLessThan(DETECTION_TARGET_SECONDS);
    },
  );
});
