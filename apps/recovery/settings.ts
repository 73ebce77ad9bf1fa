import { readFileSync } from "node:fs";
import type { z } from "zod";
import { UsageError } from "../../packages/command/errors";
import type { TlsLevel } from "./guard/policy";
import type { ServerConnection } from "./postgres/connection";
import { keepSecret } from "./redact";
import { SETTING_HELP } from "./settingHelp";
import { FINDING, variables, type Variables } from "./settingVariables";
import {
  keepAccountKey,
  parseTargets,
  SINGLE_TARGET,
  type Containers,
  type StoreAccess,
  type Target,
} from "./targets";
import { TIERS, type Tier } from "./types";

/** What a verb cannot run without. */
export type Need = "database" | "store" | Tier | "evidence";

/** A role of the platform that must be able to work in a restored database, and what its work is. */
export interface Probe {
  role: string;
  /** `write`: reads and writes rows. `alter`: owns tables. `read`: reads everything. */
  must: "write" | "alter" | "read";
  /** The role's own connection. */
  server: ServerConnection;
}

/** Settings with the connection of a role that a restore tries out. */
const PROBES = {
  PROBE_API_URL: { role: "api", must: "write" },
  PROBE_MIGRATION_URL: { role: "migration", must: "alter" },
  PROBE_BACKUP_URL: { role: "backup", must: "read" },
} as const;
const probeNames = Object.keys(PROBES) as (keyof typeof PROBES)[];

export interface Settings {
  /** Environment this runner works for; part of every blob name, so that environments never mix. */
  environment: string;
  /** Server, role and default database. Present when the verb needs it or the setting is there. */
  server?: ServerConnection;
  /** Where verify restores to; without it verify starts a throwaway server. */
  scratchServer?: ServerConnection;
  /** Every place backups go to, in the order in which they are asked for one. */
  targets: readonly Target[];
  /** Name of the target these settings are for; the first unless `forTarget` chose another. */
  target: string;
  /** How that target is reached, and its containers. */
  store: StoreAccess;
  containers: Containers;
  /** Bytes a second that an upload or a copy may take; undefined: as many as there are. */
  bandwidth?: number;
  /** Public keys of age that archives are encrypted for; empty: they are not encrypted. */
  recipients: readonly string[];
  /** File with private keys of age; only where archives are read. */
  identityFile?: string;
  /** Longest time, in all, that a target may hold the others back while a database is dumped. */
  targetPatienceSeconds: number;
  /** Access tier of monthly archives. Archive costs hours of rehydration at restore, counted in the RTO. */
  monthlyAccessTier: "Hot" | "Cool" | "Cold" | "Archive";
  /** Days a backup of each tier is kept, and how many of each are kept whatever their age. */
  retention: { days: Record<Tier, number>; keepLast: number };
  /** Oldest allowed newest backup: the daily interval and two hours. */
  maxAgeSeconds: number;
  /** Oldest allowed newest verified backup. */
  maxVerifiedAgeSeconds: number;
  /** Volume for spooled archives and the throwaway server. */
  scratchDirectory: string;
  /** Connections a restore works with at a time. */
  jobs: number;
  /** Sessions that read the large tables of a database side by side for its backup; 1: pg_dump reads them. */
  backupJobs: number;
  /** Databases that `backup --all` dumps side by side. */
  parallelDatabases: number;
  /** A backup that moves nothing for this long has lost a peer nobody told us about, and is given up. */
  stallTimeoutSeconds: number;
  /** Questions that verify asks the restored data. */
  assertionsFile?: string;
  /** Copy of the store in the second region, which a drill of a region's loss reads. */
  geoStore?: StoreAccess;
  /** Overall objectives that replace those of the drill's scenarios. */
  objectives: { rtoSeconds?: number; rpoSeconds?: number };
  /** Secret that masked values are made with. */
  maskKey?: string;
  /** Roles that a restore tries out before it says done; none: nobody is tried. */
  probes: Probe[];
  guard: {
    /** DATABASE_URL as it is, because another client may read it differently; holds the password. */
    databaseUrl: string;
    /** Hosts a workload of this environment may connect to. */
    allowedHosts: string[];
    /** Undefined: `off` for a server on this machine, otherwise `require`. */
    tls?: TlsLevel;
  };
}

