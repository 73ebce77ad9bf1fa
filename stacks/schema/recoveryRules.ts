import { STARTING_DEADLINE_MINUTES } from "../../infra/recovery/recoveryJobs";
import type { Problem } from "../problems";
import { PRODUCTION } from "./environmentRules";
import { AWS_REGIONS } from "./recovery";
import type { StackConfig } from "./shape";
import { utcCron } from "./utcCron";

/**
 * GiB of disk a run gets a minute of its deadline for: the least pace anybody plans with. A deadline below it would end
 * a run that works; the disk is never full, so the real pace is slower.
 */
const GIB_PER_MINUTE = { backup: 4, verify: 2, drill: 2 } as const;

/** The objective of the report, which holds however large the disk has become. */
const REPORTED_RTO_MINUTES = 240;

const MINUTE_MS = 60_000;
/** Any year; leap days make no difference to a gap of hours. */
const FROM = Date.UTC(2026, 0, 1);
const TO = Date.UTC(2028, 0, 1);

/** Every plan reads the files of all stacks, whose schedules are mostly the same. */
const known = new Map<string, Date | undefined>();

/** When two schedules start runs closer to each other than the minutes one may take; undefined when they never do. */
function collision(one: string, other: string, minutes: number): Date | undefined {
  const key = JSON.stringify([one, other, minutes]);
  if (!known.has(key)) known.set(key, findCollision(one, other, minutes));
  return known.get(key);
}

function findCollision(one: string, other: string, minutes: number): Date | undefined {
  const [runs, others] = [utcCron(one), utcCron(other)];
  let run = runs.nextRun(new Date(FROM));
  while (run && run.getTime() < TO) {
    const near = others.nextRun(new Date(run.getTime() - minutes * MINUTE_MS));
    if (near && near.getTime() < run.getTime() + minutes * MINUTE_MS) return run;
    run = runs.nextRun(run);
  }
  return undefined;
}

interface Gaps {
  shortest: number;
  longest: number;
}

const knownGaps = new Map<string, Gaps>();

/** Minutes between runs of schedules taken together, over two weeks: the shortest and the longest gap. */
export function gaps(...schedules: string[]): Gaps {
  const key = JSON.stringify(schedules);
  const found = knownGaps.get(key) ?? findGaps(schedules);
  knownGaps.set(key, found);
  return found;
}

function findGaps(schedules: readonly string[]): Gaps {
  const until = new Date(FROM + 14 * 24 * 60 * MINUTE_MS);
  const runs = schedules
    .flatMap((expression) => {
      const cron = utcCron(expression);
      const found: number[] = [];
      for (let run = cron.nextRun(new Date(FROM - 1)); run && run <= until; run = cron.nextRun(run))
        found.push(run.getTime());
      return found;
    })
    .sort((one, other) => one - other);
  const between = runs.slice(1).map((run, index) => (run - (runs[index] ?? 0)) / MINUTE_MS);
  if (between.length === 0) return { shortest: Infinity, longest: Infinity };
  return { shortest: Math.min(...between), longest: Math.max(...between) };
}

/** Tiers whose runs must stay apart: of two that meet, the later one would wait, and at last be skipped. */
const APART = [
  ["monthly", "daily"],
  ["weekly", "daily"],
  ["weekly", "monthly"],
] as const;

function scheduleProblems({ schedules, deadlineMinutes, rpoMinutes }: StackConfig["recovery"]): Problem[] {
  const longest = deadlineMinutes.backup + STARTING_DEADLINE_MINUTES;
  const at = (...path: string[]) => ["recovery", ...path];
  const met = APART.flatMap(([tier, other]): Problem[] => {
    const when = collision(schedules[tier], schedules[other], longest);
    if (!when) return [];
    return [
      {
        path: at("schedules", tier),
        found: schedules[tier],
        allowed: `at least ${longest} minutes from every ${other} backup (the deadline, and ${STARTING_DEADLINE_MINUTES} it may start late); on ${when.toISOString().slice(0, 10)} one would be skipped`,
      },
    ];
  });
  const together = gaps(schedules.hourly, schedules.daily);
  const own = gaps(schedules.hourly);
  return [
    ...met,
    ...(together.longest > rpoMinutes
      ? [
          {
            path: at("schedules", "hourly"),
            found: schedules.hourly,
            allowed: `runs that, with the daily ones, leave no gap longer than recovery.rpoMinutes (${rpoMinutes}); the longest is ${together.longest} minutes`,
          },
        ]
      : []),
    ...(deadlineMinutes.hourly >= own.shortest
      ? [
          {
            path: at("deadlineMinutes", "hourly"),
            found: deadlineMinutes.hourly,
            allowed: `less than ${own.shortest}, the minutes between two hourly backups`,
          },
        ]
      : []),
  ];
}

