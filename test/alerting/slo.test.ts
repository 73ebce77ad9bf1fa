import { execFile } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import fc from "../support/property";
import { errorBudget, policyLevel } from "../../packages/alerting/budget";
import { AnnouncedWindow } from "../../packages/alerting/maintenance";
import { availabilityReport, Minute, OutsideOutage } from "../../packages/alerting/report";
import {
  allowedDowntimeMinutes,
  MINUTES_PER_MONTH,
  serviceCredit,
  SLA_TIERS,
} from "../../packages/alerting/sla";
import { SLIS, SLOS } from "../../packages/alerting/slo";
import { BURN_RATES, BURN_WINDOWS, sloAlerts, sloRecordings } from "../../packages/alerting/sloRules";
import { ROOT } from "./support";

const DAYS_30 = 30 * 1_440;
const tier = (name: string) => SLA_TIERS.find((entry) => entry.name === name) as (typeof SLA_TIERS)[number];

describe("the report's figures (§10)", () => {
  test.each([
    ["99.9% of 30 days", 0.999, DAYS_30, 43.2],
    ["99.9% of an average month", 0.999, MINUTES_PER_MONTH, 43.8],
    ["99.5% of an average month", 0.995, MINUTES_PER_MONTH, 3.65 * 60],
    ["99.0% of an average month", 0.99, MINUTES_PER_MONTH, 7.3 * 60],
  ])("%s", (_, target, minutes, allowed) => {
    expect(allowedDowntimeMinutes(target, minutes)).toBeCloseTo(allowed, 9);
  });

  test("tiers", () => {
    expect(
      SLA_TIERS.map(({ name, target, supportResponseHours }) => [name, target, supportResponseHours]),
    ).toEqual([
      ["Basic", 0.99, 24],
      ["Professional", 0.995, 4],
      ["Enterprise", 0.999, 1],
    ]);
  });

  test("indicators and objectives", () => {
    expect(SLIS.map(({ title, target }) => [title, target])).toEqual([
      ["Availability", "99.9%"],
      ["Latency (API)", "< 500 ms"],
      ["Latency (Dashboard)", "< 3 s"],
      ["Order Processing", "< 30 s"],
      ["Error Rate", "< 0.1%"],
    ]);
    expect(
      SLOS.map(({ name, target, windowDays, indicator }) => [name, target, windowDays, indicator]),
    ).toEqual([
      ["api_availability", 0.999, 30, 'probe_success{job="api-health"}'],
      ["api_latency", 0.99, 30, "histogram_quantile(0.95, http_request_duration_seconds_bucket) < 0.5"],
      ["order_processing", 0.995, 30, "order_processing_time_seconds < 30"],
    ]);
  });
});

describe("burn rates", () => {
  test("are the SRE workbook's: each pair uses its share of a month's budget in its long window", () => {
    const hours = { "1h": 1, "6h": 6, "1d": 24, "3d": 72 } as const;
    for (const { factor, longWindow, budgetShare } of BURN_RATES) {
      expect(factor).toBeCloseTo((budgetShare * 30 * 24) / hours[longWindow], 9);
    }
    expect(BURN_RATES.map(({ shortWindow, priority }) => [shortWindow, priority])).toEqual([
      ["5m", "P1"],
      ["30m", "P1"],
      ["2h", "P3"],
      ["6h", "P3"],
    ]);
  });

  test("alerts compare both windows with factor times budget, and every window is recorded", () => {
    const fast = sloAlerts().find(({ name }) => name === "ApiAvailabilityBurnFast");
    expect(fast?.expression).toBe(
      'slo:error_ratio:1h{slo="api_availability"} > 0.0144 and slo:error_ratio:5m{slo="api_availability"} > 0.0144',
    );
    const recorded = sloRecordings()
      .filter(({ labels }) => labels?.slo === "api_latency")
      .map(({ record }) => record);
    expect(recorded).toEqual([
      ...BURN_WINDOWS.map((window) => `slo:error_ratio:${window}`),
      "slo:error_ratio:30d",
      "slo:error_budget_remaining:ratio",
      "slo:error_budget_policy:level",
    ]);
  });
});