/** Settings that may come from a mounted file: `DATABASE_URL_FILE=/run/secrets/url`. */
const FROM_FILE = [
  "DATABASE_URL",
  "SCRATCH_DATABASE_URL",
  "BACKUP_STORE_CONNECTION_STRING",
  "BACKUP_STORE_SECONDARY_CONNECTION_STRING",
  "BACKUP_TARGETS",
  "MASK_KEY",
  "NOTIFY_WEBHOOK_URL",
  "PROBE_API_URL",
  "PROBE_MIGRATION_URL",
  "PROBE_BACKUP_URL",
] as const;
/** Those that are secrets as a whole; a list of targets is none, what is secret in it is kept apart. */
const SECRET = FROM_FILE.filter((name) => name !== "BACKUP_TARGETS");

function readFiles(env: NodeJS.ProcessEnv, problems: string[]): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = { ...env };
  for (const name of FROM_FILE) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    if (env[name]) {
      problems.push(`${name}: set it or ${name}_FILE, not both`);
      continue;
    }
    try {
      merged[name] = readFileSync(file, "utf8").trim();
    } catch (error) {
      problems.push(`${name}_FILE: cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? "error"}`);
    }
  }
  return merged;
}

/**
 * Reads the settings of a verb.
 * @throws UsageError listing every missing and every malformed setting, none with its value
 */
export function loadSettings(env: NodeJS.ProcessEnv, needs: readonly Need[]): Settings {
  const problems: string[] = [];
  const merged = readFiles(env, problems);
  // An empty variable is how a shell and a Kubernetes manifest say "not set".
  const given = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ""));
  for (const name of SECRET) keepSecret(given[name]);
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(`${String(issue.path[0])}: ${expectation(issue)}`);
  }
  const targets = targetsOf(given, problems);
  problems.push(...missing(given, needs, targets));
  if (problems.length > 0 || !parsed.success) throw new UsageError(problems);
  keepParts(parsed.data);
  return settingsOf(parsed.data, targets, given.DATABASE_URL ?? "");
}

/** What a verb needs and was not given, and what was given twice. */
function missing(given: NodeJS.ProcessEnv, needs: readonly Need[], targets: readonly Target[]): string[] {
  const required = (name: keyof Variables): string[] =>
    given[name] ? [] : [`${name}: missing; ${SETTING_HELP[name] ?? ""}`];
  const container = (kind: keyof Containers): string[] => {
    if (targets.some(({ containers }) => containers[kind])) return [];
    const name = `BACKUP_CONTAINER_${kind.toUpperCase()}`;
    if (given.BACKUP_TARGETS === undefined) return [`${name}: missing; ${SETTING_HELP[name] ?? ""}`];
    return targets.length > 0 ? [`BACKUP_TARGETS: no target has a container "${kind}"`] : [];
  };
  return [
    ...(needs.includes("database") ? required("DATABASE_URL") : []),
    ...(needs.includes("store") ? [...missingStore(given), ...container("daily")] : []),
    ...either(given, "BACKUP_STORE_SECONDARY_URL", "BACKUP_STORE_SECONDARY_CONNECTION_STRING"),
    ...([...TIERS, "evidence"] as const)
      .filter((kind) => kind !== "daily" && needs.includes(kind))
      .flatMap(container),
    ...required("ENVIRONMENT"),
  ];
}

/** Two settings that say the same in different ways. */
function either(given: NodeJS.ProcessEnv, one: keyof Variables, other: keyof Variables): string[] {
  return given[one] && given[other] ? [`${one}: set it or ${other}, not both`] : [];
}

function missingStore(given: NodeJS.ProcessEnv): string[] {
  const ways = ["BACKUP_STORE_URL", "BACKUP_STORE_CONNECTION_STRING"] as const;
  if (given.BACKUP_TARGETS !== undefined) return ways.flatMap((way) => either(given, way, "BACKUP_TARGETS"));
  return ways.some((way) => given[way])
    ? either(given, ...ways)
    : [`${ways.join(", ")} or BACKUP_TARGETS: missing; one of them is needed`];
}

/** Keeps what is secret within a setting out of everything that is printed. */
function keepParts(value: Variables): void {
  keepSecret(value.DATABASE_URL?.password);
  keepSecret(value.SCRATCH_DATABASE_URL?.password);
  for (const name of probeNames) keepSecret(value[name]?.password);
  keepAccountKey(value.BACKUP_STORE_CONNECTION_STRING);
  keepAccountKey(value.BACKUP_STORE_SECONDARY_CONNECTION_STRING);
}

