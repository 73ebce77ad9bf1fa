import os from "node:os";
import type { RunContext } from "../context";
import {
  FailedError,
  messageOf,
  NotRunError,
  CommandError,
  UsageError,
} from "../../../packages/command/errors";
import { documentName, parseReport, sha256, type StoredReport } from "../evidence/chain";
import { readinessBefore } from "../evidence/readiness";
import { appendReport, type Attachment, type EvidenceStore } from "../evidence/store";
import { isTimeout } from "../ladder";
import { readinessLine } from "./readinessLine";
import { describeServer } from "../postgres/connection";
import { findProgram } from "../../../packages/programs/postgres";
import { Stages } from "../stages";
import type { CheckResult } from "../types";
import type { Ground } from "./ground";
import {
  objectivesOf,
  PLATFORM,
  PLATFORM_IDS,
  SCENARIOS,
  SCENARIO_IDS,
  type AskedObjectives,
  type PlatformId,
  type ScenarioId,
} from "./objectives";
import { renderJUnit, renderMarkdown } from "./render";
import { renderPage } from "./timeline";
import {
  DRILL_SCHEMA_VERSION,
  judgeDrill,
  judgeScenario,
  summarise,
  type DrillReport,
  type Measured,
  type ScenarioReport,
} from "./report";
import { obstacle, RUN_SCENARIO, USES_ENVIRONMENT } from "./scenarios";

export interface DrillOptions {
  /** Scenarios that must be exercised; none: every one that can be exercised on this ground. */
  scenarios?: readonly ScenarioId[];
  /** Scenarios of a whole platform, where there is one to break. */
  platform?: readonly PlatformExercise[];
  objectives: Pick<AskedObjectives, "overall" | "flags">;
  trigger: "schedule" | "manual";
  operator: string;
  runner: { image: string; revision: string };
}

/** One scenario of a whole platform: it causes its loss, brings everything back, and tells what it measured. */
export interface PlatformExercise {
  id: PlatformId;
  run(stages: Stages, context: RunContext): Promise<{ measured: Measured; checks: CheckResult[] }>;
}

/** A drill as it is stored, and where. */
export interface DrillResult {
  report: DrillReport;
  markdown: string;
  junit: string;
  /** Name of the stored report, and its digest: what `evidence verify --head` takes. */
  name: string;
  digest: string;
  place: string;
}

type Exercised = Omit<DrillReport, "sequence" | "prevReportSha256" | "metrics" | "evidence">;

/**
 * Exercises the scenarios one after the other and adds the report to the chain of the environment.
 * @throws CommandError when it could not begin, was interrupted, or the report could not be stored
 */
export async function runDrill(
  ground: Ground,
  evidence: EvidenceStore,
  options: DrillOptions,
  context: RunContext,
): Promise<DrillResult> {
  const { platform = [], scenarios: asked = [] } = options;
  const exercised =
    asked.length > 0 || platform.length > 0 ? asked : SCENARIO_IDS.filter((id) => !obstacle(id, ground));
  if (exercised.length + platform.length === 0) throw new NotRunError("no scenario can be exercised here");
  const startedAt = context.now();
  const stamp = startedAt.toISOString().replace(/\D/g, "").slice(0, 17);
  const readiness = await readinessBefore(evidence, ground.source.settings.environment, startedAt);
  context.progress.note(readinessLine(readiness));
  const scenarios: ScenarioReport[] = [];
  for (const id of SCENARIO_IDS.filter((one) => exercised.includes(one))) {
    context.progress.note(`scenario ${id}: ${SCENARIOS[id].title}`);
    const report = await exercise(id, ground, options, context, stamp);
    const { rtoSeconds, rpoSeconds } = report.measured;
    context.progress.note(
      `scenario ${id}: ${report.verdict.overall}, RTO ${rtoSeconds?.toFixed(1) ?? "-"} s, RPO ${rpoSeconds?.toFixed(1) ?? "-"} s`,
    );
    scenarios.push(report);
  }
  for (const one of platform) {
    context.progress.note(`scenario ${one.id}: ${PLATFORM[one.id].title}`);
    scenarios.push(await exercisePlatform(one, context));
  }
  const { source } = ground;
  const left = SCENARIO_IDS.filter((id) => !exercised.includes(id));
  return store(evidence, source.settings.environment, {
    schemaVersion: DRILL_SCHEMA_VERSION,
    kind: "drill",
    drillId: `drill-${stamp}`,
    environment: source.settings.environment,
    trigger: options.trigger,
    operator: options.operator,
    startedAt: startedAt.toISOString(),
    endedAt: context.now().toISOString(),
    runner: { ...options.runner, pgClient: findProgram("pg_restore").version },
    source: {
      server: source.settings.server ? describeServer(source.settings.server) : "the store alone",
      database: source.database,
      version: ground.serverVersion,
    },
    ...summarise(scenarios),
    scenarios,
    notExercised: [
      ...left.map((id) => ({
        id,
        title: SCENARIOS[id].title,
        reason: obstacle(id, ground) ?? "not asked for",
      })),
      ...PLATFORM_IDS.filter((id) => platform.every((one) => one.id !== id)).map((id) => ({
        id,
        title: PLATFORM[id].title,
        reason: PLATFORM[id].reason,
      })),
    ],
    environmentNotes: {
      cpus: os.availableParallelism(),
      memoryBytes: os.totalmem(),
      scratchKind: ground.scratchKind,
    },
    verdict: judgeDrill(scenarios),
    readiness,
  });
}

const NOTHING_MEASURED: Measured = {
  rtoSeconds: null,
  rpoSeconds: null,
  rpoMethod: null,
  lossAt: null,
  markerAt: null,
};

