import { formatDuration } from "../duration";
import type { DrillReport, ScenarioReport } from "./report";
import { readinessLine } from "./readinessLine";
import { shortfallLines } from "./shortfalls";
import { gantt, share } from "./timeline";

/** The report as a person reads it: verdict first, then each scenario with its timeline. */
export function renderMarkdown(report: DrillReport): string {
  const lines = [
    `# Recovery drill ${report.drillId}: ${report.verdict.overall}`,
    "",
    `Environment **${report.environment}**, report ${report.sequence} of its chain, ${report.trigger} run by ${cell(report.operator)},`,
    `${report.startedAt} to ${report.endedAt}.`,
    "",
    ...listed(shortfallLines(report)),
    "| Scenario | RTO | Target | RPO | Target | Integrity | Verdict |",
    "|---|---|---|---|---|---|---|",
    ...report.scenarios.map((scenario) => `| ${summaryRow(scenario).map(cell).join(" | ")} |`),
    "",
    `Mean time to recover over all drills: ${time(report.metrics.mttrSeconds)}. ` +
      `Drills in the last year: ${report.metrics.drillsLastYear}.`,
    "",
    ...(report.readiness
      ? [`${bold(cell(readinessLine(report.readiness)), !report.readiness.passed)}.`, ""]
      : []),
    ...report.scenarios.flatMap((scenario) => renderScenario(scenario)),
    "## Not exercised by this drill",
    "",
    ...report.notExercised.map(
      ({ id, title, reason }) => `- **${cell(title)}** (${id}), NOT_RUN: ${cell(reason)}`,
    ),
    "",
    "## Where it ran",
    "",
    `- Runner ${cell(report.runner.image)}, revision ${cell(report.runner.revision)}, ${cell(report.runner.pgClient)}`,
    `- Source ${cell(report.source.server)}, database ${cell(report.source.database)}, PostgreSQL ${cell(report.source.version)}`,
    `- ${report.environmentNotes.cpus} CPUs, ${Math.round(report.environmentNotes.memoryBytes / 2 ** 20)} MiB memory, ` +
      `restored into: ${cell(report.environmentNotes.scratchKind)}`,
    `- Previous report: ${report.prevReportSha256 ?? "none, this is the first"}`,
    "",
  ];
  return lines.join("\n");
}

function summaryRow({ id, title, measured, targets, verdict }: ScenarioReport): string[] {
  return [
    `${title} (${id})`,
    time(measured.rtoSeconds),
    formatDuration(targets.rtoSeconds),
    time(measured.rpoSeconds),
    formatDuration(targets.rpoSeconds),
    verdict.integrity,
    verdict.overall,
  ];
}

function renderScenario(scenario: ScenarioReport): string[] {
  const { measured, backup, stages, checks, tables } = scenario;
  const differing = tables.filter((table) => !table.match);
  return [
    `## ${scenario.title}`,
    "",
    ...(scenario.reason ? [`**${cell(scenario.reason)}**`, ""] : []),
    ...(measured.lossAt
      ? [`Loss at ${measured.lossAt}. RPO measured by ${measured.rpoMethod ?? "nothing"}.`]
      : []),
    ...(scenario.rpoObjective === "backup-age"
      ? [
          "The RPO target is the age allowed for the newest backup. The recovery point objective itself is kept by the " +
            "managed server's point-in-time restore, which this drill does not exercise.",
        ]
      : []),
    ...(backup
      ? [`Recovered from \`${backup.id}\`, snapshot ${backup.snapshotAt}, SHA-256 \`${backup.sha256}\`.`]
      : []),
    "",
    ...gantt(scenario),
    ...(stages.length > 0 ? ["| At | Stage | Took | Of the RTO target |", "|---|---|---|---|"] : []),
    ...stages.map(
      ({ startedAt, name, seconds }) =>
        `| ${startedAt} | ${cell(name)} | ${formatDuration(seconds)} | ${share(seconds, scenario.targets)} |`,
    ),
    "",
    ...(checks.length > 0 ? ["| Check | Level | Status | Expected | Actual |", "|---|---|---|---|---|"] : []),
    ...checks.map(
      (check) =>
        `| ${[check.id, check.level, check.status, check.expected, check.actual].map(cell).join(" | ")} |`,
    ),
    "",
    ...(tables.length > 0 ? [`${tables.length - differing.length} of ${tables.length} tables equal.`] : []),
    ...differing.map((table) => `- differs: ${cell(table.name)}`),
    "",
  ];
}