/**
 * What a person should know about the backups of production; stops nothing: a key nobody holds is worse than none, and
 * a disk may have to grow although an hour no longer holds a dump of it.
 */
export function backupWarnings({
  environment,
  recovery,
  database,
}: Pick<StackConfig, "environment" | "recovery" | "database">): string[] {
  if (environment !== PRODUCTION) return [];
  const full = Math.ceil(database.storageGB / GIB_PER_MINUTE.backup);
  const { hourly } = recovery.deadlineMinutes;
  return [
    ...(recovery.encryption.recipients.length === 0
      ? [
          "recovery.encryption.recipients: none, so whoever can read an account of backups can read the backups; docs/targets.md, encryption",
        ]
      : []),
    ...(hourly < full
      ? [
          `recovery.deadlineMinutes.hourly: ${hourly}, but a full disk of database.storageGB (${database.storageGB}) takes about ${full} minutes to dump; when it fills up the hourly backups end unfinished, and without Azure's own backups more than recovery.rpoMinutes is lost`,
        ]
      : []),
  ];
}

/** Schedules and sizes that let every run finish. */
export function recoveryRules({ recovery, database }: StackConfig): Problem[] {
  const { deadlineMinutes, scratchGiB } = recovery;
  const problems: Problem[] = scheduleProblems(recovery);
  if (recovery.s3 && recovery.encryption.recipients.length === 0) {
    problems.push({
      path: ["recovery", "s3"],
      found: "a target with another provider",
      allowed: "nothing without recovery.encryption.recipients: no backup leaves Azure readable",
    });
  }
  const awsRegions: readonly string[] = AWS_REGIONS;
  if (recovery.s3 && recovery.s3.endpoint === undefined && !awsRegions.includes(recovery.s3.region)) {
    problems.push({
      path: ["recovery", "s3", "region"],
      found: recovery.s3.region,
      allowed: `one of ${AWS_REGIONS.join(", ")} where AWS takes the backups: personal data stays there`,
    });
  }
  for (const [run, speed] of Object.entries(GIB_PER_MINUTE) as [keyof typeof GIB_PER_MINUTE, number][]) {
    const least = Math.ceil(database.storageGB / speed);
    if (deadlineMinutes[run] < least) {
      problems.push({
        path: ["recovery", "deadlineMinutes", run],
        found: deadlineMinutes[run],
        allowed: `at least ${least}, a minute for every ${speed} GiB of database.storageGB (${database.storageGB})`,
      });
    }
  }
  const restore = Math.min(Math.ceil(database.storageGB / GIB_PER_MINUTE.verify), REPORTED_RTO_MINUTES);
  if (recovery.rtoMinutes < restore) {
    problems.push({
      path: ["recovery", "rtoMinutes"],
      found: recovery.rtoMinutes,
      allowed: `at least ${restore}, in which a full disk of database.storageGB (${database.storageGB}) is restored`,
    });
  }
  if (deadlineMinutes.drill <= recovery.rtoMinutes) {
    problems.push({
      path: ["recovery", "deadlineMinutes", "drill"],
      found: deadlineMinutes.drill,
      allowed: `more than rtoMinutes (${recovery.rtoMinutes}), or a missed RTO could not be measured`,
    });
  }
  if (scratchGiB < database.storageGB) {
    problems.push({
      path: ["recovery", "scratchGiB"],
      found: scratchGiB,
      allowed: `at least database.storageGB (${database.storageGB}), or a backup could not be restored in it`,
    });
  }
  return problems;
}
