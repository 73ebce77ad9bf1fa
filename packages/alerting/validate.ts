import { METRIC_ALERT_FREQUENCIES, METRIC_ALERT_WINDOWS } from "../azure-facts";
import { promSeconds } from "./duration";
import { promqlProblem } from "./promql";
import { RUNBOOKS } from "./runbooks";
import { Alert, Catalogue, METRIC_SCOPES, OWNERS, PRIORITIES, PrometheusAlert, RISKS } from "./types";

/** Azure evaluates at most this many rules per group (alerts and recordings together). */
export const MAX_RULES_PER_GROUP = 20;

/** A wrong entry of the catalogue. The message lists every problem; no stack trace helps here. */
export class CatalogueError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(
      [
        `${problems.length} problem${problems.length === 1 ? "" : "s"} in alerts or services`,
        ...problems.map((p) => `  ${p}`),
      ].join("\n"),
    );
    this.name = "CatalogueError";
    this.stack = undefined;
  }
}

/** Returns the catalogue when nothing is wrong. @throws CatalogueError */
export function checkCatalogue(catalogue: Catalogue): Catalogue {
  const problems = catalogueProblems(catalogue);
  if (problems.length > 0) throw new CatalogueError(problems);
  return catalogue;
}

/** Everything wrong with a catalogue, as `entry: what is wrong; allowed: what is`. */
export function catalogueProblems({ alerts, recordings }: Omit<Catalogue, "runbookBaseUrl">): string[] {
  return [
    ...alerts.flatMap((alert, index) =>
      alertProblems(alert).map((problem) => `${alert.name || `alert number ${index + 1}`}: ${problem}`),
    ),
    ...duplicates(alerts.map((alert) => alert.name)).map(
      (name) => `${name}: name is used twice; allowed: once`,
    ),
    ...recordings.flatMap(({ record, expression }) => {
      const problem = promqlProblem(expression);
      return problem ? [`${record}: expression ${problem}`] : [];
    }),
    ...duplicates(recordings.map(({ record, labels }) => `${record}${JSON.stringify(labels ?? {})}`)).map(
      (key) => `${key}: recorded twice; allowed: once per set of labels`,
    ),
    ...groupProblems({ alerts, recordings }),
  ];
}

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function oneOf(field: string, value: unknown, allowed: readonly string[]): string[] {
  return allowed.includes(value as string)
    ? []
    : [
        `${field} is ${value === undefined ? "missing" : JSON.stringify(value)}; allowed: ${allowed.join(", ")}`,
      ];
}

function alertProblems(alert: Alert): string[] {
  return [
    ...(/^[A-Z][A-Za-z0-9]*$/.test(alert.name)
      ? []
      : [`name is ${JSON.stringify(alert.name)}; allowed: letters and digits, starting with a capital`]),
    ...oneOf("priority", alert.priority, PRIORITIES),
    ...oneOf("owner", alert.owner, OWNERS),
    ...oneOf("runbook", alert.runbook, Object.keys(RUNBOOKS)),
    ...(["summary", "description"] as const).flatMap((field) =>
      typeof alert[field] === "string" && alert[field].trim() !== "" ? [] : [`${field} is missing`],
    ),
    ...alert.risks.flatMap((risk) => oneOf("risk", risk, RISKS)),
    ...specificProblems(alert),
  ];
}

function specificProblems(alert: Alert): string[] {
  switch (alert.kind) {
    case "prometheus":
      return prometheusProblems(alert);
    case "metric":
      return [
        ...oneOf("scope", alert.scope, METRIC_SCOPES),
        ...oneOf("evaluationFrequency", alert.evaluationFrequency, METRIC_ALERT_FREQUENCIES),
        ...oneOf("windowSize", alert.windowSize, METRIC_ALERT_WINDOWS),
        ...(Number.isFinite(alert.threshold) ? [] : [`threshold is ${alert.threshold}; allowed: a number`]),
        ...(METRIC_ALERT_WINDOWS.indexOf(alert.windowSize) <
        METRIC_ALERT_WINDOWS.indexOf(alert.evaluationFrequency)
          ? [
              `windowSize is ${alert.windowSize}; allowed: at least the frequency, ${alert.evaluationFrequency}`,
            ]
          : []),
      ];
    case "activity":
      return alert.conditions.every(({ anyOf }) => anyOf.length > 0) && alert.conditions.length > 0
        ? []
        : ["conditions are empty; allowed: at least one, each with a value"];
  }
}

function prometheusProblems(alert: PrometheusAlert): string[] {
  const expression = promqlProblem(alert.expression);
  return [
    ...(expression ? [`expression ${expression}`] : []),
    ...(promSeconds(alert.for) === undefined
      ? [`for is ${JSON.stringify(alert.for)}; allowed: a duration such as 0s, 90s, 5m or 1h`]
      : []),
    ...(alert.group ? [] : ["group is missing"]),
    ...Object.keys(alert.labels ?? {}).flatMap((label) =>
      label === "severity" || label === "priority"
        ? [`label ${label} follows from the priority; leave it out`]
        : [],
    ),
  ];
}

function groupProblems({ alerts, recordings }: Omit<Catalogue, "runbookBaseUrl">): string[] {
  const sizes = new Map<string, number>();
  for (const rule of [...recordings, ...alerts.filter((alert) => alert.kind === "prometheus")]) {
    sizes.set(rule.group, (sizes.get(rule.group) ?? 0) + 1);
  }
  return [...sizes].flatMap(([group, size]) =>
    size > MAX_RULES_PER_GROUP ? [`group ${group}: ${size} rules; allowed: ${MAX_RULES_PER_GROUP}`] : [],
  );
}
