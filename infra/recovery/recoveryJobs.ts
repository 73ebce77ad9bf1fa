import { ContainerResources } from "../kubernetes/pod";

/** Identities the recovery runner's jobs act as. */
export type RecoveryIdentity = "backup" | "copy" | "verify" | "drill" | "prune";

/** When each job runs: cron expressions, UTC. */
export interface RecoverySchedules {
  hourly: string;
  daily: string;
  weekly: string;
  monthly: string;
  copy: string;
  verify: string;
  drill: string;
  prune: string;
}

/** Kinds of runs that have a deadline of their own. */
export type RecoveryDeadline = "hourly" | "backup" | "copy" | "verify" | "drill" | "prune";

/** What a run's arguments depend on. */
export interface RecoveryRun {
  /** Minutes after which it is ended. */
  deadlineMinutes: number;
  /** Database of the application; a server can hold others, such as what a restore replaced. */
  database: string;
}

/** Minutes a run may start late, e.g. while a cluster is upgraded; later, the next one is due anyway. */
export const STARTING_DEADLINE_MINUTES = 60;

/**
 * What every scheduled run has in common; suspended where another region serves, and a region that is taken up switches on what
 * says that it only stands by.
 * @param schedule cron expression, UTC
 */
export function scheduled({ schedule, suspended }: { schedule: string; suspended: boolean }) {
  return {
    metadata: suspended ? { annotations: { "forma3d.com/region-role": "standby" } } : {},
    spec: {
      schedule,
      timeZone: "Etc/UTC",
      suspend: suspended,
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: STARTING_DEADLINE_MINUTES * 60,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 5,
    },
  };
}

/**
 * When a run is not tried again; a pod that a node's drain or an upgrade takes away is no failure of it.
 * @param exitCodes of the container, after which another try would end the same
 */
export const podFailurePolicy = (containerName: string, exitCodes: number[]) => ({
  rules: [
    { action: "FailJob", onExitCodes: { containerName, operator: "In", values: exitCodes } },
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
  ],
});

/**
 * How often a backup is tried again. Another run may hold the database's lease, such as another tier's backup or a prune: each
 * try waits twice as long as the one before (10 s, 20 s, … at most 6 minutes), these together about 20 minutes.
 */
export const BACKUP_RETRIES = 7;

/**
 * How often any other run that failed is tried again. Each try is a pod of its own, and the failed one's disk stays beside it
 * until the job is taken away.
 */
const RETRIES = 1;

/**
 * A finished job is taken away after this. Not before a person can read why it failed; and soon, because the disk of
 * a restore goes with the pod object, which stays as long as its job does.
 */
export const KEPT_SECONDS = 3600;

/** One scheduled run of the recovery runner. */
export interface RecoveryJob {
  name: keyof RecoverySchedules;
  identity: RecoveryIdentity;
  /** Arguments of the runner's command line. */
  arguments: (run: RecoveryRun) => string[];
  /** Whose deadline it has. */
  deadline: RecoveryDeadline;
  /** How often a run that failed is tried again. */
  retries: number;
  resources: ContainerResources;
  /** Whether it restores a backup, and needs a volume for it. */
  scratch: boolean;
}

/** A backup streams: it compresses on one core and holds little, whatever the size of the database. */
const STREAMING: ContainerResources = {
  cpuRequest: "500m",
  cpuLimit: "2",
  memoryRequest: "256Mi",
  memoryLimit: "512Mi",
};

/** A restore runs a database server of its own beside the runner. */
export const RESTORING: ContainerResources = {
  cpuRequest: "1",
  cpuLimit: "2",
  memoryRequest: "1Gi",
  memoryLimit: "2Gi",
};

const LISTING: ContainerResources = {
  cpuRequest: "100m",
  cpuLimit: "500m",
  memoryRequest: "128Mi",
  memoryLimit: "256Mi",
};

/** Ends before the deadline does, so that a run that takes too long still reports what it found. */
function ownTimeout(deadlineMinutes: number): string {
  return `${Math.floor(deadlineMinutes * 0.9)}m`;
}

/** A schedule per tier of backups: report §5.1 and §4.1, and hourly for a recovery point of one hour. */
const BACKUPS = (["hourly", "daily", "weekly", "monthly"] as const).map((tier): RecoveryJob => ({
  name: tier,
  identity: "backup",
  arguments: () => ["backup", "--all", "--tier", tier, "--json"],
  deadline: tier === "hourly" ? "hourly" : "backup",
  retries: BACKUP_RETRIES,
  resources: STREAMING,
  scratch: false,
}));

/** Every scheduled run: backups, their copies, and their proof by the restores of its §11.3. */
export const RECOVERY_JOBS: readonly RecoveryJob[] = [
  ...BACKUPS,
  {
    name: "copy",
    identity: "copy",
    arguments: () => ["copy", "--json"],
    deadline: "copy",
    retries: RETRIES,
    resources: STREAMING,
    scratch: false,
  },
  {
    name: "verify",
    identity: "verify",
    // Every backup is proved by a restore, those of each hour too; one that is late waits for the next run.
    arguments: ({ deadlineMinutes }) => [
      "verify",
      "--unproved",
      "--timeout",
      ownTimeout(deadlineMinutes),
      "--json",
    ],
    deadline: "verify",
    retries: RETRIES,
    resources: RESTORING,
    scratch: true,
  },
  {
    name: "drill",
    identity: "drill",
    arguments: ({ deadlineMinutes, database }) => [
      "drill",
      "--database",
      database,
      "--trigger",
      "schedule",
      "--operator",
      "cronjob",
      "--timeout",
      ownTimeout(deadlineMinutes),
      "--json",
    ],
    deadline: "drill",
    retries: RETRIES,
    resources: RESTORING,
    scratch: true,
  },
  {
    name: "prune",
    identity: "prune",
    arguments: () => ["prune", "--no-dry-run", "--json"],
    deadline: "prune",
    retries: RETRIES,
    resources: LISTING,
    scratch: false,
  },
];

/**
 * Most volumes for restores at one time: every try of each job that restores, while the next one of the same schedule
 * waits for the last to be taken away, and one operator's. A quota below it leaves the operator's restore pending.
 */
export function scratchVolumes(jobs: readonly RecoveryJob[] = RECOVERY_JOBS): number {
  return jobs.filter(({ scratch }) => scratch).reduce((sum, { retries }) => sum + retries + 1, 0) + 1;
}
