import { alertCatalogue } from "../../packages/alerting/catalogue";
import { isoDuration, promDuration, promSeconds } from "../../packages/alerting/duration";
import { METRICS, seriesNames } from "../../packages/alerting/metrics";
import { PRIORITY_POLICY } from "../../packages/alerting/priorities";
import { promqlProblem, seriesOf } from "../../packages/alerting/promql";
import { INHIBITIONS } from "../../packages/alerting/render/alertmanager";
import { activityCondition, azureRuleGroups, metricCriteria } from "../../packages/alerting/render/azure";
import { prometheusRuleGroups } from "../../packages/alerting/render/prometheus";
import { MONITORED_SERVICES, MonitoredService, serviceProblems } from "../../packages/alerting/services";
import { SLOS } from "../../packages/alerting/slo";
import { Alert, AzureMetricAlert, PrometheusAlert, RISKS } from "../../packages/alerting/types";
import { catalogueProblems, CatalogueError, MAX_RULES_PER_GROUP } from "../../packages/alerting/validate";
import { METRICS as SERVED_BY_RUNNER } from "../../apps/recovery/exporter/gauges";
import { READINESS_METRICS } from "../../apps/recovery/exporter/readiness";
import { pageServices } from "../../infra/statusPage/targets";
import { SETTINGS } from "./support";
import fc from "../support/property";

const catalogue = alertCatalogue(SETTINGS);
const rules = prometheusRuleGroups(catalogue).flatMap((group) =>
  group.rules.map((rule) => ({ group: group.name, ...rule })),
);
const named = (name: string): Alert => {
  const alert = catalogue.alerts.find((entry) => entry.name === name);
  if (!alert) throw new Error(`no alert ${name}`);
  return alert;
};

describe("the rules of the report (§9.2)", () => {
  test.each([
    [
      "DatabaseDown",
      "pg_up == 0",
      "1m",
      "critical",
      "P1",
      "PostgreSQL database is down",
      "Database has been unreachable for more than 1 minute",
    ],
    [
      "HighErrorRate",
      'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05',
      "5m",
      "critical",
      "P1",
      "High HTTP error rate detected",
      "Error rate is above 5% for 5 minutes",
    ],
    [
      "RetryQueueBacklog",
      "retry_queue_pending_count > 100",
      "10m",
      "warning",
      "P2",
      "Retry queue backlog growing",
      "More than 100 items pending in retry queue",
    ],
    [
      "IntegrationUnhealthy",
      'health_dependency_status{service=~"shopify|simplyprint|sendcloud"} == 0',
      "5m",
      "warning",
      "P2",
      "External integration unhealthy",
      "{{ $labels.service }} has been unhealthy for 5 minutes",
    ],
  ])("%s", (alert, expr, patience, severity, priority, summary, description) => {
    expect(rules.find((rule) => "alert" in rule && rule.alert === alert)).toMatchObject({
      group: "forma3d-critical",
      alert,
      expr,
      for: patience,
      labels: { severity, priority },
      annotations: { summary, description },
    });
  });

  test("priorities lead to the channels of §9.2 and §9.3", () => {
    expect(
      Object.entries(PRIORITY_POLICY).map(([priority, p]) => [priority, p.channels, p.slackChannel]),
    ).toEqual([
      ["P1", ["pagerduty", "slack"], "incidents"],
      ["P2", ["slack", "email"], "alerts"],
      ["P3", ["slack"], "alerts"],
      ["P4", ["slack"], "monitoring"],
    ]);
  });
});

