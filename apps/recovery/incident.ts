import { type Command, InvalidArgumentError } from "commander";
import { parseDuration } from "./duration";
import { ExitCode, EXIT_CODE_HELP, messageOf, CommandError, UsageError } from "../../packages/command/errors";
import { createCommand, runCommand } from "../../packages/command/program";
import { incidentReport, type IncidentReport, type Measure } from "./incident/metrics";
import {
  closingProblems,
  type Incident,
  incidentId,
  incidentSchema,
  parseInstant,
  timeProblems,
} from "./incident/record";
import { SEVERITY_IDS, severity, type SeverityId } from "./incident/severities";
import {
  digest,
  INCIDENT_SETTING_HELP,
  type IncidentStores,
  latest,
  openStores,
  save,
  type Saved,
  sync,
} from "./incident/store";
import { redact } from "./redact";

interface Changes {
  severity?: string;
  title?: string;
  service?: string[];
  startedAt?: string;
  detectedAt?: string;
  acknowledgedAt?: string;
  resolvedAt?: string;
  detection?: string;
  postmortem?: string;
  postmortemFinalAt?: string;
}

interface Result {
  document: unknown;
  text: string;
  exitCode: ExitCode;
}

function severityOf(text: string): SeverityId {
  const found = SEVERITY_IDS.find((id) => id === text.toUpperCase());
  if (!found) throw new UsageError(`severity: expected one of ${SEVERITY_IDS.join(", ")}, not "${text}"`);
  return found;
}

function detectionOf(text: string): Incident["detection"] {
  const parsed = incidentSchema.shape.detection.safeParse(text);
  if (!parsed.success) {
    throw new UsageError(
      `detection: expected one of ${incidentSchema.shape.detection.options.join(", ")}, not "${text}"`,
    );
  }
  return parsed.data;
}

/** Applies what was asked for to a record. @throws UsageError naming every field that is wrong */
function apply<T extends Partial<Incident>>(record: T, changes: Changes, now: Date): T {
  const problems: string[] = [];
  const read = <V>(run: () => V): V | undefined => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(...error.lines);
      return undefined;
    }
  };
  const next: Partial<Incident> = { ...record };
  for (const field of ["startedAt", "detectedAt", "acknowledgedAt", "resolvedAt"] as const) {
    const text = changes[field];
    if (text !== undefined) next[field] = read(() => parseInstant(field, text, now));
  }
  if (changes.severity !== undefined) next.severity = read(() => severityOf(changes.severity ?? ""));
  if (changes.detection !== undefined) next.detection = read(() => detectionOf(changes.detection ?? ""));
  if (changes.title !== undefined) next.title = changes.title;
  if (changes.service !== undefined) next.services = changes.service;
  if (changes.postmortem !== undefined) {
    const finalAt = read(() => parseInstant("postmortem", changes.postmortemFinalAt ?? "now", now)) ?? "";
    next.postmortem = { document: changes.postmortem, finalAt };
  }
  if (problems.length > 0) throw new UsageError(problems);
  return next as T;
}

