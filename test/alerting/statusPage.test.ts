import Ajv from "ajv";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import yaml from "js-yaml";
import { Maintenance } from "../../packages/alerting/maintenance";
import { Incident, INCIDENT_TEMPLATES, incidentMessage } from "../../infra/statusPage/incidents";
import { frontConfig, Provider } from "../../infra/statusPage/front";
import { gatusConfig } from "../../infra/statusPage/gatus";
import { statpingEnvironment, statpingServices } from "../../infra/statusPage/statping";
import { pageServices } from "../../infra/statusPage/targets";
import { dependencyPattern } from "../../packages/alerting/services";
import { blackboxModules } from "../../infra/monitoring/exporters";
import { freePort, loopback } from "../../packages/local-servers/ports";
import { monitoringProgram } from "../../packages/local-servers/monitoringPrograms";
import { startSupervised, Supervised, temporaryDirectory } from "../../packages/local-servers/supervised";
import { describeWith, ROOT } from "./support";

const inside = pageServices({ api: "http://api", dashboard: "http://dashboard", database: "db.example" });
const outside = pageServices({ api: "https://api.example", dashboard: "https://app.example" });
const calm: Maintenance = { weekly: [], announced: [] };
const gatus = (services = outside, maintenance = calm, incidents: Incident[] = []) =>
  gatusConfig({ services, environment: "prod", port: 8080, maintenance, incidents });

/** What Statping-ng reads of a service (types/services/struct.go), with the types Go gives the fields. */
const STATPING_SCHEMA = {
  type: "object",
  required: ["services"],
  additionalProperties: false,
  properties: {
    services: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "domain", "type", "check_interval", "timeout"],
        properties: {
          name: { type: "string", minLength: 1 },
          domain: { type: "string", minLength: 1 },
          type: { enum: ["http", "tcp", "udp", "icmp", "grpc", "static"] },
          port: { type: "integer", minimum: 0, maximum: 65535 },
          method: { type: "string" },
          post_data: { type: "string" },
          check_interval: { type: "integer", minimum: 1 },
          timeout: { type: "integer", minimum: 1 },
          expected: { type: "string" },
          expected_status: { type: "integer" },
          order_id: { type: "integer" },
          group_id: { type: "integer" },
          public: { type: "boolean" },
          verify_ssl: { type: "boolean" },
          redirect: { type: "boolean" },
          allow_notifications: { type: "boolean" },
          notify_after: { type: "integer" },
          headers: { type: "string" },
          permalink: { type: "string" },
        },
      },
    },
  },
};

const CONDITION =
  "^\\[(STATUS|CONNECTED|CERTIFICATE_EXPIRATION|RESPONSE_TIME|BODY)\\](\\.[\\w.]+)? (==|!=|<|<=|>|>=) (\\S+|any\\(\\d+(, \\d+)*\\))$";
const DURATION = "^\\d+(ms|s|m|h)$";

/** Gatus's configuration as its README documents it, as far as it is used. */
const GATUS_SCHEMA = {
  type: "object",
  required: ["endpoints"],
  additionalProperties: false,
  properties: {
    metrics: { type: "boolean" },
    storage: {
      type: "object",
      required: ["type"],
      properties: { type: { enum: ["memory", "sqlite", "postgres"] } },
    },
    web: {
      type: "object",
      additionalProperties: false,
      properties: { port: { type: "integer" }, address: { type: "string" } },
    },
    ui: {
      type: "object",
      additionalProperties: false,
      properties: { title: { type: "string" }, header: { type: "string" }, description: { type: "string" } },
    },
    announcements: {
      type: "array",
      items: {
        type: "object",
        required: ["timestamp", "message"],
        additionalProperties: false,
        properties: {
          timestamp: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT.*Z$" },
          type: { enum: ["outage", "warning", "information", "operational", "none"] },
          message: { type: "string" },
        },
      },
    },
    endpoints: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        required: ["name", "url", "conditions"],
        additionalProperties: false,
        properties: {
          name: { type: "string", minLength: 1 },
          group: { type: "string" },
          url: { type: "string", pattern: "^(https?|tcp)://" },
          interval: { type: "string", pattern: DURATION },
          conditions: { type: "array", minItems: 1, items: { type: "string", pattern: CONDITION } },
          client: {
            type: "object",
            additionalProperties: false,
            properties: {
              timeout: { type: "string", pattern: DURATION },
              "ignore-redirect": { type: "boolean" },
            },
          },
          ui: {
            type: "object",
            additionalProperties: false,
            properties: {
              "hide-hostname": { type: "boolean" },
              "hide-url": { type: "boolean" },
              "hide-errors": { type: "boolean" },
            },
          },
        },
      },
    },
  },
};