describe("the catalogue as a whole", () => {
  test.each(RISKS)("risk %s is detected by at least one alert", (risk) => {
    expect(catalogue.alerts.filter(({ risks }) => risks.includes(risk)).map(({ name }) => name)).not.toEqual(
      [],
    );
  });

  test("rules read only series that exist", () => {
    const known = new Set([
      ...METRICS.flatMap(seriesNames),
      ...catalogue.recordings.map(({ record }) => record),
    ]);
    const read = [
      ...catalogue.recordings,
      ...catalogue.alerts.filter((alert) => alert.kind === "prometheus"),
    ].flatMap(({ expression }) => seriesOf(expression));
    expect([...new Set(read)].filter((name) => !known.has(name))).toEqual([]);
    // The check sees something at all.
    expect(seriesOf('sum by (a) (rate(b_total{c="d"}[5m])) / on () e > bool 1')).toEqual(["b_total", "e"]);
  });

  test("what is read of the backup exporter is what the recovery runner serves", () => {
    const served = [
      ...Object.keys(SERVED_BY_RUNNER).map((name) => `pgbackup_${name}`),
      ...Object.keys(READINESS_METRICS),
    ];
    const expected = METRICS.filter(({ source }) => source === "backup-exporter").map(({ name }) => name);
    expect(expected.filter((name) => !served.includes(name))).toEqual([]);
  });

  test("thresholds warn before an objective fails", () => {
    const latency = SLOS.find(({ name }) => name === "api_latency");
    expect(latency?.indicator).toContain(`< ${SETTINGS.thresholds.apiLatencySeconds}`);
    expect(SETTINGS.thresholds.errorPercent).toBeLessThan(5);
    const page = named("ReplicaLagEndangersRpo") as AzureMetricAlert;
    const warning = named("ReplicaLagging") as AzureMetricAlert;
    expect([warning.threshold, page.threshold]).toEqual([300, 1_800]);
    expect(page.threshold).toBeLessThan(SETTINGS.objectives.rpoMinutes * 60);
  });

  test("no measurement leads to the runbook that gives up data: only Azure itself says that a region is lost", () => {
    const direct = catalogue.alerts.filter(({ runbook }) => runbook === "region-loss");
    expect(direct.map(({ name }) => name)).toEqual(["AzureServiceIncident", "AzureRegionIncident"]);
    const incident = named("AzureRegionIncident");
    if (incident.kind !== "activity") throw new Error("not an activity alert");
    expect(incident.priority).toBe("P1");
    expect(activityCondition(incident).allOf).toContainEqual({
      field: "properties.impactedServices[*].ImpactedRegions[*].RegionName",
      containsAny: ["West Europe"],
    });
  });

  test("a vault's 401, the first answer every client gets, is no attack", () => {
    expect(metricCriteria(named("VaultAccessRefused") as AzureMetricAlert).allOf).toEqual([
      expect.objectContaining({ dimensions: [expect.objectContaining({ values: ["403"] })] }),
    ]);
  });

  test("inhibitions name alerts that exist", () => {
    INHIBITIONS.flatMap(({ by, silenced }) => [by, ...silenced]).forEach(named);
  });
});

