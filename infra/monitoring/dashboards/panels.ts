import { runbookUrl, type Runbook } from "../../../packages/alerting/runbooks";

/** A panel before it has a place. */
export interface Panel {
  title: string;
  /** What is shown, and what to do when it looks bad. */
  description: string;
  kind: "timeseries" | "stat" | "table";
  unit: "short" | "percentunit" | "s" | "bytes" | "reqps" | "ops" | "dateTimeFromNow";
  queries: readonly { expression: string; legend: string }[];
  /** Values from which on it is orange and red; green below. */
  thresholds?: { warning: number; critical: number };
  /** Page to open when it looks bad. */
  runbook?: Runbook;
  /** How far back it looks, whatever the dashboard shows: `90d`. */
  history?: `${number}d`;
  /** Half of the width by default. */
  width?: 6 | 12 | 24;
}

export interface DashboardSource {
  /** Lower case with hyphens; also the resource's name. */
  uid: string;
  title: string;
  description: string;
  panels: readonly Panel[];
}

/** The data source is chosen in the dashboard: managed Grafana and any other name theirs differently. */
const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" };
const HEIGHT = { timeseries: 8, stat: 4, table: 8 } as const;
const COLUMNS = 24;

/** What is marked in every chart: at its time, with a name and a colour. */
const EVENTS = [
  {
    name: "Deployments",
    iconColor: "blue",
    expression: "(time() - kube_replicaset_created) < 60",
    text: "new version: {{replicaset}}",
  },
  {
    name: "Drills",
    iconColor: "green",
    expression: "(time() - max by (environment) (pgbackup_last_drill_timestamp_seconds)) < 60",
    text: "drill ended",
  },
  {
    name: "Incidents",
    iconColor: "red",
    expression: 'min by (job) (probe_success{job=~"api-.*"}) == 0',
    text: "{{job}} does not answer",
  },
] as const;

const annotation = ({ name, iconColor, expression, text }: (typeof EVENTS)[number]) => ({
  name,
  iconColor,
  enable: true,
  hide: false,
  datasource: DATA_SOURCE,
  target: { refId: name, expr: expression },
  expr: expression,
  step: "60s",
  titleFormat: name,
  textFormat: text,
});

/** A link with everything Grafana's schema wants of one; neither the time nor the variables of a dashboard mean anything there. */
const link = (title: string, url: string) => ({
  title,
  type: "link",
  url,
  tooltip: url,
  icon: "doc",
  tags: [],
  asDropdown: false,
  includeVars: false,
  keepTime: false,
  targetBlank: true,
});

/**
 * The dashboard as Grafana's JSON model. Panels fill rows from left to right in their order. Each environment has a
 * workspace of its own, so choosing the data source is choosing the environment.
 * @param runbookBaseUrl address of the runbooks, without a slash at its end.
 */
export function grafanaDashboard(source: DashboardSource, runbookBaseUrl: string) {
  const places = layout(source.panels);
  return {
    uid: source.uid,
    title: source.title,
    description: source.description,
    tags: ["forma3d"],
    schemaVersion: 39,
    version: 1,
    editable: false,
    timezone: "utc",
    refresh: "1m",
    time: { from: "now-6h", to: "now" },
    templating: {
      list: [{ name: "datasource", label: "Environment", type: "datasource", query: "prometheus", hide: 0 }],
    },
    annotations: { list: EVENTS.map(annotation) },
    links: [link("What happened? Runbooks", `${runbookBaseUrl.replace(/\/[^/]*$/, "")}/index.html`)],
    panels: source.panels.map((panel, index) => ({
      id: index + 1,
      type: panel.kind,
      title: panel.title,
      description: panel.description,
      datasource: DATA_SOURCE,
      gridPos: places[index] as Place,
      ...(panel.runbook && { links: [link("Runbook", runbookUrl(runbookBaseUrl, panel.runbook))] }),
      ...(panel.history && { timeFrom: panel.history }),
      targets: panel.queries.map(({ expression, legend }, number) => ({
        refId: String.fromCharCode(65 + number),
        datasource: DATA_SOURCE,
        expr: expression,
        legendFormat: legend,
        ...(panel.kind !== "timeseries" && { instant: true }),
        ...(panel.kind === "table" && { format: "table" }),
      })),
      fieldConfig: {
        defaults: { unit: panel.unit, thresholds: thresholds(panel) },
        overrides: [],
      },
    })),
  };
}

export type GrafanaDashboard = ReturnType<typeof grafanaDashboard>;

interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

function layout(panels: readonly Panel[]): Place[] {
  let [x, y, rowHeight] = [0, 0, 0];
  return panels.map(({ kind, width = 12 }) => {
    if (x + width > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const place = { x, y, w: width, h: HEIGHT[kind] };
    x += width;
    rowHeight = Math.max(rowHeight, place.h);
    return place;
  });
}

function thresholds({ thresholds: limits }: Panel) {
  const steps: { color: string; value: number | null }[] = [{ color: "green", value: null }];
  if (!limits) return { mode: "absolute", steps };
  const { warning, critical } = limits;
  // Falling values are worse where the critical limit is the lower one.
  if (critical < warning) {
    return {
      mode: "absolute",
      steps: [
        { color: "red", value: null },
        { color: "orange", value: critical },
        { color: "green", value: warning },
      ],
    };
  }
  return {
    mode: "absolute",
    steps: [...steps, { color: "orange", value: warning }, { color: "red", value: critical }],
  };
}
