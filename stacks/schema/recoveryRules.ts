import { Cron } from "croner";
import { STARTING_DEADLINE_MINUTES } from "../../infra/recovery/recoveryJobs";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";

/**
 * GiB of disk a run gets a minute of its deadline for: the least pace anybody plans with. A deadline below it would end
 * a run that works; the disk is never full, so the real pace is slower.
 */
const GIB_PER_MINUTE = { backup: 4, verify: 2, drill: 2 } as const;

const MINUTE_MS = 60_000;
/** Any year; leap days make no difference to a gap of hours. */
const FROM = Date.UTC(2026, 0, 1);
const TO = Date.UTC(2028, 0, 1);

/** Every plan reads the files of all stacks, whose schedules are mostly the same. */
const known = new Map<string, Date | undefined>();

/** When two schedules start runs closer to each other than the minutes one may take; undefined when they never do. */
export function collision(one: string, other: string, minutes: number): Date | undefined {
  const key = JSON.stringify([one, other, minutes]);
  if (!known.has(key)) known.set(key, findCollision(one, other, minutes));
  return known.get(key);
}

function findCollision(one: string, other: string, minutes: number): Date | undefined {
  const schedule = (expression: string) => new Cron(expression, { timezone: "UTC", paused: true });
  const [runs, others] = [schedule(one), schedule(other)];
  let run = runs.nextRun(new Date(FROM));
  while (run && run.getTime() < TO) {
    const near = others.nextRun(new Date(run.getTime() - minutes * MINUTE_MS));
    if (near && near.getTime() < run.getTime() + minutes * MINUTE_MS) return run;
    run = runs.nextRun(run);
  }
  return undefined;
}

/** Schedules and sizes that let every run finish. */
export function recoveryRules({ recovery, database }: StackConfig): Problem[] {
  const { schedules, deadlineMinutes, scratchGiB } = recovery;
  const problems: Problem[] = [];
  const longest = deadlineMinutes.backup + STARTING_DEADLINE_MINUTES;
  const when = collision(schedules.monthly, schedules.daily, longest);
  if (when) {
    problems.push({
      path: ["recovery", "schedules", "monthly"],
      found: schedules.monthly,
      allowed: `at least ${longest} minutes from every daily backup (the deadline, and ${STARTING_DEADLINE_MINUTES} it may start late); on ${when.toISOString().slice(0, 10)} one would be skipped`,
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
  if (scratchGiB < database.storageGB) {
    problems.push({
      path: ["recovery", "scratchGiB"],
      found: scratchGiB,
      allowed: `at least database.storageGB (${database.storageGB}), or a backup could not be restored in it`,
    });
  }
  return problems;
}