function checked(record: Partial<Incident>, rule: (incident: Incident) => string[]): Incident {
  const parsed = incidentSchema.safeParse(record);
  if (!parsed.success) {
    throw new UsageError(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`));
  }
  const problems = rule(parsed.data);
  if (problems.length > 0) throw new UsageError(problems);
  return parsed.data;
}

async function create(stores: IncidentStores, changes: Changes, now: Date): Promise<Result> {
  // Until somebody knows better it began when it was detected; MTTD leaves such an incident out.
  const detectedAt = changes.detectedAt ?? "now";
  const draft = apply<Partial<Incident>>(
    { detection: "alert", services: [] },
    { startedAt: detectedAt, ...changes, detectedAt },
    now,
  );
  const known = await latest(stores);
  const base = incidentId(new Date(draft.startedAt ?? now));
  let id = base;
  for (let place = 2; known.has(id); place += 1) id = `${base}-${place}`;
  const incident = checked(
    {
      ...draft,
      schemaVersion: 1,
      id,
      revision: 1,
      previousSha256: null,
      environment: stores.environment,
      recordedAt: now.toISOString(),
    },
    timeProblems,
  );
  return saved(stores, await save(stores, incident));
}

async function revise(
  stores: IncidentStores,
  id: string,
  changes: Changes,
  now: Date,
  close: boolean,
): Promise<Result> {
  const known = await latest(stores);
  const current = known.get(id);
  if (!current) {
    throw new UsageError(
      `id: no incident ${id} in ${stores.environment}; known are ${[...known.keys()].join(", ") || "none"}`,
    );
  }
  if (current.incident.closedAt)
    throw new UsageError(`id: ${id} is closed since ${current.incident.closedAt}`);
  const changed = apply(current.incident, changes, now);
  const incident = checked(
    {
      ...changed,
      ...(close && { closedAt: now.toISOString() }),
      revision: current.incident.revision + 1,
      previousSha256: digest(current),
      recordedAt: now.toISOString(),
    },
    close ? closingProblems : timeProblems,
  );
  return saved(stores, await save(stores, incident));
}

function saved(stores: IncidentStores, { incident, name, where, place }: Saved): Result {
  const { responseMinutes, postmortemDays } = severity(incident.severity);
  const lines = [
    `${incident.id} (${incident.severity}, revision ${incident.revision}) is in ${place} as ${name}`,
    ...(where === "local"
      ? [
          `The store cannot be reached: ${stores.unreachable ?? ""}`,
          "Nothing is lost: `npm run incident -- sync` sends it later.",
        ]
      : []),
    ...(incident.resolvedAt
      ? postmortemDays !== undefined && !incident.postmortem
        ? [`A postmortem is due within ${postmortemDays} days: docs/postmortems/template.md`]
        : []
      : [`Response within ${responseMinutes} minutes. Next: docs/incident/README.md`]),
  ];
  return {
    document: { ...incident, stored: where === "stored", name },
    text: `${lines.join("\n")}\n`,
    exitCode: where === "stored" ? ExitCode.ok : ExitCode.notRun,
  };
}

function describe(report: IncidentReport): string {
  const line = (name: string, { value, target, met }: Measure, unit: string, relation: string): string =>
    `${name.padEnd(24)} ${value === null ? "not measured" : `${Number(value.toFixed(2))}${unit}`} (target ${relation} ${target}${unit})${met === null ? "" : met ? " met" : " MISSED"}`;
  return [
    `Incidents from ${report.from} to ${report.to}: ${report.incidents}`,
    line("MTTD", report.mttdMinutes, " min", "<"),
    line("MTTR", report.mttrMinutes, " min", "<"),
    line("SEV-1/2 per 30 days", report.perMonth, "", "<"),
    line("Postmortems in time", report.postmortems, "", ">="),
    ...(report.open.length > 0 ? [`Still running: ${report.open.join(", ")}`] : []),
    ...(report.overduePostmortems.length > 0
      ? [`Postmortem overdue: ${report.overduePostmortems.join(", ")}`]
      : []),
    "",
  ].join("\n");
}

async function report(stores: IncidentStores, periodSeconds: number, now: Date): Promise<Result> {
  const incidents = [...(await latest(stores)).values()].map(({ incident }) => incident);
  const result = incidentReport(incidents, new Date(now.getTime() - periodSeconds * 1000), now);
  const partial = stores.remote ? "" : `Only local records were read: ${stores.unreachable ?? ""}\n`;
  return {
    document: { ...result, complete: stores.remote !== undefined },
    text: describe(result) + partial,
    exitCode: stores.remote ? ExitCode.ok : ExitCode.notRun,
  };
}

async function run(
  options: { json?: boolean },
  work: (stores: IncidentStores, now: Date) => Promise<Result>,
): Promise<void> {
  let result: Result;
  try {
    result = await work(await openStores(process.env), new Date());
  } catch (error) {
    const exitCode = error instanceof CommandError ? error.exitCode : ExitCode.failed;
    const message = error instanceof CommandError ? error.message : messageOf(error);
    for (const line of message.split("\n")) process.stderr.write(`error: ${redact(line)}\n`);
    result = { document: { error: { message: redact(message), exitCode } }, text: "", exitCode };
  }
  process.exitCode = result.exitCode;
  process.stdout.write(redact(options.json ? `${JSON.stringify(result.document, null, 2)}\n` : result.text));
}

function withTimes(command: Command): Command {
  const collect = (value: string, list: string[] = []): string[] => [...list, value];
  return command
    .option("--title <text>", "what is wrong, in one line")
    .option("--service <name>", "affected part of the service; repeat for several", collect)
    .option("--detection <how>", "alert, customer, observation or external")
    .option(
      "--started-at <time>",
      "when it began: ISO 8601 with zone, now, or -15m (default: when it was detected)",
    )
    .option("--detected-at <time>", "when it was noticed")
    .option("--acknowledged-at <time>", "when somebody took it")
    .option("--resolved-at <time>", "when it was over")
    .option("--json", "print the record as one JSON document");
}

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds <= 0)
    throw new InvalidArgumentError("expected a duration such as 30d or 12h");
  return seconds;
}

export function buildProgram(): Command {
  const program = createCommand(
    "incident",
    "Keeps incident records for three years and measures how well incidents go.",
    { ...EXIT_CODE_HELP, 3: "the store cannot be reached: the record is in the local folder" },
    `Settings, from the environment:
${Object.entries(INCIDENT_SETTING_HELP)
  .map(([name, meaning]) => `  ${name.padEnd(31)} ${meaning}`)
  .join("\n")}`,
  );
  withTimes(
    program
      .command("new")
      .description("record an incident")
      .requiredOption("--severity <severity>", SEVERITY_IDS.join(", ")),
  ).action((options: Changes & { json?: boolean }) =>
    run(options, (stores, now) => create(stores, options, now)),
  );
  withTimes(
    program
      .command("update <id>")
      .description("record what is known meanwhile")
      .option("--severity <severity>", SEVERITY_IDS.join(", ")),
  ).action((id: string, options: Changes & { json?: boolean }) =>
    run(options, (stores, now) => revise(stores, id, options, now, false)),
  );
  withTimes(
    program
      .command("close <id>")
      .description("close an incident that is over; SEV-1 and SEV-2 need their postmortem")
      .option("--postmortem <document>", "path or link of the final postmortem")
      .option("--postmortem-final-at <time>", "when it became final (default now)"),
  ).action((id: string, options: Changes & { json?: boolean }) =>
    run(options, (stores, now) => revise(stores, id, options, now, true)),
  );
  program
    .command("report")
    .description("MTTD, MTTR, frequency and postmortem completion of a period")
    .option("--period <duration>", "how far back, e.g. 30d", duration, 30 * 86_400)
    .option("--json", "print one JSON document")
    .action((options: { period: number; json?: boolean }) =>
      run(options, (stores, now) => report(stores, options.period, now)),
    );
  program
    .command("sync")
    .description("send records that wait in the local folder to the store")
    .option("--json", "print one JSON document")
    .action((options: { json?: boolean }) =>
      run(options, async (stores) => {
        const sent = await sync(stores);
        return stores.remote
          ? { document: { sent }, text: `${sent.length} sent\n`, exitCode: ExitCode.ok }
          : { document: { sent }, text: `${stores.unreachable ?? ""}\n`, exitCode: ExitCode.notRun };
      }),
    );
  return program;
}

export async function main(): Promise<void> {
  await runCommand(buildProgram());
}
