import { Gauge, Registry } from "prom-client";
import type { Objectives } from "../drill/objectives";
import { isUnproved, isVerified } from "../store/catalogue";
import type { CatalogueEntry } from "../types";
import { ReadinessGauges } from "./readiness";
import type { Reading } from "./reading";

const PREFIX = "pgbackup_";
const DAY = 86_400_000;

/** Every metric: its name without prefix, its labels, and what it says. */
export const METRICS = {
  last_success_snapshot_timestamp_seconds: {
    labels: ["database", "tier"],
    help: "Instant of the snapshot of the newest backup, Unix seconds.",
  },
  last_verified_timestamp_seconds: {
    labels: ["database"],
    help: "When a backup of this database was last proved by restoring it, Unix seconds; 0 when none ever was.",
  },
  duration_seconds: {
    labels: ["database", "stage"],
    help: "Seconds of the newest backup (stage backup) and of each stage of the newest drill.",
  },
  size_bytes: { labels: ["database", "tier"], help: "Stored size of the newest backup." },
  raw_size_bytes: { labels: ["database", "tier"], help: "Size of the newest backup before compression." },
  backups: { labels: ["database", "tier"], help: "Backups in the catalogue." },
  verified_backups: {
    labels: ["database"],
    help: "Backups whose content was proved by restoring and that are kept.",
  },
  unproved_backups: {
    labels: ["database"],
    help: "Backups that are kept and that no restore has tried yet; one that failed its restore is not among them.",
  },
  oldest_unproved_timestamp_seconds: {
    labels: ["database"],
    help: "Instant of the snapshot of the oldest of them, Unix seconds; absent when there is none.",
  },
  catalogue_mismatches: {
    labels: ["tier", "kind"],
    help: "Backups where catalogue and blobs disagree: damaged-manifest, missing-archive (or of another size), archive-without-manifest.",
  },
  objective_seconds: { labels: ["kind"], help: "Recovery objectives: kind rto or rpo." },
  restore_rto_seconds: { labels: [], help: "Longest time to recover measured by the newest drill." },
  rpo_seconds: {
    labels: [],
    help: "Longest loss of work of the newest drill, in scenarios judged by the recovery point objective.",
  },
  drill_scenario_rto_seconds: {
    labels: ["scenario"],
    help: "Time to recover in each scenario of the newest drill.",
  },
  drill_scenario_rpo_seconds: {
    labels: ["scenario"],
    help: "Loss of work in each scenario of the newest drill.",
  },
  drill_verdict: {
    labels: [],
    help: "1 when the newest drill met every target and passed every check, else 0.",
  },
  drill_scenario_verdict: { labels: ["scenario"], help: "The same for each scenario of the newest drill." },
  last_drill_timestamp_seconds: { labels: [], help: "End of the newest drill, Unix seconds." },
  drills: { labels: ["verdict"], help: "Drills of the last 365 days by verdict." },
  mttr_seconds: { labels: [], help: "Mean time to recover over the successful scenarios of all drills." },
  evidence_intact: { labels: [], help: "1 while the chain of drill reports is unbroken, else 0." },
  target_up: { labels: ["target"], help: "1 when the target answered the last read, else 0." },
  target_last_success_snapshot_timestamp_seconds: {
    labels: ["target", "database", "tier"],
    help: "Instant of the snapshot of the newest backup the target holds, Unix seconds.",
  },
  target_last_verified_timestamp_seconds: {
    labels: ["target", "database"],
    help: "When a backup the target holds was last proved, Unix seconds; 0 when none ever was.",
  },
  target_behind: {
    labels: ["target", "database"],
    help: "Backups that another target holds and this one lacks, though it should have them.",
  },
  store_up: { labels: [], help: "1 when every target answered the last read, else 0." },
  store_last_read_timestamp_seconds: {
    labels: [],
    help: "Last successful read of the storage account, Unix seconds.",
  },
} as const satisfies Record<string, { labels: readonly string[]; help: string }>;

type MetricName = keyof typeof METRICS;

/** The exporter's metrics. Between reads they keep the last values; only `store_up` tells that they are old. */
export class Gauges {
  readonly registry = new Registry();
  private readonly gauges: ReadonlyMap<MetricName, Gauge>;
  private readonly readiness = new ReadinessGauges(this.registry);

  constructor(objectives: Objectives) {
    this.gauges = new Map(
      (Object.keys(METRICS) as MetricName[]).map((name) => {
        const { help, labels } = METRICS[name];
        const gauge = new Gauge({
          name: PREFIX + name,
          help,
          labelNames: [...labels],
          registers: [this.registry],
        });
        forget(gauge, name);
        return [name, gauge];
      }),
    );
    this.set("objective_seconds", { kind: "rto" }, objectives.rtoSeconds);
    this.set("objective_seconds", { kind: "rpo" }, objectives.rpoSeconds);
    this.set("store_up", {}, 0);
  }

  private set(name: MetricName, labels: Record<string, string>, value: number): void {
    this.gauges.get(name)?.set(labels, value);
  }

  /** No target answered: what was known stays. */
  storeIsDown(): void {
    this.set("store_up", {}, 0);
  }

