import { alertCatalogue } from "../../packages/alerting/catalogue";
import { promSeconds } from "../../packages/alerting/duration";
import { seriesOf } from "../../packages/alerting/promql";
import {
  alertAnnotations,
  alertLabels,
  prometheusRuleGroups,
  RuleGroup,
} from "../../packages/alerting/render/prometheus";
import { PrometheusAlert } from "../../packages/alerting/types";
import { SAMPLES, Sample } from "./samples";
import { sloSamples } from "./sloSamples";
import { describeWith, run, SETTINGS, withFolder, writeYaml } from "./support";

const catalogue = alertCatalogue(SETTINGS);
const alerts = catalogue.alerts.filter((alert): alert is PrometheusAlert => alert.kind === "prometheus");
const groups = prometheusRuleGroups(catalogue);
const samples: Readonly<Record<string, Sample>> = { ...SAMPLES, ...sloSamples() };

/** Minutes of an alert's `for`. */
const patience = (alert: PrometheusAlert): number => (promSeconds(alert.for) ?? 0) / 60;

function expand(template: string, labels: Record<string, string>): string {
  return template.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? "");
}

function expected(alert: PrometheusAlert, labels: Record<string, string>) {
  return {
    exp_labels: { ...labels, ...alertLabels(alert) },
    exp_annotations: Object.fromEntries(
      Object.entries(alertAnnotations(alert, catalogue.runbookBaseUrl)).map(([key, text]) => [
        key,
        expand(text, labels),
      ]),
    ),
  };
}

/** Whether the alert's query holds at a minute, asked of the samples themselves and not of what rules recorded. */
const holdsAt = (expression: string, minute: number, holds: boolean) => ({
  expr: `count(${expression})`,
  eval_time: `${minute}m`,
  exp_samples: holds ? [{ labels: "{}", value: 1 }] : [],
});

/**
 * One promtool case: silent a minute before the end of `for`, firing at its end.
 * @param query the alert's query with the recordings it builds on in their places; where rules are not evaluated every
 * minute it says to the minute since when it holds.
 */
function cases(alert: PrometheusAlert, sample: Sample, query: string) {
  const { every } = sample;
  const input = (series: Record<string, string>, later = 0) =>
    Object.entries(series).map(([name, values]) => ({
      series: name,
      values: later > 0 ? `_x${later} ${values}` : values,
    }));
  return [
    ...sample.fires.map(({ series, onset, labels = {} }) => {
      // A minute at which rules are evaluated.
      const later = every ? (every - (onset % every)) % every : 0;
      const since = onset + later;
      const fires = since + patience(alert);
      return {
        interval: "1m",
        input_series: input(series, later),
        ...(every && { promql_expr_test: [holdsAt(query, since - 1, false), holdsAt(query, since, true)] }),
        alert_rule_test: [
          ...(fires > 0 ? [{ eval_time: `${fires - 1}m`, alertname: alert.name, exp_alerts: [] }] : []),
          { eval_time: `${fires}m`, alertname: alert.name, exp_alerts: [expected(alert, labels)] },
        ],
      };
    }),
    ...sample.silent.map(({ series, at }) => ({
      interval: "1m",
      input_series: input(series),
      ...(every && { promql_expr_test: [holdsAt(query, at, false)] }),
      alert_rule_test: [{ eval_time: `${at}m`, alertname: alert.name, exp_alerts: [] }],
    })),
  ];
}

/** Names of the series a sample feeds; a recording among them is not worked out. */
const fedBy = ({ fires, silent }: Sample) =>
  new Set([...fires, ...silent].flatMap(({ series }) => Object.keys(series)));

/** The alert's query with the recordings of its rules in their places. */
function queryOf(alert: PrometheusAlert, { rules }: RuleGroup): string {
  return [...rules]
    .reverse()
    .reduce(
      (query, rule) =>
        "alert" in rule
          ? query
          : query.replaceAll(
              new RegExp(`(?<![\\w:])${rule.record}(?![\\w:])(\\{[^}]*\\})?`, "g"),
              () => `(${rule.expr})`,
            ),
      alert.expression,
    );
}

/**
 * The alert and, of its group, only the recordings it builds on and is not fed: three days of samples are evaluated often
 * enough.
 */
function rulesFor(alert: PrometheusAlert, { name, rules }: RuleGroup, fed: ReadonlySet<string>): RuleGroup {
  const needed = new Set(seriesOf(alert.expression));
  const kept = [...rules].reverse().filter((rule) => {
    if ("alert" in rule) return rule.alert === alert.name;
    if (!needed.has(rule.record) || fed.has(rule.record)) return false;
    seriesOf(rule.expr).forEach((series) => needed.add(series));
    return true;
  });
  return { name, interval: "1m", rules: kept.reverse() };
}