describe("Azure's form", () => {
  const groups = azureRuleGroups(catalogue);

  test("durations are ISO 8601 and groups small enough", () => {
    for (const { interval, rules: entries } of groups) {
      expect(interval).toBe("PT1M");
      expect(entries.length).toBeLessThanOrEqual(MAX_RULES_PER_GROUP);
      for (const { rule } of entries) if (rule.alert) expect(rule.for).toMatch(/^P(T?\d+[DHMS])+$/);
    }
  });

  test("an alert keeps expression, labels and annotations", () => {
    const found = groups.flatMap((group) => group.rules).find(({ rule }) => rule.alert === "DatabaseDown");
    expect(found?.rule).toMatchObject({
      expression: "pg_up == 0",
      for: "PT1M",
      severity: 0,
      labels: { severity: "critical", priority: "P1" },
      resolveConfiguration: { autoResolved: true, timeToResolve: "PT10M" },
    });
    expect(found?.rule.annotations?.escalation).toBe(
      "Primary on-call 5 min → Secondary on-call 10 min → Engineering lead 15 min → CTO 30 min (SEV-1)",
    );
  });

  test("the heartbeat ends before its next beat", () => {
    const beat = groups.flatMap((group) => group.rules).find(({ rule }) => rule.alert === "Heartbeat");
    expect(beat?.rule.resolveConfiguration?.timeToResolve).toBe("PT2M");
  });

  test("liveness looks at the maximum, and lag at the replica", () => {
    expect(metricCriteria(named("DatabaseServerNotAlive") as AzureMetricAlert).allOf).toEqual([
      expect.objectContaining({
        metricName: "is_db_alive",
        timeAggregation: "Maximum",
        operator: "LessThan",
        threshold: 1,
      }),
    ]);
    expect(named("ReplicaLagging")).toMatchObject({ scope: "standbyServer" });
  });

  test("an activity alert compares a single value and lists several as alternatives", () => {
    const degraded = named("DatabaseHealthDegraded");
    if (degraded.kind !== "activity") throw new Error("not an activity alert");
    expect(activityCondition(degraded).allOf).toEqual([
      { field: "category", equals: "ResourceHealth" },
      { field: "resourceType", equals: "Microsoft.DBforPostgreSQL/flexibleServers" },
      {
        anyOf: [
          { field: "properties.currentHealthStatus", equals: "Degraded" },
          { field: "properties.currentHealthStatus", equals: "Unavailable" },
        ],
      },
    ]);
  });
});

describe("a wrong entry stops the build with its name", () => {
  const down = named("DatabaseDown") as PrometheusAlert;
  const problems = (change: object, more: readonly Alert[] = []) =>
    catalogueProblems({ alerts: [{ ...down, ...change } as Alert, ...more], recordings: [] });

  test("nothing is wrong with the catalogue itself", () => {
    expect(catalogueProblems(catalogue)).toEqual([]);
    expect(problems({})).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      "a missing runbook",
      { runbook: undefined },
      "DatabaseDown: runbook is missing; allowed: database-connection,",
    ],
    [
      "an unknown runbook",
      { runbook: "nowhere" },
      'DatabaseDown: runbook is "nowhere"; allowed: database-connection,',
    ],
    ["an unknown priority", { priority: "P9" }, 'DatabaseDown: priority is "P9"; allowed: P1, P2, P3, P4'],
    [
      "an unknown owner",
      { owner: "nobody" },
      'DatabaseDown: owner is "nobody"; allowed: platform, application, security',
    ],
    ["an unknown risk", { risks: ["R16"] }, 'DatabaseDown: risk is "R16"; allowed: R01,'],
    ["a missing description", { description: " " }, "DatabaseDown: description is missing"],
    [
      "an expression that ends too early",
      { expression: "sum(pg_up" },
      "DatabaseDown: expression does not parse",
    ],
    [
      "an expression with a stray sign",
      { expression: "pg_up = 0" },
      "DatabaseDown: expression does not parse at character",
    ],
    ["an empty expression", { expression: "" }, "DatabaseDown: expression is empty"],
    ["a malformed duration", { for: "5 min" }, 'DatabaseDown: for is "5 min"; allowed: a duration such as'],
    [
      "a label of its own for the severity",
      { labels: { severity: "x" } },
      "DatabaseDown: label severity follows from the priority",
    ],
    ["a bad name", { name: "database down" }, 'database down: name is "database down"; allowed: letters'],
    ["no name", { name: "" }, 'alert number 1: name is ""; allowed: letters'],
  ])("%s", (_, change, message) => {
    expect(problems(change).join("\n")).toContain(message);
  });

  test("a duplicate name", () => {
    expect(problems({}, [down])).toContain("DatabaseDown: name is used twice; allowed: once");
  });

  test("a group that Azure would refuse", () => {
    const many = Array.from({ length: MAX_RULES_PER_GROUP }, (_, index) => ({
      ...down,
      name: `Copy${index}`,
    }));
    expect(problems({}, many)).toEqual([`group forma3d-critical: 21 rules; allowed: 20`]);
  });

  test("a window shorter than its frequency, and an alert without conditions", () => {
    const metric = { ...named("DatabaseCpuHigh"), windowSize: "PT1M" } as Alert;
    const activity = { ...named("DataDeleted"), conditions: [] } as Alert;
    expect(catalogueProblems({ alerts: [metric, activity], recordings: [] })).toEqual([
      "DatabaseCpuHigh: windowSize is PT1M; allowed: at least the frequency, PT5M",
      "DataDeleted: conditions are empty; allowed: at least one, each with a value",
    ]);
  });

  test("the error lists everything and has no stack", () => {
    const error = new CatalogueError(["A: one", "B: two"]);
    expect(error.message).toBe("2 problems in alerts or services\n  A: one\n  B: two");
    expect(error.stack).toBeUndefined();
  });
});