  update(reading: Reading): void {
    // What is gone from the storage account must go from here; the objectives come from the settings.
    for (const [name, gauge] of this.gauges) {
      if (name === "objective_seconds") continue;
      forget(gauge, name);
    }
    this.set("store_up", {}, +reading.targets.every(({ catalogue }) => catalogue));
    this.updateTargets(reading.targets);
    this.set("store_last_read_timestamp_seconds", {}, reading.readAt.getTime() / 1000);
    for (const { tier, kind, count } of reading.mismatches)
      this.set("catalogue_mismatches", { tier, kind }, count);
    this.updateBackups(reading.catalogue);
    this.updateDrills(reading);
    this.readiness.update(reading.readiness);
  }

  private updateBackups(catalogue: readonly CatalogueEntry[]): void {
    for (const [database, entries] of grouped(catalogue, (entry) => entry.database)) {
      for (const [tier, sameTier] of grouped(entries, (entry) => entry.tier)) {
        this.set("backups", { database, tier }, sameTier.length);
        const newest = sameTier.find((entry) => entry.manifest)?.manifest;
        if (!newest) continue;
        const labels = { database, tier };
        this.set("last_success_snapshot_timestamp_seconds", labels, Date.parse(newest.snapshotAt) / 1000);
        this.set("size_bytes", labels, newest.storedBytes);
        this.set("raw_size_bytes", labels, newest.rawBytes);
      }
      const newest = entries.find((entry) => entry.manifest)?.manifest;
      if (newest) this.set("duration_seconds", { database, stage: "backup" }, newest.seconds);
      const verified = entries.filter(isVerified);
      this.set("verified_backups", { database }, verified.length);
      const instants = verified.map((entry) => Date.parse(entry.verification?.at ?? "") / 1000);
      this.set("last_verified_timestamp_seconds", { database }, Math.max(0, ...instants));
      const unproved = entries.filter((entry) => entry.manifest && isUnproved(entry));
      this.set("unproved_backups", { database }, unproved.length);
      const snapshots = unproved.map(({ manifest }) => Date.parse(manifest?.snapshotAt ?? "") / 1000);
      if (snapshots.length > 0)
        this.set("oldest_unproved_timestamp_seconds", { database }, Math.min(...snapshots));
    }
  }

  private updateTargets(targets: Reading["targets"]): void {
    for (const { name: target, catalogue, behind } of targets) {
      this.set("target_up", { target }, +(catalogue !== undefined));
      if (!catalogue) continue;
      for (const [database, count] of behind) this.set("target_behind", { target, database }, count);
      for (const [database, entries] of grouped(catalogue, (entry) => entry.database)) {
        for (const [tier, sameTier] of grouped(entries, (entry) => entry.tier)) {
          const at = Date.parse(sameTier.find((entry) => entry.manifest)?.manifest?.snapshotAt ?? "") / 1000;
          const labels = { target, database, tier };
          if (at) this.set("target_last_success_snapshot_timestamp_seconds", labels, at);
        }
        const proved = entries.filter(isVerified).map((one) => Date.parse(one.verification?.at ?? "") / 1000);
        this.set("target_last_verified_timestamp_seconds", { target, database }, Math.max(0, ...proved));
      }
    }
  }

  private updateDrills({ evidence, readAt }: Reading): void {
    if (!evidence) return;
    this.set("evidence_intact", {}, evidence.intact ? 1 : 0);
    const lastYear = evidence.drills.filter(
      ({ endedAt }) => readAt.getTime() - Date.parse(endedAt) <= 365 * DAY,
    );
    for (const verdict of ["PASS", "FAIL", "NOT_RUN", "TIMED_OUT"]) {
      const count = lastYear.filter((drill) => drill.verdict.overall === verdict).length;
      this.set("drills", { verdict }, count);
    }
    const newest = evidence.drills.at(-1);
    if (!newest) return;
    this.set("last_drill_timestamp_seconds", {}, Date.parse(newest.endedAt) / 1000);
    this.set("drill_verdict", {}, newest.verdict.overall === "PASS" ? 1 : 0);
    const longest = (values: (number | null)[]) => Math.max(...values.map((value) => value ?? -1));
    const rto = longest(newest.scenarios.map(({ measured }) => measured.rtoSeconds));
    const judgedByObjective = newest.scenarios.filter(
      ({ rpoObjective }) => rpoObjective === "recovery-point",
    );
    const rpo = longest(judgedByObjective.map(({ measured }) => measured.rpoSeconds));
    if (rto >= 0) this.set("restore_rto_seconds", {}, rto);
    if (rpo >= 0) this.set("rpo_seconds", {}, rpo);
    if (newest.metrics.mttrSeconds !== null) this.set("mttr_seconds", {}, newest.metrics.mttrSeconds);
    for (const { id, stages, verdict, measured } of newest.scenarios) {
      const scenario = { scenario: id };
      if (measured.rtoSeconds !== null) this.set("drill_scenario_rto_seconds", scenario, measured.rtoSeconds);
      if (measured.rpoSeconds !== null) this.set("drill_scenario_rpo_seconds", scenario, measured.rpoSeconds);
      this.set("drill_scenario_verdict", scenario, verdict.overall === "PASS" ? 1 : 0);
      for (const stage of stages) {
        const labels = { database: newest.source.database, stage: `${id}: ${stage.name}` };
        this.set("duration_seconds", labels, stage.seconds);
      }
    }
  }
}

/** Without labels, resetting would set 0, which claims something: nothing is known. */
function forget(gauge: Gauge, name: MetricName): void {
  if (METRICS[name].labels.length === 0) gauge.remove();
  else gauge.reset();
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
