import { z } from "zod";
import {
  checkSchema,
  checkStatusSchema,
  instantSchema,
  sha256Schema,
  stageSchema,
  tableMatchSchema,
  type CheckResult,
} from "../types";
import { precedingSchema } from "../evidence/preceding";
import { PLATFORM_IDS, SCENARIO_IDS, type Objectives } from "./objectives";

/** Version of the report format; readers refuse a version they do not know. */
export const DRILL_SCHEMA_VERSION = 1;

const seconds = z.number().nonnegative();

const objectivesSchema = z.strictObject({
  rtoSeconds: z.number().positive(),
  /** 0: nothing may be lost. */
  rpoSeconds: z.number().nonnegative(),
});

const measuredSchema = z.strictObject({
  /** From the loss until the restored data had passed its checks; null when that was never reached. */
  rtoSeconds: seconds.nullable(),
  /** From the newest recovered state to the loss. */
  rpoSeconds: seconds.nullable(),
  /**
   * `marker`: by the newest marker row that came back. `snapshot`: by the instant of the backup's snapshot. `orders`: by the orders a
   * customer was told are placed and that are missing afterwards.
   */
  rpoMethod: z.enum(["marker", "snapshot", "orders"]).nullable(),
  lossAt: instantSchema.nullable(),
  /** Newest marker row found in the restored database. */
  markerAt: instantSchema.nullable(),
});
export type Measured = z.infer<typeof measuredSchema>;

const objectiveVerdict = z.enum(["met", "missed", "not-measured"]);

const verdictSchema = z.strictObject({
  rto: objectiveVerdict,
  rpo: objectiveVerdict,
  /** Worst status of the checks. */
  integrity: checkStatusSchema,
  /** PASS only when both objectives are met and every check passed. */
  overall: checkStatusSchema,
});
export type DrillVerdict = z.infer<typeof verdictSchema>;

const usedBackupSchema = z.strictObject({
  id: z.string(),
  container: z.string(),
  blob: z.string(),
  tier: z.string(),
  sha256: sha256Schema,
  storedBytes: z.number().int().nonnegative(),
  snapshotAt: instantSchema,
  ageSeconds: seconds,
  /** Write-ahead log position of the snapshot, and the server it was taken on. */
  lsn: z.string(),
  serverVersion: z.string(),
  systemIdentifier: z.string().nullable(),
});
export type UsedBackup = z.infer<typeof usedBackupSchema>;

const scenarioSchema = z.strictObject({
  id: z.enum([...SCENARIO_IDS, ...PLATFORM_IDS]),
  title: z.string(),
  targets: objectivesSchema,
  /** What `targets.rpoSeconds` is: see `RpoObjective`. */
  rpoObjective: z.enum(["recovery-point", "backup-age"]),
  measured: measuredSchema,
  /** The backup that brought the data back; null when none did. */
  backup: usedBackupSchema.nullable(),
  stages: z.array(stageSchema),
  checks: z.array(checkSchema),
  tables: z.array(tableMatchSchema),
  verdict: verdictSchema,
  /** Why it could not be run or what went wrong, on one line. */
  reason: z.string().optional(),
});
export type ScenarioReport = z.infer<typeof scenarioSchema>;

export const drillReportSchema = z.strictObject({
  schemaVersion: z.literal(DRILL_SCHEMA_VERSION),
  kind: z.literal("drill"),
  drillId: z.string(),
  environment: z.string(),
  /** Position in the chain, from 1. */
  sequence: z.number().int().positive(),
  /** SHA-256 of the stored bytes of the report before this one; null for the first. */
  prevReportSha256: sha256Schema.nullable(),
  trigger: z.enum(["schedule", "manual"]),
  operator: z.string(),
  startedAt: instantSchema,
  endedAt: instantSchema,
  runner: z.strictObject({ image: z.string(), revision: z.string(), pgClient: z.string() }),
  source: z.strictObject({ server: z.string(), database: z.string(), version: z.string() }),
  /** Each target with the value measured against it, of the scenario that used most of its target. */
  targets: objectivesSchema,
  measured: z.strictObject({ rtoSeconds: seconds.nullable(), rpoSeconds: seconds.nullable() }),
  scenarios: z.array(scenarioSchema).min(1),
  /** Rows of the report's §5.3 that this drill did not try, with the reason. */
  notExercised: z.array(z.strictObject({ id: z.string(), title: z.string(), reason: z.string() })),
  environmentNotes: z.strictObject({
    cpus: z.number().int().positive(),
    memoryBytes: z.number().int().positive(),
    scratchKind: z.string(),
  }),
  /** Report §11.3: over the whole chain, this drill included. */
  metrics: z.strictObject({
    drills: z.number().int().positive(),
    drillsLastYear: z.number().int().positive(),
    /** Mean measured time to recover of every successful scenario; null while there is none. */
    mttrSeconds: seconds.nullable(),
  }),
  verdict: verdictSchema,
  /** Whether readiness checks preceded it; reports of before they were kept say nothing. */
  readiness: precedingSchema.optional(),
  /** Documents stored beside the report. */
  evidence: z.array(z.strictObject({ name: z.string(), sha256: sha256Schema })),
});
export type DrillReport = z.infer<typeof drillReportSchema>;

