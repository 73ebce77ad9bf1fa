/**
 * The scenarios of the disaster-recovery report's §5.3 and the two data-loss cases of its risk matrix (R02, R10),
 * with their targets.
 */
export const SCENARIO_IDS = [
  "backup-only",
  "accidental-deletion",
  "corrupted-newest",
  "region-loss",
  "provider-loss",
] as const;
export type ScenarioId = (typeof SCENARIO_IDS)[number];

/** What recovery must achieve, in seconds. */
export interface Objectives {
  /** Longest time from the loss until checked data is back. */
  rtoSeconds: number;
  /** Longest stretch of work, counted back from the loss, that may be missing afterwards. */
  rpoSeconds: number;
}

const hour = 3_600;

/** The report's overall targets: RTO 4 h, RPO 1 h. */
export const OVERALL: Objectives = { rtoSeconds: 4 * hour, rpoSeconds: hour };

export interface ScenarioDescription {
  title: string;
  /** Where the report speaks of it. */
  source: string;
  objectives: Objectives;
}

export const SCENARIOS: Readonly<Record<ScenarioId, ScenarioDescription>> = {
  "backup-only": {
    title: "Database crash (backup only)",
    source: "§5.3",
    objectives: { rtoSeconds: 2 * hour, rpoSeconds: hour },
  },
  "accidental-deletion": {
    title: "Accidental deletion, noticed by marker rows",
    source: "§3 R10",
    objectives: OVERALL,
  },
  "corrupted-newest": {
    title: "Newest backup corrupted, the previous one is used",
    source: "§3 R02",
    objectives: OVERALL,
  },
  "region-loss": {
    title: "Full disaster (region failure), restored from the second account",
    source: "§5.3",
    objectives: { rtoSeconds: 4 * hour, rpoSeconds: hour },
  },
  "provider-loss": {
    title: "The provider is gone: every account and server, restored elsewhere from another one's storage",
    source: "§5.1, §5.3",
    objectives: OVERALL,
  },
};

/**
 * Scenarios that need a whole platform: clusters, public names, the managed server. `npm run drill` exercises them on a served one;
 * the runner alone lists them as not run. Loss of 0: nothing anybody was told is safe may be missing.
 */
export const PLATFORM_IDS = [
  "zone-standby",
  "replica-failover",
  "application-crash",
  "region-failure",
  "point-in-time",
  "security-breach",
] as const;
export type PlatformId = (typeof PLATFORM_IDS)[number];

const minute = 60;

export const PLATFORM: Readonly<Record<PlatformId, ScenarioDescription & { reason: string }>> = {
  "zone-standby": {
    title: "Database crash, standby in another zone",
    source: "§5.3",
    objectives: { rtoSeconds: 30, rpoSeconds: 0 },
    reason: "needs the managed server's own standby",
  },
  "replica-failover": {
    title: "Database crash (with replica)",
    source: "§5.3",
    objectives: { rtoSeconds: 5 * minute, rpoSeconds: minute },
    reason: "needs the managed server's own failover; the failover runbook exercises it",
  },
  "application-crash": {
    title: "Application crash",
    source: "§5.3",
    objectives: { rtoSeconds: 2 * minute, rpoSeconds: 0 },
    reason: "no data is restored; the cluster restarts the workload by its probes",
  },
  "region-failure": {
    title: "Region failure, the other region serves",
    source: "§5.3",
    objectives: { rtoSeconds: minute, rpoSeconds: hour },
    reason: "needs two regions' clusters and servers",
  },
  "point-in-time": {
    title: "Point-in-time restore of the managed server, adopted",
    source: "§3 R10",
    objectives: { rtoSeconds: 2 * hour, rpoSeconds: hour },
    reason: "needs the provider's restore of a server; the point-in-time runbook exercises it",
  },
  "security-breach": {
    title: "Security breach: contained, everything rotated, restored to before, reopened",
    source: "§5.3",
    objectives: { rtoSeconds: 24 * hour, rpoSeconds: hour },
    reason: "needs vaults, clusters and the edge; the security runbook's people decide",
  },
};

/** Where targets come from besides the table above. */
export interface AskedObjectives {
  /** Objectives of the environment (settings): a scenario's own target counts where it is tighter. */
  overall: Partial<Objectives>;
  /** Objectives of this very drill (flags): they count as they are. */
  flags: Partial<Objectives>;
  /** Oldest allowed newest backup, in seconds. */
  maxAgeSeconds: number;
}

/**
 * What the loss of work is judged by. `recovery-point`: the objective itself. `backup-age`: the age allowed for the
 * newest backup, when a drill brings back whatever backup a live environment happens to have. A daily backup cannot
 * keep an objective of an hour; the managed server's point-in-time restore does, and no drill of backups proves it.
 */
export type RpoObjective = "recovery-point" | "backup-age";

/** Targets of one scenario. */
export function objectivesOf(
  id: ScenarioId,
  asked: AskedObjectives,
  fromLiveBackups: boolean,
): { targets: Objectives; rpoObjective: RpoObjective } {
  const own = SCENARIOS[id].objectives;
  const { overall, flags } = asked;
  const tightest = (one: number, other: number | undefined) => Math.min(one, other ?? Infinity);
  const byAge = fromLiveBackups && flags.rpoSeconds === undefined;
  return {
    targets: {
      rtoSeconds: flags.rtoSeconds ?? tightest(own.rtoSeconds, overall.rtoSeconds),
      rpoSeconds: byAge
        ? asked.maxAgeSeconds
        : (flags.rpoSeconds ?? tightest(own.rpoSeconds, overall.rpoSeconds)),
    },
    rpoObjective: byAge ? "backup-age" : "recovery-point",
  };
}
