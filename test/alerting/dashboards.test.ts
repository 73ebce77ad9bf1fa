import { METRICS, seriesNames } from "../../packages/alerting/metrics";
import { promqlProblem, seriesOf } from "../../packages/alerting/promql";
import { collectorSettings } from "../../packages/alerting/scrape";
import { sloRecordings } from "../../packages/alerting/sloRules";
import { DASHBOARDS } from "../../infra/monitoring/dashboards";
import { grafanaDashboard } from "../../infra/monitoring/dashboards/panels";

const known = new Set([...METRICS.flatMap(seriesNames), ...sloRecordings().map(({ record }) => record)]);
const panels = DASHBOARDS.flatMap((dashboard) =>
  dashboard.panels.map((panel) => ({ dashboard: dashboard.uid, panel })),
);
const queries = panels.flatMap(({ dashboard, panel }) =>
  panel.targets.map(({ expr }) => [`${dashboard}: ${panel.title}`, expr] as const),
);

describe("dashboards", () => {
  test("are the four that were asked for, each under its own name", () => {
    expect(DASHBOARDS.map(({ uid }) => uid)).toEqual([
      "forma3d-platform",
      "forma3d-database",
      "forma3d-recovery",
      "forma3d-slo",
    ]);
  });

  test.each(queries)("%s: the query parses and reads what exists", (_, expression) => {
    expect(promqlProblem(expression)).toBeUndefined();
    const read = seriesOf(expression);
    expect(read).not.toEqual([]);
    expect(read.filter((name) => !known.has(name))).toEqual([]);
  });

  test("panels lie beside and below one another, within the width of 24", () => {
    for (const { panels: placed } of DASHBOARDS) {
      for (const [index, { gridPos: a, id }] of placed.entries()) {
        expect(a.x + a.w).toBeLessThanOrEqual(24);
        expect(id).toBe(index + 1);
        for (const { gridPos: b } of placed.slice(0, index)) {
          const apart = a.x >= b.x + b.w || b.x >= a.x + a.w || a.y >= b.y + b.h || b.y >= a.y + a.h;
          expect(apart).toBe(true);
        }
      }
    }
  });

  test("every panel says what to make of it, and takes the data source the reader chose", () => {
    for (const { panel } of panels) {
      expect(panel.description.length).toBeGreaterThan(10);
      expect(panel.datasource).toEqual({ type: "prometheus", uid: "${datasource}" });
    }
  });

  test("limits of falling values turn red below, of rising ones above", () => {
    const steps = (thresholds: { warning: number; critical: number }) =>
      grafanaDashboard({
        uid: "x",
        title: "x",
        description: "x",
        panels: [{ title: "x", description: "x", kind: "stat", unit: "short", queries: [], thresholds }],
      }).panels[0]?.fieldConfig.defaults.thresholds.steps.map(({ color, value }) => [color, value]);
    expect(steps({ warning: 80, critical: 90 })).toEqual([
      ["green", null],
      ["orange", 80],
      ["red", 90],
    ]);
    expect(steps({ warning: 1, critical: 0.5 })).toEqual([
      ["red", null],
      ["orange", 0.5],
      ["green", 1],
    ]);
  });
});

test("the collector keeps every metric of the cluster's own targets that a rule or panel names", () => {
  const settings = collectorSettings();
  expect(settings["schema-version"]).toBe("v1");
  // Azure cuts it off after ten characters.
  expect(settings["config-version"]?.length).toBeLessThanOrEqual(10);
  const lines = settings["default-targets-metrics-keep-list"]?.split("\n") ?? [];
  const keep = (target: string) => lines.find((line) => line.startsWith(`${target} = `));
  for (const [source, targetName] of [
    ["kube-state", "kubestate"],
    ["node", "nodeexporter"],
    ["kubelet", "kubelet"],
    ["cadvisor", "cadvisor"],
  ] as const) {
    const expression = new RegExp(`^(${/"(.*)"/.exec(keep(targetName) ?? "")?.[1]})$`);
    const needed = METRICS.filter((metric) => metric.source === source).flatMap(seriesNames);
    expect(needed.filter((name) => !expression.test(name))).toEqual([]);
    expect(expression.test("kube_secret_info")).toBe(false);
  }
});