describe("monitored services (§8.3)", () => {
  test("are the report's seven, with its intervals and timeouts", () => {
    expect(
      MONITORED_SERVICES.map((s) => [
        s.name,
        "path" in s.check ? s.check.path : s.check.port,
        s.intervalSeconds,
        s.timeoutSeconds,
      ]),
    ).toEqual([
      ["API Health", "/health", 30, 10],
      ["API Ready", "/health/ready", 30, 10],
      ["Shopify Integration", "/health/dependencies", 60, 15],
      ["SimplyPrint Integration", "/health/dependencies", 60, 15],
      ["SendCloud Integration", "/health/dependencies", 60, 15],
      ["Web Dashboard", "/", 60, 10],
      ["Database", 5432, 30, 5],
    ]);
    expect(serviceProblems(MONITORED_SERVICES)).toEqual([]);
  });

  test("one without an interval, twice, or slower than its interval is named", () => {
    const [first] = MONITORED_SERVICES as [MonitoredService];
    expect(serviceProblems([{ ...first, intervalSeconds: undefined as unknown as number }])).toEqual([
      "API Health: intervalSeconds is missing; allowed: whole seconds above 0",
    ]);
    expect(serviceProblems([first, first])).toEqual(["API Health: name is used twice; allowed: once"]);
    expect(serviceProblems([{ ...first, timeoutSeconds: 31 }])).toEqual([
      "API Health: timeoutSeconds is 31; allowed: at most the interval, 30",
    ]);
    const wrong = [{ ...first, intervalSeconds: 0 }];
    expect(() => pageServices({ api: "http://api", dashboard: "http://app" }, wrong)).toThrow(
      "API Health: intervalSeconds is 0; allowed: whole seconds above 0",
    );
    expect(serviceProblems([{ ...first, group: "Else" }])[0]).toContain(
      "API Health: group is Else; allowed: Core Platform,",
    );
  });
});

describe("durations", () => {
  test.each([
    ["0s", 0, "PT0S"],
    ["90s", 90, "PT1M30S"],
    ["5m", 300, "PT5M"],
    ["1h30m", 5_400, "PT1H30M"],
    ["3d", 259_200, "P3D"],
    ["1w", 604_800, "P7D"],
  ])("%s is %d seconds and %s", (text, seconds, iso) => {
    expect([promSeconds(text), isoDuration(seconds)]).toEqual([seconds, iso]);
  });

  test("written ones are read back", () => {
    fc.assert(fc.property(fc.nat(10_000_000), (seconds) => promSeconds(promDuration(seconds)) === seconds));
  });

  test.each(["", "5", "m", "5m1h", "-1m", "1.5h"])("%j is refused", (text) => {
    expect(promSeconds(text)).toBeUndefined();
  });
});

test("PromQL that parses has no problem", () => {
  expect(
    promqlProblem('sum by (job) (up{a=~"b|c"} == bool 0) / on () group_left () x offset 5m'),
  ).toBeUndefined();
});
