import type { Problem } from "../problems";
import type { StackConfig } from "./shape";

const DAY_MS = 86_400_000;

/** Days a date may lie ahead: longer than any secret lives, and no year anybody plans an update in. */
const MOST_DAYS_AHEAD = 730;

interface Dated {
  readonly path: readonly (string | number)[];
  readonly found: string | undefined;
}

function later(dates: readonly Dated[], today: Date, days: number, than: string): Problem[] {
  const latest = new Date(today.getTime() + days * DAY_MS).toISOString();
  return dates
    .filter(({ found }) => found !== undefined && found > latest)
    .map(({ path, found }) => ({
      path: [...path],
      found,
      allowed: `at most ${than}, ${latest.slice(0, 10)}`,
    }));
}

const TWO_YEARS = "two years from today";
const TOMORROW = "tomorrow: it says what has happened";

/** Dates of something that has been done, or will be soon; what is a little early is only warned about. */
export function dateRules({ vault, database, budget }: StackConfig, today: Date): Problem[] {
  const planned: Dated[] = [
    { path: ["vault", "secretsIssued"], found: vault.secretsIssued },
    ...vault.tokenEncryptionKeys.map((found, index) => ({
      path: ["vault", "tokenEncryptionKeys", index],
      found,
    })),
    { path: ["budget", "from"], found: budget.from },
  ];
  const past: Dated[] = [{ path: ["database", "restoredAt"], found: database.restoredAt }];
  return [...later(planned, today, MOST_DAYS_AHEAD, TWO_YEARS), ...later(past, today, 1, TOMORROW)];
}

/** Maintenance lies in sight, and what customers are told has happened, the newest first. */
export function incidentDateRules({ alerts, statusPage }: StackConfig, today: Date): Problem[] {
  const windows = alerts.maintenance.map(({ startsAt }, index): Dated => ({
    path: ["alerts", "maintenance", index, "startsAt"],
    found: startsAt,
  }));
  const announced = alerts.maintenance.map(({ announcedAt }, index): Dated => ({
    path: ["alerts", "maintenance", index, "announcedAt"],
    found: announcedAt,
  }));
  const told = statusPage.incidents.map(({ at }, index): Dated => ({
    path: ["statusPage", "incidents", index, "at"],
    found: at,
  }));
  const disordered = statusPage.incidents.flatMap(({ at }, index): Problem[] => {
    const newer = statusPage.incidents[index - 1];
    return newer && Date.parse(newer.at) < Date.parse(at)
      ? [
          {
            path: ["statusPage", "incidents", index, "at"],
            found: at,
            allowed: `at most ${newer.at}, when the one above it was said: the newest stands first`,
          },
        ]
      : [];
  });
  return [
    ...later(windows, today, MOST_DAYS_AHEAD, TWO_YEARS),
    ...later(announced, today, 1, TOMORROW),
    ...later(told, today, 1, TOMORROW),
    ...disordered,
  ];
}