const listed = (lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [...lines.map((line) => `- **${cell(line)}**`), ""];

const bold = (text: string, yes: boolean): string => (yes ? `**${text}**` : text);

function time(seconds: number | null): string {
  return seconds === null ? "not measured" : formatDuration(seconds);
}

/** Text from the outside inside a table: no cell ends early, no line breaks. */
function cell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|");
}

const XML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function xml(text: string): string {
  return Array.from(text, (character) => XML[character] ?? (writable(character) ? character : "?")).join("");
}

/** XML 1.0 has no way to write control characters other than tab and line ends. */
function writable(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code >= 0x20 ? code !== 0xfffe && code !== 0xffff : "\t\n\r".includes(character);
}

interface Case {
  name: string;
  seconds: number;
  status: string;
  message: string;
}

/** The report as JUnit XML: one suite per scenario; NOT_RUN is skipped, everything else that is not PASS fails. */
export function renderJUnit(report: DrillReport): string {
  const suites: { name: string; cases: Case[] }[] = report.scenarios.map((scenario) => ({
    name: scenario.id,
    cases: casesOf(scenario),
  }));
  const exercisedElsewhere = report.notExercised.map(({ id, reason }) => ({
    name: id,
    seconds: 0,
    status: "NOT_RUN",
    message: reason,
  }));
  if (exercisedElsewhere.length > 0) suites.push({ name: "not-exercised", cases: exercisedElsewhere });
  const body = suites.map(({ name, cases }) => {
    const failures = cases.filter((one) => fails(one.status)).length;
    const skipped = cases.filter((one) => one.status === "NOT_RUN").length;
    const seconds = cases.reduce((sum, one) => sum + one.seconds, 0).toFixed(3);
    const head = `  <testsuite name="${xml(name)}" tests="${cases.length}" failures="${failures}" skipped="${skipped}" time="${seconds}" timestamp="${report.startedAt}">`;
    return [head, ...cases.map((one) => renderCase(name, one)), "  </testsuite>"].join("\n");
  });
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites name="recovery drill">`,
    ...body,
    "</testsuites>",
    "",
  ].join("\n");
}

function fails(status: string): boolean {
  return status !== "PASS" && status !== "NOT_RUN";
}

function casesOf({ targets, measured, verdict, checks }: ScenarioReport): Case[] {
  const asStatus = { met: "PASS", missed: "FAIL", "not-measured": "NOT_RUN" } as const;
  const objective = (name: string, value: number | null, target: number, status: string): Case => ({
    name: `${name} within ${formatDuration(target)}`,
    seconds: 0,
    status,
    message: `measured ${time(value)}, target ${formatDuration(target)}`,
  });
  return [
    objective("RTO", measured.rtoSeconds, targets.rtoSeconds, asStatus[verdict.rto]),
    objective("RPO", measured.rpoSeconds, targets.rpoSeconds, asStatus[verdict.rpo]),
    ...checks.map((check) => ({
      name: `${check.level} ${check.id}`,
      seconds: check.seconds ?? 0,
      status: check.status,
      message: `expected ${check.expected}, got ${check.actual}`,
    })),
  ];
}

function renderCase(suite: string, { name, seconds, status, message }: Case): string {
  const open = `    <testcase classname="drill.${xml(suite)}" name="${xml(name)}" time="${seconds.toFixed(3)}"`;
  if (status === "PASS") return `${open}/>`;
  const inner = fails(status)
    ? `<failure type="${xml(status)}" message="${xml(message)}"/>`
    : `<skipped message="${xml(`NOT_RUN: ${message}`)}"/>`;
  return `${open}>${inner}</testcase>`;
}