type Status = z.infer<typeof checkStatusSchema>;

const SEVERITY: Readonly<Record<Status, number>> = { PASS: 0, NOT_RUN: 1, TIMED_OUT: 2, FAIL: 3 };

/** The worst of several statuses; nothing checked is NOT_RUN, never a pass. */
export function worst(statuses: readonly Status[]): Status {
  return statuses.length === 0
    ? "NOT_RUN"
    : statuses.reduce((one, other) => (SEVERITY[other] > SEVERITY[one] ? other : one));
}

function compare(measured: number | null, target: number): DrillVerdict["rto"] {
  if (measured === null) return "not-measured";
  return measured <= target ? "met" : "missed";
}

const asStatus = { met: "PASS", missed: "FAIL", "not-measured": "NOT_RUN" } as const;

/** Judges one scenario by what was measured and checked. */
export function judgeScenario(
  targets: Objectives,
  measured: Pick<Measured, "rtoSeconds" | "rpoSeconds">,
  checks: readonly CheckResult[],
): DrillVerdict {
  const rto = compare(measured.rtoSeconds, targets.rtoSeconds);
  const rpo = compare(measured.rpoSeconds, targets.rpoSeconds);
  const integrity = worst(checks.map((check) => check.status));
  return { rto, rpo, integrity, overall: worst([asStatus[rto], asStatus[rpo], integrity]) };
}

type Judged = Pick<ScenarioReport, "targets" | "measured" | "verdict">;

/** The drill as a whole: as bad as its worst scenario. */
export function judgeDrill(scenarios: readonly Judged[]): DrillVerdict {
  const objective = (pick: (verdict: DrillVerdict) => DrillVerdict["rto"]): DrillVerdict["rto"] => {
    const all = scenarios.map((scenario) => pick(scenario.verdict));
    return all.includes("missed") ? "missed" : all.includes("not-measured") ? "not-measured" : "met";
  };
  return {
    rto: objective((verdict) => verdict.rto),
    rpo: objective((verdict) => verdict.rpo),
    integrity: worst(scenarios.map((scenario) => scenario.verdict.integrity)),
    overall: worst(scenarios.map((scenario) => scenario.verdict.overall)),
  };
}

/**
 * Targets and measurements of the drill as a whole: for each objective those of the scenario that used most of its
 * target; null when a scenario was not measured at all.
 */
export function summarise(scenarios: readonly Judged[]): Pick<DrillReport, "targets" | "measured"> {
  const most = (key: keyof Objectives) => {
    // Where nothing may be lost, nothing lost uses none of it.
    const share = ({ targets, measured }: Judged) =>
      measured[key] === 0 ? 0 : (measured[key] ?? Infinity) / targets[key];
    const [closest] = [...scenarios].sort((one, other) => share(other) - share(one));
    return { target: closest?.targets[key] ?? 0, measured: closest?.measured[key] ?? null };
  };
  const [rto, rpo] = [most("rtoSeconds"), most("rpoSeconds")];
  return {
    targets: { rtoSeconds: rto.target, rpoSeconds: rpo.target },
    measured: { rtoSeconds: rto.measured, rpoSeconds: rpo.measured },
  };
}

/** Ways in which a report contradicts itself; empty for one the drill wrote. */
export function contradictions(report: DrillReport): string[] {
  const problems: string[] = [];
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  for (const scenario of report.scenarios) {
    const verdict = judgeScenario(scenario.targets, scenario.measured, scenario.checks);
    if (!same(sorted(verdict), sorted(scenario.verdict))) {
      problems.push(`scenario ${scenario.id}: its verdict contradicts its measurements and checks`);
    }
    if (scenario.tables.some((table) => !table.match) && scenario.verdict.integrity === "PASS") {
      problems.push(`scenario ${scenario.id}: a table differs, yet its integrity is PASS`);
    }
  }
  if (!same(sorted(judgeDrill(report.scenarios)), sorted(report.verdict))) {
    problems.push("the verdict contradicts those of the scenarios");
  }
  const { targets, measured } = summarise(report.scenarios);
  if (!same([sorted(measured), sorted(targets)], [sorted(report.measured), sorted(report.targets)])) {
    problems.push("the targets and measured values contradict those of the scenarios");
  }
  if (report.endedAt < report.startedAt) problems.push("it ends before it starts");
  return problems;
}

function sorted(value: object): [string, unknown][] {
  return Object.entries(value).sort(([one], [other]) => one.localeCompare(other));
}