async function exercise(
  id: ScenarioId,
  ground: Ground,
  options: DrillOptions,
  context: RunContext,
  stamp: string,
): Promise<ScenarioReport> {
  const { title } = SCENARIOS[id];
  const { settings, expendable } = ground.source;
  const { targets, rpoObjective } = objectivesOf(
    id,
    { ...options.objectives, maxAgeSeconds: settings.maxAgeSeconds },
    !expendable && USES_ENVIRONMENT.includes(id),
  );
  const stages = new Stages(context);
  try {
    const why = obstacle(id, ground);
    if (why) throw new NotRunError(why);
    const { result, backup, measured, checks, extra } = await RUN_SCENARIO[id]({
      ground,
      stages,
      context,
      stamp,
    });
    const all = [...checks, ...extra];
    const verdict = judgeScenario(targets, measured, all);
    return {
      id,
      title,
      targets,
      rpoObjective,
      measured,
      backup,
      stages: stages.list,
      checks: all,
      tables: result.tables,
      verdict,
    };
  } catch (error) {
    if (context.signal.aborted && !isTimeout(context.signal.reason)) throw error;
    const { check, reason } = brokenOff(error, context);
    return {
      id,
      title,
      targets,
      rpoObjective,
      measured: NOTHING_MEASURED,
      backup: null,
      stages: stages.list,
      checks: [check],
      tables: [],
      verdict: judgeScenario(targets, NOTHING_MEASURED, [check]),
      reason,
    };
  }
}

async function exercisePlatform({ id, run }: PlatformExercise, context: RunContext): Promise<ScenarioReport> {
  const { title, objectives: targets } = PLATFORM[id];
  const stages = new Stages(context);
  const report = { id, title, targets, rpoObjective: "recovery-point" as const, backup: null, tables: [] };
  try {
    const { measured, checks } = await run(stages, context);
    const verdict = judgeScenario(targets, measured, checks);
    return { ...report, measured, stages: stages.list, checks, verdict };
  } catch (error) {
    if (context.signal.aborted && !isTimeout(context.signal.reason)) throw error;
    const { check, reason } = brokenOff(error, context);
    const verdict = judgeScenario(targets, NOTHING_MEASURED, [check]);
    return { ...report, measured: NOTHING_MEASURED, stages: stages.list, checks: [check], verdict, reason };
  }
}

/** What could not be tried says nothing about the backups; everything else that went wrong does. */
function brokenOff(error: unknown, { signal }: RunContext): { check: CheckResult; reason: string } {
  const timedOut = signal.aborted;
  const notRun = error instanceof CommandError && !(error instanceof FailedError);
  const status = timedOut ? "TIMED_OUT" : notRun ? "NOT_RUN" : "FAIL";
  const reason = timedOut ? "the time allowed was over" : messageOf(error);
  return {
    reason: `${status}: ${reason}`,
    check: { id: "recovered", level: "L2", status, expected: "the data is back", actual: reason },
  };
}

async function store(evidence: EvidenceStore, environment: string, drill: Exercised): Promise<DrillResult> {
  let markdown = "";
  let junit = "";
  const { report, name, digest } = await appendReport(evidence, environment, (chain) => {
    const last = chain.at(-1);
    const sequence = chain.length + 1;
    const linked: DrillReport = {
      ...drill,
      sequence,
      prevReportSha256: last ? sha256(last.bytes) : null,
      metrics: metricsOf(chain, drill),
      evidence: [],
    };
    markdown = renderMarkdown(linked);
    junit = renderJUnit(linked);
    const attachments: Attachment[] = [
      { extension: "md", contentType: "text/markdown; charset=utf-8", text: markdown },
      {
        extension: "html",
        contentType: "text/html; charset=utf-8",
        text: renderPage(linked, readable(chain)),
      },
      { extension: "junit.xml", contentType: "application/xml", text: junit },
    ];
    const digests = attachments.map(({ extension, text }) => ({
      name: documentName(environment, sequence, extension),
      sha256: sha256(text),
    }));
    return { report: { ...linked, evidence: digests }, attachments };
  });
  return { report, markdown, junit, name, digest, place: evidence.place };
}

const YEAR_MS = 365 * 86_400_000;

/** Report §11.3 over the chain and this drill. */
function metricsOf(chain: readonly StoredReport[], drill: Exercised): DrillReport["metrics"] {
  const drills: Pick<DrillReport, "endedAt" | "scenarios">[] = [...readable(chain), drill];
  const recovered = drills
    .flatMap(({ scenarios }) => scenarios)
    .filter(({ verdict }) => verdict.overall === "PASS")
    .flatMap(({ measured }) => (measured.rtoSeconds === null ? [] : [measured.rtoSeconds]));
  const since = Date.parse(drill.endedAt) - YEAR_MS;
  return {
    drills: chain.length + 1,
    drillsLastYear: drills.filter(({ endedAt }) => Date.parse(endedAt) >= since).length,
    mttrSeconds:
      recovered.length === 0 ? null : recovered.reduce((sum, value) => sum + value, 0) / recovered.length,
  };
}

/** A damaged report must not keep new ones from being written; `evidence verify` names it. */
function readable(chain: readonly StoredReport[]): DrillReport[] {
  return chain.flatMap(({ bytes }) => {
    try {
      return [parseReport(bytes)];
    } catch {
      return [];
    }
  });
}

/** Scenario ids of a comma-separated list. @throws UsageError naming the unknown one and the allowed ones */
export function parseScenarios(text: string): ScenarioId[] {
  return text.split(",").map((part) => {
    const id = SCENARIO_IDS.find((known) => known === part.trim());
    if (!id) throw new UsageError(`--scenario ${part.trim()}: unknown; allowed: ${SCENARIO_IDS.join(", ")}`);
    return id;
  });
}