/** @param databaseUrl as it was given */
function settingsOf(value: Variables, targets: readonly Target[], databaseUrl: string): Settings {
  const [first] = targets;
  return {
    environment: value.ENVIRONMENT ?? "",
    server: value.DATABASE_URL,
    scratchServer: value.SCRATCH_DATABASE_URL,
    targets,
    target: first?.name ?? SINGLE_TARGET,
    store: first?.store ?? { kind: "azure", url: "" },
    containers: first?.containers ?? {},
    bandwidth: value.BACKUP_BANDWIDTH_LIMIT,
    recipients: [...new Set(value.BACKUP_RECIPIENTS)],
    identityFile: value.BACKUP_IDENTITY_FILE,
    maskKey: value.MASK_KEY,
    targetPatienceSeconds: value.BACKUP_TARGET_PATIENCE,
    geoStore: geoStoreOf(value),
    objectives: { rtoSeconds: value.RTO_TARGET, rpoSeconds: value.RPO_TARGET },
    probes: probesOf(value),
    guard: {
      databaseUrl,
      allowedHosts: value.GUARD_ALLOWED_HOSTS,
      tls: value.GUARD_TLS,
    },
    monthlyAccessTier: value.BACKUP_MONTHLY_ACCESS_TIER,
    retention: {
      days: {
        hourly: value.RETENTION_HOURLY_DAYS,
        daily: value.RETENTION_DAILY_DAYS,
        weekly: value.RETENTION_WEEKLY_DAYS,
        monthly: value.RETENTION_MONTHLY_DAYS,
      },
      keepLast: value.RETENTION_KEEP_LAST,
    },
    maxAgeSeconds: value.BACKUP_MAX_AGE,
    maxVerifiedAgeSeconds: value.BACKUP_MAX_VERIFIED_AGE,
    scratchDirectory: value.SCRATCH_DIR,
    jobs: value.RESTORE_JOBS,
    backupJobs: value.BACKUP_JOBS,
    parallelDatabases: value.BACKUP_PARALLEL_DATABASES,
    stallTimeoutSeconds: value.BACKUP_STALL_TIMEOUT,
    assertionsFile: value.VERIFY_ASSERTIONS,
  };
}

function probesOf(value: Variables): Probe[] {
  return probeNames.flatMap((name): Probe[] => {
    const server = value[name];
    return server ? [{ ...PROBES[name], server }] : [];
  });
}

function geoStoreOf(value: Variables): Settings["geoStore"] {
  const connectionString = value.BACKUP_STORE_SECONDARY_CONNECTION_STRING;
  if (connectionString) return { kind: "azure", connectionString };
  return value.BACKUP_STORE_SECONDARY_URL
    ? { kind: "azure", url: value.BACKUP_STORE_SECONDARY_URL }
    : undefined;
}

/** The list of `BACKUP_TARGETS`, or the one account the older settings name. */
function targetsOf(given: NodeJS.ProcessEnv, problems: string[]): Target[] {
  const containers: Containers = {
    hourly: given.BACKUP_CONTAINER_HOURLY,
    daily: given.BACKUP_CONTAINER_DAILY,
    weekly: given.BACKUP_CONTAINER_WEEKLY,
    monthly: given.BACKUP_CONTAINER_MONTHLY,
    evidence: given.BACKUP_CONTAINER_EVIDENCE,
    drill: given.BACKUP_CONTAINER_DRILL,
  };
  if (given.BACKUP_TARGETS !== undefined) return parseTargets(given.BACKUP_TARGETS, containers, problems);
  const text = given.BACKUP_STORE_CONNECTION_STRING;
  if (text) return [{ name: SINGLE_TARGET, store: { kind: "azure", connectionString: text }, containers }];
  const url = given.BACKUP_STORE_URL;
  return [{ name: SINGLE_TARGET, store: { kind: "azure", url: url ?? "" }, containers }];
}

/** The settings with one given target and no other. */
export function onlyTarget(settings: Settings, target: Target): Settings {
  const { name, store, containers } = target;
  return { ...settings, targets: [target], target: name, store, containers };
}

/** The settings with another of their targets in place of the first. @throws UsageError for an unknown name */
export function forTarget(settings: Settings, name: string): Settings {
  const target = settings.targets.find((one) => one.name === name);
  if (!target) {
    const known = settings.targets.map((one) => one.name).join(", ");
    throw new UsageError(`--target ${name}: unknown; allowed: ${known}`);
  }
  return { ...settings, target: target.name, store: target.store, containers: target.containers };
}

/** What is wrong with a value, where a check found that out; else what the value may be. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "custom" && issue.params?.[FINDING] === true) return issue.message;
  if (issue.code === "invalid_value") return `expected one of ${issue.values.join(", ")}`;
  return `expected ${issue.message}`;
}

/** The server of `DATABASE_URL`, for verbs that declared the need. */
export function serverOf(settings: Settings): ServerConnection {
  if (!settings.server) throw new UsageError("DATABASE_URL: missing");
  return settings.server;
}
