import { InvalidArgumentError, Option, type Command } from "commander";
import { writeFileSync } from "node:fs";
import os from "node:os";
import type { RunContext } from "../context";
import { databaseToLose, liveGround } from "../drill/ground";
import { SCENARIO_IDS, SCENARIOS, type ScenarioId } from "../drill/objectives";
import { parseScenarios, runDrill, type DrillOptions, type DrillResult } from "../drill/run";
import { shortfallLines } from "../drill/shortfalls";
import { formatDuration } from "../duration";
import {
  ExitCode,
  FailedError,
  messageOf,
  NotRunError,
  CommandError,
  UsageError,
} from "../../../packages/command/errors";
import { writableFolder, type EvidenceStore } from "../evidence/store";
import { parseDurationOption } from "../parse";
import { table, type RunVerb } from "../runner";
import type { Settings } from "../settings";
import { readCatalogue } from "../store/catalogue";
import { lockContainer } from "../store/containers";
import { openStore } from "../store/open";
import { takeLease } from "../store/lease";
import { lockBlob } from "../store/names";
import type { CheckStatus } from "../types";
import { openEvidence } from "./evidence";

const DEFAULT_TIMEOUT_SECONDS = 5 * 3_600;

export interface DrillFlags {
  scenario?: ScenarioId[];
  database?: string;
  rto?: number;
  rpo?: number;
  out?: string;
  markdown?: string;
  junit?: string;
  trigger: "schedule" | "manual";
  operator?: string;
  timeout?: number;
  json?: boolean;
}

export const DRILL_EXIT: Readonly<Record<CheckStatus, ExitCode>> = {
  PASS: ExitCode.ok,
  FAIL: ExitCode.failed,
  NOT_RUN: ExitCode.notRun,
  TIMED_OUT: ExitCode.notRun,
};

/** What the image was built from; the Dockerfile sets both. */
function runnerOf(env: NodeJS.ProcessEnv): DrillOptions["runner"] {
  return { image: env.RECOVERY_IMAGE || "not an image", revision: env.RECOVERY_REVISION || "unknown" };
}

/**
 * Drills the recovery of a live environment without touching it: see `liveGround`.
 * @throws CommandError when it could not begin or the report could not be stored
 */
