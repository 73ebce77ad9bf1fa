import { DEFAULT_THRESHOLDS } from "../../packages/alerting/settings";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";
import { BACKUP_TIERS } from "./storage";
import { orderRules } from "./storageRules";
import { utcCron } from "./utcCron";

type Schedules = StackConfig["recovery"]["schedules"];

const MINUTE = 60_000;
const HOURS = 60;
const DAYS = 24 * HOURS;

/**
 * Minutes that lie between two runs of what is named so, at least and at most. A month has 28 to 31 days; who looks for
 * work every few minutes is never done looking.
 */
const CADENCE: Readonly<Record<keyof Schedules, readonly [least: number, most: number, says: string]>> = {
  hourly: [5, 12 * HOURS, "several times a day, every 5 minutes at most"],
  daily: [1 * DAYS, 1 * DAYS, "once a day"],
  weekly: [7 * DAYS, 7 * DAYS, "once a week"],
  monthly: [28 * DAYS, 31 * DAYS, "once a month"],
  copy: [5, 1 * DAYS, "at least once a day, every 5 minutes at most"],
  verify: [5, 1 * DAYS, "at least once a day, every 5 minutes at most"],
  drill: [1 * DAYS, 92 * DAYS, "once a quarter at least, once a day at most"],
  prune: [1 * HOURS, 7 * DAYS, "at least once a week, once an hour at most"],
};

/** Runs that are looked at one after another. */
const RUNS = 200;

/** Shortest and longest time between two runs of a schedule, minutes. */
interface Spacing {
  readonly shortest: number;
  readonly longest: number;
}

/** Every plan reads the files of all stacks, whose schedules are mostly the same. */
const known = new Map<string, Spacing>();

/**
 * Beside the first runs of a year, the wait from the first of each month and from each day of one: a schedule that
 * leaves out months or days is told by it.
 */
function findSpacing(schedule: string): Spacing {
  const cron = utcCron(schedule);
  const waits = [
    ...Array.from({ length: 12 }, (_, month) => Date.UTC(2026, month, 1)),
    ...Array.from({ length: 31 }, (_, day) => Date.UTC(2026, 0, 1 + day)),
  ].map((from) => {
    const next = cron.nextRun(new Date(from - 1));
    return next ? (next.getTime() - from) / MINUTE : Infinity;
  });
  const runs = cron.nextRuns(RUNS, new Date(Date.UTC(2026, 0, 1)));
  const gaps = runs.slice(1).map((run, index) => (run.getTime() - (runs[index]?.getTime() ?? 0)) / MINUTE);
  return { shortest: Math.min(...gaps), longest: Math.max(...gaps, ...waits) };
}

function spacing(schedule: string): Spacing {
  const found = known.get(schedule) ?? findSpacing(schedule);
  known.set(schedule, found);
  return found;
}

/** Each schedule runs as often as its name says, ends before it begins again, and is no rarer than who watches it allows. */
export function scheduleRules({ recovery, alerts, storage }: StackConfig): Problem[] {
  const { schedules, deadlineMinutes } = recovery;
  const wrong = (Object.keys(CADENCE) as (keyof Schedules)[]).flatMap((name): Problem[] => {
    const { shortest, longest } = spacing(schedules[name]);
    const [least, most, says] = CADENCE[name];
    return shortest < least || longest > most
      ? [
          {
            path: ["recovery", "schedules", name],
            found: schedules[name],
            allowed: `a schedule that runs ${says}, all year`,
          },
        ]
      : [];
  });
  if (wrong.length > 0) return wrong;
  const met = together(schedules);
  if (met.length > 0) return met;
  return [
    ...(["drill", "prune"] as const).flatMap((name): Problem[] => {
      const { shortest } = spacing(schedules[name]);
      return deadlineMinutes[name] < shortest
        ? []
        : [
            {
              path: ["recovery", "deadlineMinutes", name],
              found: deadlineMinutes[name],
              allowed: `less than ${shortest}, the minutes between two runs`,
            },
          ];
    }),
    ...watched(alerts.thresholds, schedules),
    ...kept(storage.containers, schedules),
  ];
}

/**
 * What looks for new backups no more often than they begin finds none at the very minute of it, and of two backups that
 * begin together one waits.
 */
function together(schedules: Schedules): Problem[] {
  const twice: Problem[] = meet(schedules.daily, schedules.hourly)
    ? [
        {
          path: ["recovery", "schedules", "hourly"],
          found: schedules.hourly,
          allowed: `other minutes than recovery.schedules.daily (${schedules.daily}): of two backups at a time one waits, and comes too late`,
        },
      ]
    : [];
  const blind = (["copy", "verify"] as const).flatMap((name): Problem[] =>
    spacing(schedules[name]).shortest >= spacing(schedules.hourly).shortest &&
    meet(schedules[name], schedules.hourly)
      ? [
          {
            path: ["recovery", "schedules", name],
            found: schedules[name],
            allowed: `other minutes than recovery.schedules.hourly (${schedules.hourly}): it would look just before each backup is there`,
          },
        ]
      : [],
  );
  return [...twice, ...blind];
}