function accepts(schema: object, document: unknown): boolean {
  return new Ajv({ allErrors: true }).validate(schema, JSON.parse(JSON.stringify(document)));
}

describe("one list, two programs", () => {
  const dependency = (name: string) =>
    `http://blackbox/probe?module=http-${name}-integration&target=http%3A%2F%2Fapi%2Fhealth%2Fdependencies`;

  test("Statping-ng's services.yml", () => {
    const { services } = statpingServices(inside, "http://blackbox");
    expect(accepts(STATPING_SCHEMA, { services })).toBe(true);
    expect(accepts(STATPING_SCHEMA, { services: [{ ...services[0], check_interval: "30s" }] })).toBe(false);
    expect(services.map((s) => [s.name, s.type, s.domain, s.port, s.check_interval, s.timeout])).toEqual([
      ["Core Platform: API Health", "http", "http://api/health", 0, 30, 10],
      ["Core Platform: API Ready", "http", "http://api/health/ready", 0, 30, 10],
      ["Core Platform: Web Dashboard", "http", "http://dashboard/", 0, 60, 10],
      ["Core Platform: Database", "tcp", "db.example", 5432, 30, 5],
      ["Integrations: Shopify Integration", "http", dependency("shopify"), 0, 60, 15],
      ["Integrations: SimplyPrint Integration", "http", dependency("simplyprint"), 0, 60, 15],
      ["Integrations: SendCloud Integration", "http", dependency("sendcloud"), 0, 60, 15],
    ]);
    // It knows one good status only, and the API's for this answer is 200 or 503; the exporter's is 200 always.
    const [partner] = services.filter(({ name }) => name.includes("Shopify"));
    expect(partner).toMatchObject({ expected_status: 200, expected: "(?m)^probe_success 1$" });
  });

  test("Gatus's configuration", () => {
    const config = gatus(inside);
    expect(accepts(GATUS_SCHEMA, config)).toBe(true);
    expect(
      accepts(GATUS_SCHEMA, { ...config, endpoints: [{ name: "x", url: "http://x", conditions: [] }] }),
    ).toBe(false);
    expect((config.endpoints as { name: string; url: string; conditions: string[] }[]).slice(2, 7)).toEqual([
      expect.objectContaining({
        group: "Integrations",
        url: "http://api/health/dependencies",
        interval: "1m",
        conditions: ["[STATUS] == any(200, 503)", "[BODY].details.shopify.status == up"],
      }),
      expect.anything(),
      expect.anything(),
      expect.objectContaining({ group: "Core Platform", url: "http://dashboard/" }),
      expect.objectContaining({
        url: "tcp://db.example:5432",
        interval: "30s",
        conditions: ["[CONNECTED] == true"],
      }),
    ]);
  });

  test("outside, everything is asked over public addresses, certificates included", () => {
    const endpoints = gatus().endpoints as { name: string; url: string; conditions: string[] }[];
    expect(endpoints.every(({ url }) => url.startsWith("https://"))).toBe(true);
    expect(endpoints.find(({ name }) => name === "Database")).toMatchObject({
      url: "https://api.example/health/dependencies",
      conditions: [
        "[STATUS] == any(200, 503)",
        "[BODY].details.database.status == up",
        "[CERTIFICATE_EXPIRATION] > 72h",
      ],
    });
  });

  test("announced maintenance is announced", () => {
    const config = gatus(outside, {
      weekly: [],
      announced: [
        {
          name: "u",
          startsAt: "2026-11-28T22:00:00Z",
          endsAt: "2026-11-29T01:00:00Z",
          announcedAt: "2026-11-20T09:00:00Z",
          reason: "Upgrade",
        },
      ],
    });
    expect(accepts(GATUS_SCHEMA, config)).toBe(true);
    expect(JSON.stringify(config.announcements)).toContain("Planned maintenance from 2026-11-28T22:00:00Z");
  });

  test("YAML survives a round trip", () => {
    for (const document of [statpingServices(inside, "http://blackbox"), gatus(inside)]) {
      expect(yaml.load(yaml.dump(document, { lineWidth: -1, noRefs: true }))).toEqual(document);
    }
  });

  test("no default password, no sample services, no reports to the authors", () => {
    const environment = statpingEnvironment("prod", 8080, []);
    expect(environment).toMatchObject({ SAMPLE_DATA: "false", ALLOW_REPORTS: "false", DB_CONN: "sqlite" });
    // The password comes from the vault, so it is nowhere among plain variables.
    expect(Object.keys(environment).filter((name) => /PASS|SECRET/.test(name))).toEqual([]);
    expect(environment.ADMIN_USER).not.toBe("admin");
  });
});

