import { METRICS, seriesNames } from "../../packages/alerting/metrics";
import { RUNBOOKS } from "../../packages/alerting/runbooks";
import { promqlProblem, seriesOf } from "../../packages/alerting/promql";
import { collectorSettings } from "../../packages/alerting/scrape";
import { sloRecordings } from "../../packages/alerting/sloRules";
import { dashboards } from "../../infra/monitoring/dashboards";
import { grafanaProblems } from "../support/grafana";
import { grafanaDashboard } from "../../infra/monitoring/dashboards/panels";
import { describeWith, run, withFolder, writeYaml } from "./support";

const BASE = "https://docs.example.com/runbooks";
const DASHBOARDS = dashboards(BASE);
const known = new Set([...METRICS.flatMap(seriesNames), ...sloRecordings().map(({ record }) => record)]);
const panels = DASHBOARDS.flatMap((dashboard) =>
  dashboard.panels.map((panel) => ({ dashboard: dashboard.uid, panel })),
);
/** Every text that is a query, with what is written about its series. */
const written = DASHBOARDS.flatMap(({ panels: placed, annotations }) => [
  ...placed.flatMap(({ targets }) => targets.map(({ expr, legendFormat: text }) => ({ expr, text }))),
  ...annotations.list.map(({ expr, textFormat: text }) => ({ expr, text })),
]);
/** Labels a text names that an aggregated result no longer has: Grafana would show nothing in their place. */
function labelsLost({ expr, text }: { expr: string; text: string }): string[] {
  const kept = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/, */));
  const aggregated = /\b(sum|min|max|avg|count|histogram_quantile) *(by|\()/.test(expr);
  const named = [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
  return aggregated ? named.filter((label) => !kept.includes(label)) : [];
}

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

  test("each marks deployments, drills and incidents, and asks only for what exists", () => {
    for (const { annotations } of DASHBOARDS) {
      expect(annotations.list.map(({ name }) => name)).toEqual(["Deployments", "Drills", "Incidents"]);
      for (const { expr, target, datasource, enable } of annotations.list) {
        expect(promqlProblem(expr)).toBeUndefined();
        expect(seriesOf(expr).filter((name) => !known.has(name))).toEqual([]);
        expect([target.expr, datasource.uid, enable]).toEqual([expr, "${datasource}", true]);
      }
    }
  });

  test("each is of the environment the reader chooses, and leads to the runbooks", () => {
    const pages = Object.keys(RUNBOOKS).map((runbook) => `${BASE}/${runbook}.html`);
    for (const { uid, templating, links, panels: placed } of DASHBOARDS) {
      expect(templating.list.map(({ label, type }) => [label, type])).toEqual([
        ["Environment", "datasource"],
      ]);
      expect(links.map(({ url }) => url)).toEqual(["https://docs.example.com/index.html"]);
      const linked = placed.flatMap((panel) => panel.links ?? []).map(({ url }) => url);
      expect(linked.filter((url) => !pages.includes(url))).toEqual([]);
      if (uid !== "forma3d-slo") expect(linked.length).toBeGreaterThan(3);
    }
  });

  test("backups and drills are charted over their own history, whatever the dashboard shows", () => {
    const recovery = DASHBOARDS.find(({ uid }) => uid === "forma3d-recovery");
    const history = recovery?.panels.filter(({ title }) => /history/.test(title)) ?? [];
    expect(history.map(({ title, type, timeFrom }) => [title, type, timeFrom])).toEqual([
      ["Drill history: recovery time", "timeseries", "365d"],
      ["Drill history: recovery point", "timeseries", "365d"],
      ["Backup history: size", "timeseries", "90d"],
      ["Backup and drill history: stages", "timeseries", "90d"],
    ]);
  });

  test("are what Grafana's own schema takes, and what it does not take is found", () => {
    expect(grafanaProblems(DASHBOARDS)).toEqual([]);
    const [first] = DASHBOARDS;
    const [panel] = first?.panels ?? [];
    if (!first || !panel) throw new Error("no dashboard has a panel");
    const wrong: [change: object, problem: RegExp][] = [
      [{ editabel: true }, /"editabel"' does not exist in type 'Checked'/],
      [{ schemaVersion: "39" }, /Type 'string' is not assignable to type 'number'/],
      [{ panels: [{ ...panel, type: "pie" }] }, /Cannot find module .*\/pie\/panelcfg/],
      [{ panels: [{ ...panel, gridPos: { x: 0 } }] }, /type 'GridPos'/],
      [
        { panels: [{ ...panel, targets: [{ refId: "A", expr: "up", legend: "x" }] }] },
        /"legend"' does not exist in type/,
      ],
      [
        {
          panels: [
            {
              ...panel,
              fieldConfig: { defaults: { thresholds: { mode: "total", steps: [] } }, overrides: [] },
            },
          ],
        },
        /'"total"' is not assignable/,
      ],
      [{ templating: { list: [{ name: "a", type: "datasources" }] } }, /'"datasources"' is not assignable/],
    ];
    const found = grafanaProblems(
      wrong.map(([change]) => ({ ...first, ...change })) as unknown as typeof DASHBOARDS,
    );
    expect(
      wrong.filter(([, problem]) => !found.some((line) => problem.test(line))).map(([change]) => change),
    ).toEqual([]);
    expect(found).toHaveLength(wrong.length);
  });

  test("name no label that their result does not have, and no variable that the dashboard does not have", () => {
    expect(written.flatMap(labelsLost)).toEqual([]);
    expect(labelsLost({ expr: "sum by (a, b) (up)", text: "{{b}} {{job}}" })).toEqual(["job"]);
    for (const dashboard of DASHBOARDS) {
      const variables = dashboard.templating.list.map(({ name }) => name);
      const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name);
      expect(used.filter((name) => !variables.includes(name))).toEqual([]);
    }
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
      grafanaDashboard(
        {
          uid: "x",
          title: "x",
          description: "x",
          panels: [{ title: "x", description: "x", kind: "stat", unit: "short", queries: [], thresholds }],
        },
        BASE,
      ).panels[0]?.fieldConfig.defaults.thresholds.steps.map(({ color, value }) => [color, value]);
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

describeWith(["promtool"], "Prometheus itself", () => {
  const judged = (expressions: readonly string[]) => {
    const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr }));
    return withFolder((folder) =>
      run(
        "promtool",
        ["check", "rules", writeYaml(folder, "rules.yml", { groups: [{ name: "g", rules }] })],
        folder,
      ),
    );
  };

  test("takes what every panel and mark asks it, and not a query whose types do not fit", () => {
    const asked = written.map(({ expr }) => expr);
    expect(judged(asked)).toMatchObject({ ok: true });
    for (const wrong of ["sum(rate(pg_up))", "max(pg_up) by", `pg_up + "1"`])
      expect(judged([...asked, wrong])).toMatchObject({ ok: false });
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