describe("error budget", () => {
  test.each([
    [1, "normal"],
    [0.51, "normal"],
    [0.5, "review"],
    [0.26, "review"],
    [0.25, "pause"],
    [0.11, "pause"],
    [0.1, "emergency"],
    [0, "emergency"],
    [-3, "emergency"],
  ])("with %d left the policy is %s", (remaining, name) => {
    expect(policyLevel(remaining).name).toBe(name);
  });

  test("half of the budget of 30 days at 99.9%", () => {
    const budget = errorBudget(0.999, DAYS_30, 21.6);
    expect(budget.allowedMinutes).toBeCloseTo(43.2, 9);
    expect(budget.remaining).toBeCloseTo(0.5, 9);
    expect(budget.policy.name).toBe("review");
  });

  test("never grows with more bad minutes, and is used up exactly at the allowance", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 0.9999, noNaN: true }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.tuple(fc.nat(100_000), fc.nat(100_000)),
        (target, minutes, [one, other]) => {
          const [less, more] = [Math.min(one, other), Math.max(one, other)];
          const allowed = errorBudget(target, minutes, 0).allowedMinutes;
          return (
            errorBudget(target, minutes, less).remaining >= errorBudget(target, minutes, more).remaining &&
            Math.abs(errorBudget(target, minutes, allowed).remaining) < 1e-9
          );
        },
      ),
    );
  });
});

describe("service credits (§10.4)", () => {
  test.each([
    ["Enterprise", 0.999, 0],
    ["Enterprise", 0.9989, 10],
    ["Enterprise", 0.9949, 25],
    ["Enterprise", 0.98, 50],
    ["Professional", 0.995, 0],
    ["Professional", 0.9949, 10],
    ["Basic", 0.99, 0],
    ["Basic", 0.94, 50],
  ])("%s at %d: %d%%", (name, uptime, percent) => {
    expect(serviceCredit(tier(name), uptime)).toBe(percent);
  });

  test("never fall when uptime falls, and are owed exactly below the target", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SLA_TIERS),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (of, a, b) =>
          serviceCredit(of, Math.min(a, b)) >= serviceCredit(of, Math.max(a, b)) &&
          serviceCredit(of, a) > 0 === a < of.target,
      ),
    );
  });
});

const FROM = Date.parse("2026-11-01T00:00:00Z");
const at = (minute: number) => new Date(FROM + minute * 60_000).toISOString();
const outage = (first: number, end: number): OutsideOutage => ({
  cause: "shopify",
  startsAt: at(first),
  endsAt: at(end),
  reference: "incident 7",
});
const maintenance = (first: number, end: number, noticeHours: number): AnnouncedWindow => ({
  name: "upgrade",
  startsAt: at(first),
  endsAt: at(end),
  announcedAt: at(first - noticeHours * 60),
  reason: "Upgrade of the database",
});
const month = (down: readonly number[] = [], unknown: readonly number[] = []): Minute[] =>
  Array.from({ length: DAYS_30 }, (_, index) =>
    down.includes(index) ? "down" : unknown.includes(index) ? "unknown" : "up",
  );
const minutesFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => first + index);