export async function runLiveDrill(
  settings: Settings,
  flags: DrillFlags,
  context: RunContext,
): Promise<DrillResult> {
  const evidence = await evidenceOf(settings, flags, context);
  const store = await openStore(settings);
  const catalogue = await readCatalogue(store, settings);
  const database = databaseToLose(catalogue, settings, flags.database);
  // Two drills at once would measure each other.
  const lease = await takeLease(
    store,
    lockContainer(settings),
    lockBlob(settings.environment, ".drill"),
    context,
  );
  const limit = AbortSignal.timeout((flags.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1000);
  const limited = { ...context, signal: AbortSignal.any([context.signal, lease.lost, limit]) };
  try {
    const { ground, stop } = await liveGround(settings, database, catalogue, limited);
    try {
      return await runDrill(ground, evidence, drillOptions(settings, flags), limited);
    } finally {
      await stop();
    }
  } catch (error) {
    if (error instanceof CommandError || !limit.aborted) throw error;
    throw new NotRunError("the time allowed was over before the first scenario began");
  } finally {
    await lease.release();
  }
}

function drillOptions(settings: Settings, flags: DrillFlags): DrillOptions {
  return {
    scenarios: flags.scenario,
    objectives: {
      overall: settings.objectives,
      flags: { rtoSeconds: flags.rto, rpoSeconds: flags.rpo },
    },
    trigger: flags.trigger,
    operator: flags.operator ?? operatorName(),
    runner: runnerOf(process.env),
  };
}

/** The account's name; a container may run as a number without one. */
export function operatorName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "?"}`;
  }
}

async function evidenceOf(
  settings: Settings,
  flags: DrillFlags,
  { progress }: RunContext,
): Promise<EvidenceStore> {
  if (flags.out) return writableFolder(flags.out);
  if (!settings.containers.evidence) {
    throw new UsageError(
      "BACKUP_CONTAINER_EVIDENCE: missing; container of drill reports (or give --out <folder>)",
    );
  }
  const evidence = await openEvidence(settings, progress.note);
  // A target that was lost, or stood by, gets the chain so far: the next report continues it.
  await evidence.spread(`drills/${settings.environment}/`);
  return evidence;
}

/** Copies of the report for a CI system. @throws FailedError naming the file that cannot be written */
export function writeCopies(result: DrillResult, flags: Pick<DrillFlags, "markdown" | "junit">): void {
  const copies: [string | undefined, string][] = [
    [flags.markdown, result.markdown],
    [flags.junit, result.junit],
  ];
  for (const [file, text] of copies) {
    if (!file) continue;
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw new FailedError(
        `cannot write ${file}: ${messageOf(error)}; the report itself is stored as ${result.name}`,
      );
    }
  }
}

/** The result as a person reads it on the terminal. */
export function describeDrill({ report, name, digest, place }: DrillResult): string {
  const time = (seconds: number | null) => (seconds === null ? "-" : formatDuration(seconds));
  const rows = report.scenarios.map(({ id, measured, targets, verdict, tables }) => [
    id,
    time(measured.rtoSeconds),
    formatDuration(targets.rtoSeconds),
    time(measured.rpoSeconds),
    formatDuration(targets.rpoSeconds),
    tables.length === 0 ? "-" : `${tables.filter(({ match }) => match).length}/${tables.length}`,
    verdict.overall,
  ]);
  const notRun = report.notExercised.map(({ id }) => id).join(", ");
  return [
    table(["SCENARIO", "RTO", "TARGET", "RPO", "TARGET", "TABLES", "VERDICT"], rows).trimEnd(),
    `NOT_RUN here: ${notRun}`,
    ...shortfallLines(report),
    `${report.verdict.overall}: drill ${report.drillId} of ${report.environment}`,
    `Report ${name} in ${place}, SHA-256 ${digest}`,
    "",
  ].join("\n");
}

const scenarioHelp = `
Scenarios (report §5.3 and §3), with their targets:
${SCENARIO_IDS.map((id) => {
  const { title, objectives } = SCENARIOS[id];
  const targets = `RTO ${formatDuration(objectives.rtoSeconds)}, RPO ${formatDuration(objectives.rpoSeconds)}`;
  return `  ${id.padEnd(20)} ${title}: ${targets}`;
}).join("\n")}

RTO_TARGET and RPO_TARGET tighten these targets, --rto and --rpo replace them. The loss of work in a live environment
is judged by BACKUP_MAX_AGE unless --rpo is given: its newest backup may be a day old, and the objective of an hour
is kept by the managed server's point-in-time restore, which this drill does not exercise.

The environment is only read: its backups are restored into a scratch server, and rows are deleted and backups
damaged only in databases and backups of made-up data that the drill makes and removes.
`;

function scenarioList(text: string): ScenarioId[] {
  try {
    return parseScenarios(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

export function registerDrill(program: Command, runVerb: RunVerb): void {
  program
    .command("drill")
    .description("measure RTO and RPO of losing data, against target, and leave a report as evidence")
    .option(
      "--scenario <ids>",
      "scenarios that must run, separated by commas (default: all that can)",
      scenarioList,
    )
    .option("--database <name>", "database whose loss is drilled (default: that of DATABASE_URL)")
    .option("--rto <duration>", "longest time to recover, for every scenario", parseDurationOption)
    .option("--rpo <duration>", "longest loss of work, for every scenario", parseDurationOption)
    .option("--out <folder>", "keep the chain of reports in this folder instead of the evidence container")
    .option("--markdown <file>", "also write the report as Markdown")
    .option("--junit <file>", "also write the report as JUnit XML")
    .addOption(
      new Option("--trigger <kind>", "what started the drill")
        .choices(["schedule", "manual"])
        .default("manual"),
    )
    .option("--operator <name>", "who runs it (default: the account's name)")
    .option("--timeout <duration>", "time allowed (default 5h)", parseDurationOption)
    .option("--json", "print the report as one JSON document")
    .addHelpText("after", scenarioHelp)
    .action((flags: DrillFlags) =>
      runVerb("drill", flags, ["store"], async (settings, context) => {
        const result = await runLiveDrill(settings, flags, context);
        writeCopies(result, flags);
        return {
          document: {
            ...result.report,
            stored: { place: result.place, name: result.name, sha256: result.digest },
          },
          text: describeDrill(result),
          exitCode: DRILL_EXIT[result.report.verdict.overall],
        };
      }),
    );
}
