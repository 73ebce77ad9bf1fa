import { Weekday, WEEKDAYS } from "../azure-facts/maintenance";

/** Time every week, UTC, in which Azure may restart things. Mutes all but P1. */
export interface WeeklyWindow {
  /** Lower case with hyphens, unique. */
  name: string;
  dayOfWeek: Weekday;
  /** 0-23. */
  startHour: number;
  /** 1-24; may reach into the next day. */
  hours: number;
}

/** One piece of announced work. Mutes everything, and is left out of the uptime when announced early enough. */
export interface AnnouncedWindow {
  /** Lower case with hyphens, unique. */
  name: string;
  /** Instants in UTC, e.g. `2026-11-28T22:00:00Z`. */
  startsAt: string;
  endsAt: string;
  /** When customers were told; uptime excludes the window only if that was 48 hours before (report §10.2). */
  announcedAt: string;
  reason: string;
}

export interface Maintenance {
  weekly: readonly WeeklyWindow[];
  announced: readonly AnnouncedWindow[];
}

/** Hours of notice a window needs to count as scheduled maintenance (report §10.2). */
export const NOTICE_HOURS = 48;

/** Part of one day, in minutes after midnight UTC; `to` is at most 1440 and not included. */
export interface DayPart {
  /** Midnight of the day, or the weekday of a weekly window. */
  day: Date | Weekday;
  from: number;
  to: number;
}

/** Cuts a weekly window at midnight. */
export function weeklyParts({ dayOfWeek, startHour, hours }: WeeklyWindow): DayPart[] {
  const next = WEEKDAYS[(WEEKDAYS.indexOf(dayOfWeek) + 1) % 7] as Weekday;
  const end = (startHour + hours) * 60;
  return [
    { day: dayOfWeek, from: startHour * 60, to: Math.min(end, 1_440) },
    ...(end > 1_440 ? [{ day: next, from: 0, to: end - 1_440 }] : []),
  ];
}

/** Cuts an announced window at every midnight, to the minute. */
export function announcedParts({ startsAt, endsAt }: AnnouncedWindow): DayPart[] {
  const [start, end] = [Date.parse(startsAt), Date.parse(endsAt)];
  const parts: DayPart[] = [];
  for (let day = midnight(start); day < end; day += 86_400_000) {
    const from = Math.max(start - day, 0) / 60_000;
    const to = Math.min(end - day, 86_400_000) / 60_000;
    parts.push({ day: new Date(day), from: Math.floor(from), to: Math.ceil(to) });
  }
  return parts;
}

function midnight(instant: number): number {
  return instant - (instant % 86_400_000);
}

/** Minutes after midnight as `HH:MM`; 1440 becomes `24:00`. */
export function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