describe("a partner's health in the API's answer", () => {
  const pattern = new RegExp(dependencyPattern({ path: "details.shopify.status", equals: "up" }));
  const answer = (shopify: string, sendcloud: string) =>
    JSON.stringify({
      status: "ok",
      details: {
        database: { status: "up" },
        shopify: { responseTime: 12, status: shopify },
        sendcloud: { status: sendcloud },
      },
    });

  test("is found whatever stands beside it", () => {
    expect(pattern.test(answer("up", "down"))).toBe(true);
    expect(pattern.test(answer("down", "up"))).toBe(false);
    expect(pattern.test('{ "details": { "shopify" : { "status" : "up" } } }')).toBe(true);
    expect(pattern.test('{"details":{"sendcloud":{"status":"up"}}}')).toBe(false);
  });

  test("has a probe module of its own, so that three partners are three probes", () => {
    const { modules } = blackboxModules() as { modules: Record<string, unknown> };
    expect(Object.keys(modules)).toEqual([
      "http",
      "https",
      "tcp",
      "http-shopify-integration",
      "http-simplyprint-integration",
      "http-sendcloud-integration",
    ]);
  });
});

describe("incident messages (§8.4)", () => {
  test("are the report's four phases", () => {
    expect(INCIDENT_TEMPLATES.map(({ title }) => title)).toEqual([
      "Investigating: {service} Performance Degradation",
      "Identified: {service} Outage",
      "Monitoring: {service} Restored",
      "Resolved: {service} Incident",
    ]);
    expect(incidentMessage("identified", { service: "API", hours: "2" })).toEqual({
      title: "Identified: API Outage",
      body: "We have identified the cause of the API outage. Our team is working on a fix. Estimated time to resolution: 2 hours",
    });
  });

  test("are shown by both programs, each in its way", () => {
    const incidents: Incident[] = [
      { at: "2026-11-24T10:30:00Z", phase: "identified", service: "Email Notifications", hours: 2 },
      { at: "2026-11-24T10:00:00Z", phase: "investigating", service: "Email Notifications" },
    ];
    const config = gatus(outside, calm, incidents);
    expect(accepts(GATUS_SCHEMA, config)).toBe(true);
    expect(config.announcements).toEqual([
      {
        timestamp: "2026-11-24T10:30:00.000Z",
        type: "outage",
        message: expect.stringMatching(
          /^\*\*Identified: Email Notifications Outage\*\* .*resolution: 2 hours$/,
        ),
      },
      expect.objectContaining({ type: "warning" }),
    ]);
    expect(statpingEnvironment("prod", 8080, incidents).DESCRIPTION).toContain(
      "| Identified: Email Notifications Outage. We have identified the cause",
    );
  });

  test("with a gap left open, or of an unknown phase, are refused", () => {
    expect(() => incidentMessage("identified", { service: "API" })).toThrow("identified: missing hours");
    expect(() => incidentMessage("over", {})).toThrow(
      "phase over; allowed: investigating, identified, monitoring, resolved",
    );
  });
});

const OPEN: Record<Provider, string[]> = {
  statping: [
    "/",
    "/service/1",
    "/css/base.css",
    "/favicon.ico",
    "/api",
    "/api/core",
    "/api/services",
    "/api/services/7",
    "/api/services/7/hits_data",
  ],
  gatus: [
    "/",
    "/endpoints/core-platform_api-health",
    "/js/app.1a2b.js",
    "/api/v1/config",
    "/api/v1/endpoints/statuses",
    // What Gatus's own page asks for when one looks at the overview and at one endpoint.
    "/api/v1/suites/statuses",
    "/api/v1/endpoints/core_api/statuses",
    "/api/v1/endpoints/core_api/health/badge.svg",
    "/api/v1/endpoints/core_api/uptimes/24h",
    "/api/v1/endpoints/core_api/uptimes/7d/badge.svg",
    "/api/v1/endpoints/core_api/response-times/24h/badge.svg",
    "/api/v1/endpoints/core_api/response-times/24h/history",
  ],
};
const CLOSED: Record<Provider, string[]> = {
  statping: [
    "/api/users",
    "/api/users/1",
    "/api/settings",
    "/api/oauth",
    "/dashboard",
    "/login",
    "/logs",
    "/settings",
    "/metrics",
    "/api/notifiers",
    "/api/login",
    "/api/services/7/failures/x",
    "/setup",
    "/api/renew",
  ],
  gatus: ["/metrics", "/health", "/api/v1/endpoints/core_api/external", "/oidc/login"],
};

