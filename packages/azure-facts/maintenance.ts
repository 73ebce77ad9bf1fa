/** Days of the week as Azure numbers them, from 0. */
export const WEEKDAYS = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
] as const;

export type Weekday = (typeof WEEKDAYS)[number];

/** A weekly moment, UTC. */
export interface WeeklyWindow {
  dayOfWeek: Weekday;
  /** Hour of the day, 0-23. */
  startHour: number;
}

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** Hours the cluster's upgrade window lasts: Azure starts nothing it cannot end in it, and four is its minimum. */
export const UPGRADE_WINDOW_HOURS = 4;

/** A weekly window as AKS's upgrade schedules take it. `hours` is at least 4. */
export function maintenanceWindow({ dayOfWeek, startHour }: WeeklyWindow, hours: number) {
  return {
    schedule: { weekly: { dayOfWeek, intervalWeeks: 1 } },
    startTime: `${twoDigits(startHour)}:00`,
    utcOffset: "+00:00",
    durationHours: hours,
  };
}

/** The same window as AKS's own releases take it: single hours by day, past midnight on the next day. */
export function weeklyHours({ dayOfWeek, startHour }: WeeklyWindow, hours: number) {
  const today = WEEKDAYS.indexOf(dayOfWeek);
  const slots = new Map<Weekday, number[]>();
  for (let hour = startHour; hour < startHour + hours; hour++) {
    const day = WEEKDAYS[(today + Math.floor(hour / 24)) % 7] as Weekday;
    slots.set(day, [...(slots.get(day) ?? []), hour % 24]);
  }
  return [...slots].map(([day, hourSlots]) => ({ day, hourSlots }));
}
