import { alertCatalogue } from "../../../packages/alerting/catalogue";
import { METRICS, seriesNames } from "../../../packages/alerting/metrics";
import { seriesOf } from "../../../packages/alerting/promql";
import type { PrometheusAlert } from "../../../packages/alerting/types";
import { catalogueProblems } from "../../../packages/alerting/validate";
import { DEFAULT_ALERT_SETTINGS } from "../docs/defaultAlerts";
import type { Made } from "./made";
import { formed, literal, type Making, oneOf, prose, refuse, scaffold, someStack } from "./scaffold";

/** Where alerts of a subject stand: its file, what the file declares, and the samples that prove them. */
export const SUBJECTS: Readonly<Record<string, { file: string; declares: string; samples: string }>> = {
  application: { file: "application", declares: "applicationAlerts", samples: "APPLICATION" },
  backups: { file: "backups", declares: "backupAlerts", samples: "BACKUPS" },
  cluster: { file: "cluster", declares: "clusterAlerts", samples: "CLUSTER" },
  database: { file: "database", declares: "databaseAlerts", samples: "DATABASE" },
  monitoring: { file: "monitoring", declares: "MONITORING_ALERTS", samples: "MONITORING" },
};

export interface NewAlert {
  readonly subject: string;
  /** A series in PromQL, with labels or without. */
  readonly metric: string;
  readonly above?: string;
  readonly below?: string;
  readonly for: string;
  readonly priority: string;
  readonly runbook: string;
  readonly owner: string;
  readonly risk: readonly string[];
  readonly summary: string;
  readonly description: string;
}

const SAMPLES = "test/alerting/samples.ts";
const RISE = 1;

/**
 * An alert that compares the largest value of a series with a limit, and the series that prove it: one in which it must
 * fire, one at the last good value in which it must not.
 */
export async function newAlert(making: Making, name: string, wanted: NewAlert): Promise<Made> {
  const limit = Number(wanted.above ?? wanted.below);
  const rises = wanted.above !== undefined;
  const expression = `${rises ? "max" : "min"}(${wanted.metric}) ${rises ? ">" : "<"} ${limit}`;
  const alert = {
    kind: "prometheus",
    group: `forma3d-${wanted.subject}`,
    owner: wanted.owner,
    name,
    expression,
    for: wanted.for,
    priority: wanted.priority,
    summary: wanted.summary,
    description: wanted.description,
    runbook: wanted.runbook,
    risks: wanted.risk,
  };
  refuse(problems(alert as PrometheusAlert, wanted));
  const subject = SUBJECTS[wanted.subject] as (typeof SUBJECTS)[string];
  const series = literal(wanted.metric);
  const bad = rises ? limit + RISE : limit - RISE;
  return scaffold(
    making,
    async (sources) => {
      await sources.add(`packages/alerting/alerts/${subject.file}.ts`, [subject.declares], fields(alert));
      await sources.add(SAMPLES, [subject.samples], `${name}: stepping(${series}, [${limit}, ${bad}], {})`);
    },
    [
      `packages/alerting/alerts/${subject.file}.ts: a query of more than one series takes the place of the expression`,
      `${SAMPLES}: the series in which it must fire and must not, when the expression changes`,
      "npx jest test/alerting/rules.test.ts test/alerting/catalogue.test.ts",
      `npm run alerts -- render ${someStack(making.root)} --help: the rule files of a stack`,
    ],
  );
}

const fields = (alert: Readonly<Record<string, unknown>>): string =>
  `{ ${Object.entries(alert)
    .map(([key, value]) => `${key}: ${literal(value)}`)
    .join(", ")} }`;

function problems(alert: PrometheusAlert, wanted: NewAlert): string[] {
  const { above, below, metric, subject } = wanted;
  const known = METRICS.flatMap(seriesNames);
  const limit = above ?? below;
  const own = [
    ...oneOf("--subject", subject, Object.keys(SUBJECTS)),
    ...((above === undefined) === (below === undefined)
      ? ["--above, --below: allowed: exactly one of them, a number"]
      : formed(above === undefined ? "--below" : "--above", limit ?? "", /^-?\d+(\.\d+)?$/, "a number")),
    ...prose({ "--summary": wanted.summary, "--description": wanted.description }, false),
  ];
  if (own.length > 0) return own;
  const { alerts, recordings } = alertCatalogue(DEFAULT_ALERT_SETTINGS);
  const wrong = catalogueProblems({ alerts: [...alerts, alert], recordings });
  const strange = wrong.length > 0 ? [] : seriesOf(metric).filter((name) => !known.includes(name));
  return [
    ...wrong,
    ...strange.map(
      (name) =>
        `--metric ${name}: nothing exports it; allowed: a metric of packages/alerting/metrics.ts, where a new one is added first with what exports it`,
    ),
  ];
}
