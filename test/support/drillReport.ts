import {
  judgeDrill,
  judgeScenario,
  summarise,
  type DrillReport,
  type ScenarioReport,
} from "../../apps/recovery/drill/report";
import { PLATFORM, PLATFORM_IDS, SCENARIOS } from "../../apps/recovery/drill/objectives";

/** A scenario that met its targets; `change` breaks it, the verdict follows from what is measured then. */
export function scenario(change: Partial<ScenarioReport> = {}): ScenarioReport {
  const id = change.id ?? "backup-only";
  const draft = {
    id,
    title: { ...SCENARIOS, ...PLATFORM }[id].title,
    targets: { ...SCENARIOS, ...PLATFORM }[id].objectives,
    rpoObjective: "recovery-point" as const,
    measured: {
      rtoSeconds: 42.5,
      rpoSeconds: 3.25,
      rpoMethod: "marker" as const,
      lossAt: "2026-03-02T06:00:10.000Z",
      markerAt: "2026-03-02T06:00:06.750Z",
    },
    backup: {
      id: "forma3d-daily-20260302T060005000Z-9f3c",
      container: "daily",
      blob: "prod/forma3d/forma3d-daily-20260302T060005000Z-9f3c/archive.pgdump.zst",
      tier: "daily",
      sha256: "a".repeat(64),
      storedBytes: 12_345,
      snapshotAt: "2026-03-02T06:00:05.000Z",
      ageSeconds: 5,
      lsn: "0/1A2B3C4",
      serverVersion: "17.6",
      systemIdentifier: null,
    },
    stages: [{ name: "restore", startedAt: "2026-03-02T06:00:11.000Z", seconds: 40, bytes: 12_345 }],
    checks: [
      {
        id: "fingerprints",
        level: "L4" as const,
        status: "PASS" as const,
        expected: "8 equal",
        actual: "8 equal",
      },
    ],
    tables: [{ name: "public.orders", rows: 20_000, match: true }],
    ...change,
  };
  return { ...draft, verdict: change.verdict ?? judgeScenario(draft.targets, draft.measured, draft.checks) };
}

/** A report that agrees with its scenarios. */
export function drillReport(change: Partial<DrillReport> = {}): DrillReport {
  const scenarios = change.scenarios ?? [scenario()];
  return {
    schemaVersion: 1,
    kind: "drill",
    drillId: "drill-20260302T060000Z",
    environment: "prod",
    sequence: 1,
    prevReportSha256: null,
    trigger: "schedule",
    operator: "recovery-drill",
    startedAt: "2026-03-02T06:00:00.000Z",
    endedAt: "2026-03-02T06:01:00.000Z",
    runner: { image: "registry.example/recovery@sha256:1", revision: "0123abc", pgClient: "pg_restore 17.6" },
    source: { server: "db.example:5432", database: "forma3d", version: "17.6" },
    ...summarise(scenarios),
    scenarios,
    notExercised: PLATFORM_IDS.map((id) => ({ id, title: PLATFORM[id].title, reason: PLATFORM[id].reason })),
    environmentNotes: { cpus: 2, memoryBytes: 8 * 2 ** 30, scratchKind: "throwaway" },
    metrics: { drills: 1, drillsLastYear: 1, mttrSeconds: 42.5 },
    verdict: judgeDrill(scenarios),
    evidence: [],
    ...change,
  };
}
