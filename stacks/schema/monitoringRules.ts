import { misplaced } from "../../infra/statusPage/incidents";
import { SECRET_CATALOG } from "../../infra/secrets/secretCatalogue";
import type { Problem } from "../problems";
import { DEFAULT_LOG_CAP_GIB } from "./monitoring";
import { GIB_IN_MIB } from "./quantities";
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

/** What a GiB of logs costs, roughly and in most currencies. */
const GIB_PRICE = 3;

/** Limits that stand against what the environment allows itself: passed by it at rest, or never passed at all. */
export function reachableRules({
  alerts: { thresholds },
  edge,
  database,
  recovery,
  monitoring,
  budget,
}: StackConfig): Problem[] {
  const at = (key: string) => ["alerts", "thresholds", key];
  const problems: Problem[] = [];
  const client = edge.rateLimitPerMinute * 5;
  if (thresholds.edgeFloodRequests <= client) {
    problems.push({
      path: at("edgeFloodRequests"),
      found: thresholds.edgeFloodRequests,
      allowed: `more than ${client}, what one client may send in five minutes (edge.rateLimitPerMinute)`,
    });
  }
  const urgent = Math.floor((database.storageGB * thresholds.databaseStoragePercent.urgent) / 100);
  if (thresholds.databaseWalGiB >= urgent) {
    problems.push({
      path: at("databaseWalGiB"),
      found: thresholds.databaseWalGiB,
      allowed: `less than ${urgent}, at which databaseStoragePercent.urgent of database.storageGB (${database.storageGB}) is full`,
    });
  }
  const kept = Number(database.parameters["max_wal_size"] ?? 0) / GIB_IN_MIB;
  // More than half of the disk is refused where it stands.
  if (thresholds.databaseWalGiB <= kept && kept <= database.storageGB / 2) {
    problems.push({
      path: at("databaseWalGiB"),
      found: thresholds.databaseWalGiB,
      allowed: `more than ${kept}, what database.parameters.max_wal_size keeps while all is well`,
    });
  }
  const affordable = Math.floor(budget.monthlyAmount / (GIB_PRICE * 30));
  if (monitoring.logCapGiB > Math.max(DEFAULT_LOG_CAP_GIB, affordable)) {
    problems.push({
      path: ["monitoring", "logCapGiB"],
      found: monitoring.logCapGiB,
      allowed: `at most ${affordable}: with more, a month of logs alone costs what budget.monthlyAmount (${budget.monthlyAmount}) has for everything`,
    });
  }
  const proof = Math.ceil(recovery.deadlineMinutes.verify / 60);
  if (thresholds.backupMaxUnprovedHours < proof) {
    problems.push({
      path: at("backupMaxUnprovedHours"),
      found: thresholds.backupMaxUnprovedHours,
      allowed: `at least ${proof}, the hours a proof may take (recovery.deadlineMinutes.verify)`,
    });
  }
  return problems;
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
  if (thresholds.secretDays > shortestLife / 2) {
    problems.push({
      path: at("secretDays"),
      found: thresholds.secretDays,
      allowed: `at most ${Math.floor(shortestLife / 2)}, half of the days the shortest-lived secret lives`,
    });
  }
  return problems;
}

/** Names of the weekly windows, which the program makes itself. */
export const WEEKLY_WINDOW_NAMES = { database: "database-maintenance", cluster: "cluster-upgrade" } as const;

const LONGEST_WINDOW_MS = 7 * 86_400_000;
const LEAST_WINDOW_MS = 5 * 60_000;
/** Time in which windows together are no longer than one may be. */
const TOGETHER_MS = 28 * 86_400_000;

function windowProblems({ maintenance }: StackConfig["alerts"]): Problem[] {
  const taken = new Set<string>(Object.values(WEEKLY_WINDOW_NAMES));
  const times = maintenance.map(
    ({ startsAt, endsAt }) => [Date.parse(startsAt), Date.parse(endsAt)] as const,
  );
  return maintenance.flatMap((window, index) => {
    const at = (key: string) => ["alerts", "maintenance", index, key];
    const problems: Problem[] = [];
    if (taken.has(window.name)) {
      problems.push({ path: at("name"), found: window.name, allowed: "each name once" });
    }
    taken.add(window.name);
    const [start, end] = times[index] ?? [0, 0];
    if (end <= start) {
      problems.push({
        path: at("endsAt"),
        found: window.endsAt,
        allowed: `an instant after ${window.startsAt}`,
      });
    } else if (end - start < LEAST_WINDOW_MS) {
      problems.push({
        path: at("endsAt"),
        found: window.endsAt,
        allowed: `at least 5 minutes after ${window.startsAt}`,
      });
    }
    const other = maintenance.slice(0, index).find((_, one) => {
      const [from, to] = times[one] ?? [0, 0];
      return start < to && from < end;
    });
    if (other) {
      problems.push({
        path: at("startsAt"),
        found: window.startsAt,
        allowed: `a time outside alerts.maintenance[${maintenance.indexOf(other)}], ${other.startsAt} to ${other.endsAt}`,
      });
    }
    const together = times
      .filter(([from]) => from <= start && from > start - TOGETHER_MS)
      .reduce((sum, [from, to]) => sum + Math.max(0, to - from), 0);
    if (!other && end - start <= LONGEST_WINDOW_MS && together > LONGEST_WINDOW_MS) {
      problems.push({
        path: at("endsAt"),
        found: window.endsAt,
        allowed: "windows of 7 days together in any 28: each mutes every alert but the heartbeat",
      });
    }
    if (end - start > LONGEST_WINDOW_MS) {
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
  return incidents.flatMap((incident, index): Problem[] => {
    const { at: when, phase, service } = incident;
    const path = (key: string) => ["statusPage", "incidents", index, key];
    const twice = incidents.findIndex(
      (other, one) => one < index && other.at === when && other.service === service && other.phase === phase,
    );
    return [
      ...misplaced(incident).map(({ key, found, allowed }) => ({ path: path(key), found, allowed })),
      ...(twice >= 0
        ? [
            {
              path: path("at"),
              found: when,
              allowed: `each once: statusPage.incidents[${twice}] says the same`,
            },
          ]
        : []),
    ];
  });
}