/** Every plan reads the files of all stacks, whose schedules are mostly the same. */
const beginnings = new Map<string, ReadonlySet<number>>();

function beginningsOf(schedule: string): ReadonlySet<number> {
  const found =
    beginnings.get(schedule) ??
    new Set(
      utcCron(schedule)
        .nextRuns(RUNS, new Date(Date.UTC(2026, 0, 1)))
        .map((run) => run.getTime()),
    );
  beginnings.set(schedule, found);
  return found;
}

/** Whether two schedules begin at one minute among their first runs of a year. */
function meet(one: string, other: string): boolean {
  const others = beginningsOf(other);
  return [...beginningsOf(one)].some((run) => others.has(run));
}

/** Runs that may be missed before somebody is told. */
const MISSED = 2;

/** An alert that asks for more than the schedules give never ends. */
function watched(thresholds: StackConfig["alerts"]["thresholds"], schedules: Schedules): Problem[] {
  const at = (key: string) => ["alerts", "thresholds", key];
  const days = spacing(schedules.drill).longest / DAYS;
  const hours = spacing(schedules.daily).longest / HOURS;
  const proofs = Math.ceil(spacing(schedules.verify).longest / HOURS);
  const late = (
    key: "drillMaxAgeDays" | "backupMaxAgeHours" | "backupMaxUnverifiedDays" | "backupMaxUnprovedHours",
    every: number,
    what: string,
  ): Problem[] =>
    thresholds[key] > Math.max(MISSED * every, DEFAULT_THRESHOLDS[key])
      ? [
          {
            path: at(key),
            found: thresholds[key],
            allowed: `at most ${Math.max(Math.floor(MISSED * every), DEFAULT_THRESHOLDS[key])}: later, ${MISSED} ${what} would have been missed before anybody is told`,
          },
        ]
      : [];
  return [
    ...late("drillMaxAgeDays", days, "drills"),
    ...late("backupMaxAgeHours", hours, "daily backups"),
    ...late("backupMaxUnverifiedDays", proofs / 24, "proofs"),
    ...late("backupMaxUnprovedHours", proofs, "proofs"),
    ...(thresholds.backupMaxUnprovedHours < proofs
      ? [
          {
            path: at("backupMaxUnprovedHours"),
            found: thresholds.backupMaxUnprovedHours,
            allowed: `at least ${proofs}, the hours between two runs of recovery.schedules.verify`,
          },
        ]
      : []),
    ...(thresholds.drillMaxAgeDays < days
      ? [
          {
            path: at("drillMaxAgeDays"),
            found: thresholds.drillMaxAgeDays,
            allowed: `at least ${Math.ceil(days)}, the days between two runs of recovery.schedules.drill`,
          },
        ]
      : []),
    ...(thresholds.backupMaxAgeHours <= hours
      ? [
          {
            path: at("backupMaxAgeHours"),
            found: thresholds.backupMaxAgeHours,
            allowed: `more than ${hours}, the hours between two daily backups`,
          },
        ]
      : []),
  ];
}

/** A backup is kept at least until the next one of its tier is there, and a drill's report until the next drill. */
function kept(containers: StackConfig["storage"]["containers"], schedules: Schedules): Problem[] {
  const short = containers.flatMap(({ purpose, retentionDays }, index): Problem[] => {
    const tier =
      BACKUP_TIERS.find((name) => name === purpose) ?? (purpose === "evidence" ? "drill" : undefined);
    const days = tier === undefined ? 0 : Math.ceil(spacing(schedules[tier]).longest / DAYS);
    return retentionDays >= days
      ? []
      : [
          {
            path: ["storage", "containers", index, "retentionDays"],
            found: retentionDays,
            allowed: `at least ${days}, the days until the next ${tier === "drill" ? "drill" : `${purpose} backup`}`,
          },
        ];
  });
  return short.length > 0 ? short : orderRules(containers);
}

/** Readiness is checked once a day at least, and its alert waits longer than that. */
export function readinessRules({ readiness: { schedule }, alerts: { thresholds } }: StackConfig): Problem[] {
  const { shortest, longest } = spacing(schedule);
  if (shortest < HOURS || longest > DAYS)
    return [
      {
        path: ["readiness", "schedule"],
        found: schedule,
        allowed: "a schedule that runs at least once a day and at most once an hour, all year",
      },
    ];
  const hours = longest / HOURS;
  const latest = Math.max(MISSED * hours, DEFAULT_THRESHOLDS.readinessMaxAgeHours);
  if (thresholds.readinessMaxAgeHours > latest)
    return [
      {
        path: ["alerts", "thresholds", "readinessMaxAgeHours"],
        found: thresholds.readinessMaxAgeHours,
        allowed: `at most ${latest}: later, ${MISSED} checks would have been missed before anybody is told`,
      },
    ];
  return thresholds.readinessMaxAgeHours > hours
    ? []
    : [
        {
          path: ["alerts", "thresholds", "readinessMaxAgeHours"],
          found: thresholds.readinessMaxAgeHours,
          allowed: `more than ${hours}, the hours between two runs of readiness.schedule`,
        },
      ];
}