describe("availability of a window", () => {
  test("44 minutes of 30 days miss 99.9%, 43 meet it", () => {
    const missed = availabilityReport(FROM, month(minutesFrom(100, 44)), [], []);
    expect(missed.uptime).toBeCloseTo(1 - 44 / 43_200, 12);
    expect(missed.credits.map(({ tier: name, met, creditPercent }) => [name, met, creditPercent])).toEqual([
      ["Basic", true, 0],
      ["Professional", true, 0],
      ["Enterprise", false, 10],
    ]);
    expect(missed.budget.remaining).toBeLessThan(0);
    expect(availabilityReport(FROM, month(minutesFrom(100, 43)), [], []).credits[2]?.met).toBe(true);
  });

  test("maintenance announced 48 hours before is left out, later announced counts", () => {
    const minutes = month(minutesFrom(5_000, 120));
    const excluded = availabilityReport(FROM, minutes, [maintenance(5_000, 5_120, 48)], []);
    expect(excluded).toMatchObject({
      excludedMinutes: 120,
      downMinutes: 0,
      uptime: 1,
      measuredMinutes: DAYS_30 - 120,
    });
    const counted = availabilityReport(FROM, minutes, [maintenance(5_000, 5_120, 47)], []);
    expect(counted).toMatchObject({ excludedMinutes: 0, downMinutes: 120 });
    expect(counted.exclusions[0]?.refused).toBe("announced 47.0 hours before; allowed: at least 48");
  });

  test("two causes of one minute exclude it once", () => {
    const report = availabilityReport(
      FROM,
      month(minutesFrom(200, 20)),
      [maintenance(200, 210, 50)],
      [outage(205, 220)],
    );
    expect(report).toMatchObject({ excludedMinutes: 20, downMinutes: 0 });
    expect(report.exclusions.map(({ minutes }) => minutes)).toEqual([10, 10]);
  });

  test("a minute an outage only touches still counts", () => {
    const half = { ...outage(10, 12), startsAt: new Date(FROM + 9.5 * 60_000).toISOString() };
    expect(availabilityReport(FROM, month([9, 10, 11]), [], [half])).toMatchObject({
      excludedMinutes: 2,
      downMinutes: 1,
    });
  });

  test("what was not measured is neither up nor down, and shows as coverage", () => {
    const report = availabilityReport(FROM, month([1], minutesFrom(10, 432)), [], []);
    expect(report).toMatchObject({ unknownMinutes: 432, measuredMinutes: DAYS_30 - 432, downMinutes: 1 });
    expect(report.coverage).toBeCloseTo(0.99, 12);
    expect(availabilityReport(FROM, ["unknown"], [], [])).toMatchObject({ uptime: 0, coverage: 0 });
  });

  test("minutes always add up, and an exclusion never lowers uptime", () => {
    const states = fc.array(fc.constantFrom<Minute>("up", "down", "unknown"), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(states, fc.nat(300), fc.nat(300), (minutes, a, b) => {
        const down = minutes.flatMap((state, index) => (state === "down" ? [index] : []));
        const plain = availabilityReport(FROM, minutes, [], []);
        const reported = availabilityReport(FROM, minutes, [], [outage(Math.min(a, b), Math.max(a, b))]);
        // Only a window that holds nothing but outage may be judged: one over good minutes takes those out too.
        const allDown = availabilityReport(
          FROM,
          minutes,
          [],
          down.map((index) => outage(index, index + 1)),
        );
        return (
          reported.excludedMinutes + reported.unknownMinutes + reported.measuredMinutes === minutes.length &&
          allDown.downMinutes === 0 &&
          (allDown.measuredMinutes === 0 || allDown.uptime >= plain.uptime)
        );
      }),
    );
  });
});

