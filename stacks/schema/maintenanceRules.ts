import { UPGRADE_WINDOW_HOURS, WEEKDAYS, type Weekday } from "../../packages/azure-facts/maintenance";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";
import { utcCron } from "./utcCron";

const HOUR = 3_600_000;
const WEEK = 7 * 24 * HOUR;

/** Runs that are looked at: of a monthly schedule five years, which meet every weekday. */
const RUNS = 62;

/** Whether a run of this length meets an hour that comes every week. */
function meets(
  run: Date,
  minutes: number,
  { dayOfWeek, startHour }: { dayOfWeek: number; startHour: number },
) {
  const begin = run.getUTCDay() * 24 * HOUR + (run.getTime() % (24 * HOUR));
  const window = (dayOfWeek * 24 + startHour) * HOUR;
  const ahead = (((window - begin) % WEEK) + WEEK) % WEEK;
  return ahead < minutes * 60_000 || WEEK - ahead < HOUR;
}

/** Every plan reads the files of all stacks, whose schedules are mostly the same. */
const known = new Map<string, readonly Date[]>();

function runsOf(schedule: string): readonly Date[] {
  const runs = known.get(schedule) ?? findRuns(schedule);
  known.set(schedule, runs);
  return runs;
}

function findRuns(schedule: string): Date[] {
  try {
    return utcCron(schedule).nextRuns(RUNS, new Date("2026-01-01T00:00:00Z"));
  } catch {
    // What is wrong with a schedule is said where it stands.
    return [];
  }
}

/** Hours of the week the database's window lasts. */
const DATABASE_WINDOW_HOURS = 1;

/** The database is not restarted while the nodes of those who call it are replaced: each alone is more than enough. */
export function windowsApartRules({ database, cluster }: StackConfig): Problem[] {
  const hourOf = ({ dayOfWeek, startHour }: { dayOfWeek: Weekday; startHour: number }): number =>
    WEEKDAYS.indexOf(dayOfWeek) * 24 + startHour;
  const [theirs, ours] = [hourOf(database.maintenanceWindow), hourOf(cluster.upgradeWindow)];
  const after = (theirs - ours + 7 * 24) % (7 * 24);
  return after >= UPGRADE_WINDOW_HOURS && 7 * 24 - after >= DATABASE_WINDOW_HOURS
    ? []
    : [
        {
          path: ["cluster", "upgradeWindow", "startHour"],
          found: cluster.upgradeWindow.startHour,
          allowed: `an hour whose ${UPGRADE_WINDOW_HOURS} from then on are not those of database.maintenanceWindow (${database.maintenanceWindow.dayOfWeek} ${database.maintenanceWindow.startHour}:00)`,
        },
      ];
}

/**
 * Azure may restart the database in its window, which ends a backup that is under way. An hourly one is tried again, and
 * the next is never far.
 */
export function maintenanceRules({ database, recovery }: StackConfig): Problem[] {
  const { dayOfWeek, startHour } = database.maintenanceWindow;
  const window = { dayOfWeek: WEEKDAYS.indexOf(dayOfWeek), startHour };
  const { schedules, deadlineMinutes } = recovery;
  return (["daily", "weekly", "monthly"] as const).flatMap((tier) =>
    runsOf(schedules[tier]).some((run) => meets(run, deadlineMinutes.backup, window))
      ? [
          {
            path: ["database", "maintenanceWindow", "startHour"],
            found: startHour,
            allowed: `an hour on ${dayOfWeek} in which no ${tier} backup runs: one begins at "${schedules[tier]}" and may take ${deadlineMinutes.backup} minutes`,
          },
        ]
      : [],
  );
}