const PROVIDERS = ["statping", "gatus"] as const;

describeWith(["nginx"], "the front as a real nginx", () => {
  const seen: http.IncomingMessage[] = [];
  const page = http.createServer((request, response) => {
    seen.push(request);
    response.setHeader("set-cookie", "session=1");
    response.end("page");
  });
  let nginx: Supervised;
  const ports = { statping: 0, gatus: 0 };

  beforeAll(async () => {
    await new Promise<void>((resolve) => page.listen(0, loopback, resolve));
    const directory = temporaryDirectory("front");
    const upstream = `${loopback}:${(page.address() as AddressInfo).port}`;
    for (const provider of PROVIDERS) {
      ports[provider] = await freePort();
      fs.writeFileSync(
        path.join(directory, `${provider}.front.conf`),
        frontConfig(provider, ports[provider], upstream),
      );
    }
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `  ${name}_temp_path ${directory}/${name};`)
      .join("\n");
    fs.writeFileSync(
      path.join(directory, "nginx.conf"),
      `daemon off;\nmaster_process off;\npid ${directory}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\n  access_log off;\n${temporary}\n  include ${directory}/*.front.conf;\n}\n`,
    );
    nginx = await startSupervised({
      command: [
        monitoringProgram("nginx", ROOT),
        "-e",
        "stderr",
        "-p",
        directory,
        "-c",
        path.join(directory, "nginx.conf"),
      ],
      directory,
      stopSignal: "KILL",
    });
    await ready();
  });

  afterAll(async () => {
    await nginx.stop();
    page.closeAllConnections();
    await new Promise((resolve) => page.close(resolve));
  });

  async function ready() {
    for (let tries = 0; ; tries++) {
      try {
        if ((await ask("/-/healthy")).status === 200) return;
      } catch (error) {
        if (tries > 100) throw new Error(`nginx did not start: ${nginx.output()}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const ask = (target: string, init: RequestInit = {}, provider: Provider = "statping") =>
    fetch(`http://${loopback}:${ports[provider]}${target}`, init);

  test.each(PROVIDERS)("opens what visitors of %s need, and nothing else", async (provider) => {
    seen.length = 0;
    for (const target of OPEN[provider]) {
      expect([target, (await ask(target, {}, provider)).status]).toEqual([target, 200]);
      expect(seen.at(-1)?.url?.replace(/\?.*$/, "")).toBe(target);
    }
    for (const target of CLOSED[provider])
      expect([target, (await ask(target, {}, provider)).status]).toEqual([target, 404]);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"])
      expect([method, (await ask("/", { method }, provider)).status]).toEqual([method, 405]);
    expect(seen).toHaveLength(OPEN[provider].length);
  });

  test("passes what is open, without cookies, credentials or a key in the query", async () => {
    seen.length = 0;
    const response = await ask("/api/services/7/hits_data?start=1&end=2&group=1h&api=stolen", {
      headers: { authorization: "Bearer stolen", cookie: "statping_auth=stolen" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    expect(JSON.stringify([seen[0]?.url, seen[0]?.headers])).not.toContain("stolen");
    expect(seen[0]?.url).toBe("/api/services/7/hits_data?start=1&end=2&group=1h&fill=&limit=&offset=");
    await ask("/api/core?api=stolen");
    expect(seen[1]?.url?.replace(/\?$/, "")).toBe("/api/core");
  });

  test("answers what leads past an open path itself", async () => {
    seen.length = 0;
    const hidden = [
      "//api/users",
      "/api/core/../users",
      "/css/../api/users",
      "/api%2fusers",
      "/css/..%2f..%2fapi/users",
    ];
    for (const target of hidden) expect([target, (await rawStatus(target)) >= 400]).toEqual([target, true]);
    expect(seen.map(({ url }) => url)).toEqual([]);
  });

  /** fetch would tidy the path up before it is sent. */
  function rawStatus(target: string): Promise<number> {
    return new Promise((resolve, reject) => {
      http
        .get({ host: loopback, port: ports.statping, path: target }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
        .once("error", reject);
    });
  }
});