function testRules(group: RuleGroup, of: readonly PrometheusAlert[]) {
  return withFolder((folder) => {
    const files = of.map((alert) => {
      const sample = samples[alert.name] ?? { fires: [], silent: [] };
      const rules = rulesFor(alert, group, fedBy(sample));
      writeYaml(folder, `${alert.name}.rules.yml`, { groups: [rules] });
      return writeYaml(folder, `${alert.name}.tests.yml`, {
        rule_files: [`${alert.name}.rules.yml`],
        evaluation_interval: `${sample.every ?? 1}m`,
        tests: cases(alert, sample, queryOf(alert, rules)),
      });
    });
    return run("promtool", ["test", "rules", ...files], folder);
  });
}

test("every alert has a case in which it fires and one in which it does not", () => {
  expect(alerts.filter(({ name }) => !samples[name]?.fires.length || !samples[name]?.silent.length)).toEqual(
    [],
  );
  expect(Object.keys(samples).filter((name) => !alerts.some((alert) => alert.name === name))).toEqual([]);
});

describeWith(["promtool"], "promtool", () => {
  test("check rules accepts the rule file", () => {
    const result = withFolder((folder) =>
      run("promtool", ["check", "rules", writeYaml(folder, "rules.yml", { groups })], folder),
    );
    expect(result).toMatchObject({ ok: true });
    expect(result.output).toContain(`${alerts.length + catalogue.recordings.length} rules found`);
  });

  test("check rules refuses a broken expression, so the check is real", () => {
    const broken = { groups: [{ name: "g", rules: [{ alert: "A", expr: "sum(" }] }] };
    const result = withFolder((folder) =>
      run("promtool", ["check", "rules", writeYaml(folder, "rules.yml", broken)], folder),
    );
    expect(result.ok).toBe(false);
  });

  const withAlerts = groups.filter((group) => group.rules.some((rule) => "alert" in rule));
  test.each(withAlerts.map((group) => [group.name, group] as const))(
    "each alert of %s fires at the end of its `for`, not a minute earlier, and not without cause",
    (name, group) => {
      const result = testRules(
        group,
        alerts.filter((alert) => alert.group === name),
      );
      expect(result).toEqual({ ok: true, output: expect.stringContaining("SUCCESS") as string });
    },
    180_000,
  );

  test.each<[string, string, Record<string, string>, string, number]>([
    [
      "checks count alike whichever prober made them: 4 of 61 failed, all of them after a restart",
      "api_availability",
      {
        'probe_success{job="api-health",pod="old"}': "1x56 stale",
        'probe_success{job="api-health",pod="new"}': "_x57 0x3",
      },
      'round(slo:error_ratio:1h{slo="api_availability"} * 100)',
      7,
    ],
    [
      "the bucket of 30 seconds is found under the name Prometheus 3 gives it: half of the orders were late",
      "order_processing",
      {
        'order_processing_time_seconds_bucket{le="30.0"}': "0+1x60",
        order_processing_time_seconds_count: "0+2x60",
      },
      'round(slo:error_ratio:1h{slo="order_processing"} * 100)',
      50,
    ],
  ])("%s", (_, slo, series, expr, value) => {
    const result = withFolder((folder) => {
      writeYaml(folder, "rules.yml", { groups });
      const tests = writeYaml(folder, "tests.yml", {
        rule_files: ["rules.yml"],
        evaluation_interval: "1m",
        tests: [
          {
            interval: "1m",
            input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
            promql_expr_test: [
              { expr, eval_time: "60m", exp_samples: [{ labels: `{slo="${slo}"}`, value }] },
            ],
          },
        ],
      });
      return run("promtool", ["test", "rules", tests], folder);
    });
    expect(result).toEqual({ ok: true, output: expect.stringContaining("SUCCESS") as string });
  });

  test("a rule whose limit or patience is changed fails its cases", () => {
    const critical = withAlerts.find(({ name }) => name === "forma3d-critical");
    const down = alerts.filter(({ name }) => name === "DatabaseDown");
    if (!critical) throw new Error("no critical group");
    const changed = (change: Record<string, string>) => ({
      ...critical,
      rules: critical.rules.map((rule) =>
        "alert" in rule && rule.alert === "DatabaseDown" ? { ...rule, ...change } : rule,
      ),
    });
    expect(testRules(changed({}), down).ok).toBe(true);
    expect(testRules(changed({ for: "2m" }), down).ok).toBe(false);
    expect(testRules(changed({ for: "0m" }), down).ok).toBe(false);
    expect(testRules(changed({ expr: "pg_up == 1" }), down).ok).toBe(false);
  });
});