describe("npm run slo -- report", () => {
  /** Answers like Prometheus: the health check failed in some minutes, and one has no sample. */
  const server = http.createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams;
    const [start, end] = [Number(query.get("start")), Number(query.get("end"))];
    asked.push({
      points: (end - start) / 60 + 1,
      query: query.get("query") ?? "",
      authorization: request.headers.authorization,
    });
    const values: [number, string][] = [];
    for (let time = start; time <= end; time += 60) {
      const minute = (time * 1_000 - FROM) / 60_000 - 1;
      if (minute !== 50) values.push([time, minute >= 1_000 && minute < 1_000 + down ? "0" : "1"]);
    }
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ status: "success", data: { resultType: "matrix", result: [{ metric: {}, values }] } }),
    );
  });
  let down = 0;
  let url = "";
  const asked: { points: number; query: string; authorization?: string }[] = [];

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    down = 0;
    asked.length = 0;
  });

  async function slo(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    try {
      const { stdout, stderr } = await promisify(execFile)(
        process.execPath,
        ["packages/command/run.mjs", "apps/tools/monitoring/slo.ts", ...args],
        { cwd: ROOT, env: { ...process.env, ...environment } },
      );
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }
  const report = (...more: string[]) => ["report", "--prometheus", url, "--end", at(DAYS_30), ...more];

  test("prints uptime, budget and credits, and asks in parts Prometheus answers", async () => {
    down = 44;
    const { code, stdout } = await slo(report(), { PROMETHEUS_TOKEN: "token-of-the-test" });
    expect(code).toBe(1);
    expect(stdout).toContain("Downtime      44 min");
    expect(stdout).toContain("Uptime        99.898%");
    expect(stdout).toContain("Enterprise    99.9% missed: 10% service credit");
    expect(stdout).toContain("Policy        emergency: Emergency mode, critical fixes only");
    expect(asked.every(({ points }) => points <= 11_000)).toBe(true);
    expect(asked.reduce((sum, { points }) => sum + points, 0)).toBe(DAYS_30);
    expect(asked[0]).toMatchObject({
      query: 'min(min_over_time(probe_success{job="api-health"}[1m]))',
      authorization: "Bearer token-of-the-test",
    });
  }, 180_000);

  test("leaves out third-party outages from a file; --json holds the same figures", async () => {
    down = 44;
    const result = await withOutages(
      [{ cause: "sendcloud", startsAt: at(1_000), endsAt: at(1_044), reference: "status.sendcloud.sc/7" }],
      (file) => slo(report("--json", "--outages", file)),
    );
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({
      totalMinutes: DAYS_30,
      excludedMinutes: 44,
      unknownMinutes: 1,
      downMinutes: 0,
      uptime: 1,
    });
  }, 180_000);

  const withOutages = async <T>(outages: unknown, body: (file: string) => Promise<T>): Promise<T> => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "forma3d-outages-"));
    try {
      const file = path.join(folder, "outages.yaml");
      fs.writeFileSync(file, JSON.stringify({ outages }));
      return await body(file);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  };

  test("a wrong outage is named with what is allowed", async () => {
    const result = await withOutages(
      [{ cause: "us", startsAt: at(10), endsAt: at(5), reference: "" }],
      (file) => slo(report("--outages", file)),
    );
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(
      "outages[0].cause: found 'us'; allowed: one of shopify, simplyprint, sendcloud",
    );
    expect(result.stderr).not.toMatch(/^\s+at /m);
  }, 180_000);

  test.each([
    [["report"], "--prometheus"],
    [["report", "--prometheus", "nowhere"], "expected an http(s) address"],
    [["report", "--prometheus", "http://x", "--window", "30"], "expected whole minutes up to 92 days"],
    [["report", "--prometheus", "http://x", "--end", "yesterday"], "expected an instant in UTC"],
    [["report", "--prometheus", "http://x", "--stack", "nope"], "stack nope"],
    [["report", "--prometheus", "http://x", "--outages", "/nowhere.yaml"], "nowhere.yaml"],
  ])(
    "%j ends with 2",
    async (args, message) => {
      const { code, stderr } = await slo(args);
      expect({ code, named: stderr.includes(message) }).toEqual({ code: 2, named: true });
    },
    180_000,
  );

  test("a Prometheus that does not answer, and a window hardly measured, end with 3", async () => {
    const silent = await slo(["report", "--prometheus", "http://127.0.0.1:9"]);
    expect({ code: silent.code, named: silent.stderr.includes("does not answer") }).toEqual({
      code: 3,
      named: true,
    });
    const short = await slo(["report", "--prometheus", url, "--end", at(52), "--window", "5m"]);
    expect(short.code).toBe(3);
    expect(short.stderr).toContain("measured: 80.00% of the window; allowed: at least 99%");
  }, 180_000);

  test("the maintenance of a stack is taken from its file", async () => {
    const { code, stdout } = await slo(report("--stack", "prod", "--window", "1d"));
    expect({ code, total: stdout.includes("Total         1440 min") }).toEqual({ code: 0, total: true });
  }, 180_000);
});
