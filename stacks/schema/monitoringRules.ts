import { SECRET_CATALOG } from "../../infra/secrets/secretCatalogue";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";

/** What the fields of monitoring cannot say alone. */
export function monitoringRules({ alerts, statusPage, monitoring, regions, vault }: StackConfig): Problem[] {
  const computing = [regions.primary, regions.secondary].flatMap((one) => (one ? [one.location] : []));
  return [
    ...thresholdProblems(
      alerts,
      Math.min(vault.secretRotationDays, ...SECRET_CATALOG.map((entry) => entry.rotationDays)),
    ),
    ...windowProblems(alerts),
    ...incidentProblems(statusPage),
    // Each of them serves one day, and customers are told then, too.
    ...(computing.includes(statusPage.outsideRegion)
      ? [
          {
            path: ["statusPage", "outsideRegion"],
            found: statusPage.outsideRegion,
            allowed: `a region other than ${computing.join(" and ")}, or the page would be lost with the one that serves`,
          },
        ]
      : []),
    // After a failover it may be the region that serves: with two regions there is no third to be in.
    ...(regions.secondary !== undefined && monitoring.region === regions.primary.location
      ? [
          {
            path: ["monitoring", "region"],
            found: monitoring.region,
            allowed:
              "a region other than the primary, or alerts, logs and the public entry would be lost with it",
          },
        ]
      : []),
  ];
}

function thresholdProblems({ thresholds }: StackConfig["alerts"], shortestLife: number): Problem[] {
  const at = (...rest: string[]) => ["alerts", "thresholds", ...rest];
  const problems: Problem[] = [];
  for (const key of ["databaseStoragePercent", "diskPercent"] as const) {
    const { warning, urgent } = thresholds[key];
    if (warning >= urgent) {
      problems.push({ path: at(key, "warning"), found: warning, allowed: `less than urgent (${urgent})` });
    }
  }
  const { warning, urgent } = thresholds.certificateDays;
  if (warning <= urgent) {
    problems.push({
      path: at("certificateDays", "warning"),
      found: warning,
      allowed: `more days than urgent (${urgent})`,
    });
  }
  const { from, to } = thresholds.businessHours;
  if (from >= to) {
    problems.push({ path: at("businessHours", "to"), found: to, allowed: `an hour after from (${from})` });
  } else if (thresholds.webhookSilenceMinutes >= (to - from) * 60) {
    problems.push({
      path: at("webhookSilenceMinutes"),
      found: thresholds.webhookSilenceMinutes,
      allowed: `less than ${(to - from) * 60}, the minutes of businessHours, or it could never be told`,
    });
  }
  if (thresholds.secretDays >= shortestLife) {
    problems.push({
      path: at("secretDays"),
      found: thresholds.secretDays,
      allowed: `less than ${shortestLife}, the days the shortest-lived secret lives`,
    });
  }
  return problems;
}

/** Names of the weekly windows, which the program makes itself. */
export const WEEKLY_WINDOW_NAMES = { database: "database-maintenance", cluster: "cluster-upgrade" } as const;

const LONGEST_WINDOW_MS = 7 * 86_400_000;

function windowProblems({ maintenance }: StackConfig["alerts"]): Problem[] {
  const taken = new Set<string>(Object.values(WEEKLY_WINDOW_NAMES));
  return maintenance.flatMap((window, index) => {
    const at = (key: string) => ["alerts", "maintenance", index, key];
    const problems: Problem[] = [];
    if (taken.has(window.name)) {
      problems.push({ path: at("name"), found: window.name, allowed: "each name once" });
    }
    taken.add(window.name);
    if (Date.parse(window.endsAt) <= Date.parse(window.startsAt)) {
      problems.push({
        path: at("endsAt"),
        found: window.endsAt,
        allowed: `an instant after ${window.startsAt}`,
      });
    }
    if (Date.parse(window.endsAt) - Date.parse(window.startsAt) > LONGEST_WINDOW_MS) {
      problems.push({
        path: at("endsAt"),
        found: window.endsAt,
        allowed: `at most 7 days after ${window.startsAt}: the window mutes every alert but the heartbeat`,
      });
    }
    if (Date.parse(window.announcedAt) > Date.parse(window.startsAt)) {
      problems.push({
        path: at("announcedAt"),
        found: window.announcedAt,
        allowed: `an instant before ${window.startsAt}`,
      });
    }
    return problems;
  });
}

function incidentProblems({ incidents }: StackConfig["statusPage"]): Problem[] {
  return incidents.flatMap(({ phase, hours }, index) =>
    phase === "identified" && hours === undefined
      ? [
          {
            path: ["statusPage", "incidents", index, "hours"],
            found: undefined,
            allowed: "hours to resolution, which the message of an identified incident names",
          },
        ]
      : [],
  );
}
