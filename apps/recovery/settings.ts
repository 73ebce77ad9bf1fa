import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { z } from "zod";
import { parseDuration } from "./duration";
import { messageOf, UsageError } from "../../packages/command/errors";
import { checkIdentities, recipient } from "./encryption";
import { LOOPBACK, TLS_LEVELS, type TlsLevel } from "./guard/policy";
import { parseServerUrl, type ServerConnection } from "./postgres/connection";
import { parseBandwidth } from "./pace";
import { keepSecret } from "./redact";
import {
  connectionString,
  containerName,
  keepAccountKey,
  parseTargets,
  secureUrl,
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

/** Every name the runner reads, for `--help` and the documentation. */
export const SETTING_HELP: Readonly<Record<string, string>> = {
  DATABASE_URL: "server, role and default database: postgresql://<role>:<password>@<host>:5432/<database>",
  BACKUP_STORE_URL: "https://<account>.blob.core.windows.net, reached with workload identity",
  BACKUP_STORE_CONNECTION_STRING: "instead of BACKUP_STORE_URL: an emulator's connection string",
  BACKUP_TARGETS:
    "instead of both: JSON list of the places every backup goes to, see the documentation (also BACKUP_TARGETS_FILE)",
  BACKUP_TARGET_PATIENCE:
    "optional: longest time in all that one target may hold back the others during a backup (default 60s)",
  BACKUP_BANDWIDTH_LIMIT:
    "optional: most that a backup or a copy sends to each target a second, such as 50MiB (default no limit)",
  NOTIFY_WEBHOOK_URL:
    "optional: https URL that is told by POST when a scheduled verb fails (also NOTIFY_WEBHOOK_URL_FILE)",
  BACKUP_RECIPIENTS:
    "optional: public keys of age (age1…), separated by commas, that new backups are encrypted for",
  BACKUP_IDENTITY_FILE:
    "file with the private keys of age, old ones too, for verify, restore and drill of encrypted backups",
  BACKUP_CONTAINER_HOURLY: "container of hourly backups",
  BACKUP_CONTAINER_DAILY: "container of daily backups",
  BACKUP_CONTAINER_WEEKLY: "container of weekly backups",
  BACKUP_CONTAINER_MONTHLY: "container of monthly backups",
  BACKUP_CONTAINER_EVIDENCE: "container of drill reports",
  ENVIRONMENT: "name of this environment: lower-case letters, digits and hyphens",
  SCRATCH_DATABASE_URL: "optional: server verify restores to; otherwise it starts a throwaway one",
  BACKUP_MONTHLY_ACCESS_TIER: "optional: Hot, Cool, Cold or Archive (default Cold)",
  RETENTION_HOURLY_DAYS: "optional: days an hourly backup is kept (default 7)",
  RETENTION_DAILY_DAYS: "optional: days a daily backup is kept (default 30)",
  RETENTION_WEEKLY_DAYS: "optional: days a weekly backup is kept (default 28)",
  RETENTION_MONTHLY_DAYS: "optional: days a monthly backup is kept (default 365)",
  RETENTION_KEEP_LAST: "optional: newest backups of each tier that are never deleted (default 7)",
  BACKUP_MAX_AGE: "optional: oldest allowed newest backup (default 26h)",
  BACKUP_MAX_VERIFIED_AGE: "optional: oldest allowed newest verified backup (default 35d)",
  SCRATCH_DIR:
    "optional: volume for spooled archives and the throwaway server (default: the system's temporary folder)",
  RESTORE_JOBS: "optional: parallel connections of a restore, 2-32 (default 2)",
  BACKUP_PARALLEL_DATABASES: "optional: databases dumped side by side by --all, 1-8 (default 2)",
  BACKUP_STALL_TIMEOUT: "optional: longest time a backup may move no data (default 10m)",
  BACKUP_STORE_SECONDARY_URL:
    "optional: read endpoint of the geo copy, https://<account>-secondary.blob.core.windows.net, for drill",
  BACKUP_STORE_SECONDARY_CONNECTION_STRING: "instead of BACKUP_STORE_SECONDARY_URL: an emulator's",
  BACKUP_CONTAINER_DRILL:
    "optional: container for a drill's backups of made-up data (default: the daily one, under <environment>-drill)",
  RTO_TARGET: "optional: longest time to recover a drill accepts (default per scenario, at most 4h)",
  RPO_TARGET: "optional: longest loss of work a drill accepts (default per scenario, at most 1h)",
  GUARD_ALLOWED_HOSTS: "database hosts guard accepts, separated by commas (default: this machine only)",
  GUARD_TLS:
    "TLS that guard demands: verify-full, require or off (default require; off for a server on this machine)",
  VERIFY_ASSERTIONS: "optional: YAML or JSON list of { id, sql } that verify asks the restored data",
  PROBE_API_URL:
    "optional: the application's connection string; a restore is done when it reads and writes with it",
  PROBE_MIGRATION_URL:
    "optional: the migrations' connection string; a restore is done when it alters a table with it",
  PROBE_BACKUP_URL:
    "optional: the backups' connection string; a restore is done when it reads everything with it",
  MASK_KEY:
    "secret of at least 32 characters that restore --mask makes values with; the same one gives the same values",
  POSTGRES_PROGRAMS:
    "optional: folders with PostgreSQL's programs beside PATH and the usual ones, separated as in PATH",
  PUSHGATEWAY_URL: "optional: Prometheus Pushgateway that is told the outcome of every run",
  METRICS_FILE:
    "optional: file the outcome of every run is written to, for the node exporter's textfile collector",
};

const whole = (minimum: number, maximum: number) =>
  z.string().transform((text, issue) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    issue.addIssue(`a whole number from ${minimum} to ${maximum}`);
    return z.NEVER;
  });
const duration = z.string().transform((text, issue) => {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  issue.addIssue("a duration such as 90s, 30m, 26h or 7d");
  return z.NEVER;
});
const hostList = z.string().transform((text, issue) => {
  const hosts = text.split(",").map((host) => host.trim());
  if (hosts.every((host) => /^[^\s:/@?#]+$|^\[?[0-9a-f:.]+\]?$|^\/\S+$/i.test(host))) return hosts;
  issue.addIssue("host names separated by commas, without scheme, port or user");
  return z.NEVER;
});
const serverUrl = z.string().transform((text, issue): ServerConnection => {
  try {
    return parseServerUrl(text);
  } catch (error) {
    issue.addIssue(messageOf(error));
    return z.NEVER;
  }
});
const httpUrl = z.url({ protocol: /^https?$/, error: "an http(s) URL" });

const schema = z.object({
  DATABASE_URL: serverUrl.optional(),
  SCRATCH_DATABASE_URL: serverUrl.optional(),
  BACKUP_STORE_URL: secureUrl.optional(),
  BACKUP_STORE_CONNECTION_STRING: connectionString.optional(),
  BACKUP_STORE_SECONDARY_URL: secureUrl.optional(),
  BACKUP_STORE_SECONDARY_CONNECTION_STRING: connectionString.optional(),
  BACKUP_TARGETS: z.string().optional(),
  BACKUP_TARGET_PATIENCE: duration.default(60),
  BACKUP_BANDWIDTH_LIMIT: z
    .string()
    .transform((text, issue) => {
      const bytes = parseBandwidth(text);
      if (bytes !== undefined) return bytes;
      issue.addIssue("a whole number of KiB, MiB or GiB a second, such as 50MiB");
      return z.NEVER;
    })
    .optional(),
  NOTIFY_WEBHOOK_URL: secureUrl.optional(),
  BACKUP_RECIPIENTS: z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(recipient))
    .default([]),
  BACKUP_IDENTITY_FILE: z
    .string()
    .superRefine((file, issue) => {
      const problem = checkIdentities(file);
      if (problem) issue.addIssue(problem);
    })
    .optional(),
  BACKUP_CONTAINER_HOURLY: containerName.optional(),
  BACKUP_CONTAINER_DAILY: containerName.optional(),
  BACKUP_CONTAINER_WEEKLY: containerName.optional(),
  BACKUP_CONTAINER_MONTHLY: containerName.optional(),
  BACKUP_CONTAINER_EVIDENCE: containerName.optional(),
  BACKUP_CONTAINER_DRILL: containerName.optional(),
  ENVIRONMENT: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, "1-31 lower-case letters, digits and hyphens, starting with a letter")
    .optional(),
  BACKUP_MONTHLY_ACCESS_TIER: z.enum(["Hot", "Cool", "Cold", "Archive"]).default("Cold"),
  RETENTION_HOURLY_DAYS: whole(1, 3_650).default(7),
  RETENTION_DAILY_DAYS: whole(1, 3_650).default(30),
  RETENTION_WEEKLY_DAYS: whole(1, 3_650).default(28),
  RETENTION_MONTHLY_DAYS: whole(1, 3_650).default(365),
  RETENTION_KEEP_LAST: whole(1, 1_000).default(7),
  BACKUP_MAX_AGE: duration.default(26 * 3_600),
  BACKUP_MAX_VERIFIED_AGE: duration.default(35 * 86_400),
  SCRATCH_DIR: z.string().default(() => tmpdir()),
  // One connection would let COPY fill gaps in earlier pages, so that rows come back in another order.
  RESTORE_JOBS: whole(2, 32).default(2),
  BACKUP_PARALLEL_DATABASES: whole(1, 8).default(2),
  BACKUP_STALL_TIMEOUT: duration.default(600),
  RTO_TARGET: duration.optional(),
  RPO_TARGET: duration.optional(),
  GUARD_ALLOWED_HOSTS: hostList.default([...LOOPBACK]),
  GUARD_TLS: z.enum(TLS_LEVELS).optional(),
  VERIFY_ASSERTIONS: z.string().optional(),
  MASK_KEY: z.string().min(32, "at least 32 characters").optional(),
  PROBE_API_URL: serverUrl.optional(),
  PROBE_MIGRATION_URL: serverUrl.optional(),
  PROBE_BACKUP_URL: serverUrl.optional(),
  PUSHGATEWAY_URL: httpUrl.optional(),
  METRICS_FILE: z.string().optional(),
});

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
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(`${String(issue.path[0])}: ${expectation(issue)}`);
  }
  const required = (name: keyof z.infer<typeof schema>) => {
    if (!given[name]) problems.push(`${name}: missing; ${SETTING_HELP[name] ?? ""}`);
  };
  if (needs.includes("database")) required("DATABASE_URL");
  const targets = targetsOf(given, problems);
  const anywhere = (kind: keyof Containers) => targets.some(({ containers }) => containers[kind]);
  const container = (kind: keyof Containers) => {
    const name = `BACKUP_CONTAINER_${kind.toUpperCase()}`;
    if (targets.length > 0 && anywhere(kind)) return;
    if (given.BACKUP_TARGETS === undefined) problems.push(`${name}: missing; ${SETTING_HELP[name] ?? ""}`);
    else if (targets.length > 0) problems.push(`BACKUP_TARGETS: no target has a container "${kind}"`);
  };
  if (needs.includes("store")) {
    if (given.BACKUP_TARGETS !== undefined) {
      for (const name of ["BACKUP_STORE_URL", "BACKUP_STORE_CONNECTION_STRING"] as const)
        if (given[name]) problems.push(`${name}: set it or BACKUP_TARGETS, not both`);
    } else if (given.BACKUP_STORE_URL && given.BACKUP_STORE_CONNECTION_STRING) {
      problems.push("BACKUP_STORE_URL: set it or BACKUP_STORE_CONNECTION_STRING, not both");
    } else if (!given.BACKUP_STORE_URL && !given.BACKUP_STORE_CONNECTION_STRING) {
      problems.push(
        "BACKUP_STORE_URL, BACKUP_STORE_CONNECTION_STRING or BACKUP_TARGETS: missing; one of them is needed",
      );
    }
    container("daily");
  }
  if (given.BACKUP_STORE_SECONDARY_URL && given.BACKUP_STORE_SECONDARY_CONNECTION_STRING) {
    problems.push("BACKUP_STORE_SECONDARY_URL: set it or BACKUP_STORE_SECONDARY_CONNECTION_STRING, not both");
  }
  for (const kind of [...TIERS, "evidence"] as const) {
    if (kind !== "daily" && needs.includes(kind)) container(kind);
  }
  required("ENVIRONMENT");
  if (problems.length > 0 || !parsed.success) throw new UsageError(problems);

  const value = parsed.data;
  keepSecret(value.DATABASE_URL?.password);
  keepSecret(value.SCRATCH_DATABASE_URL?.password);
  keepAccountKey(value.BACKUP_STORE_CONNECTION_STRING);
  keepAccountKey(value.BACKUP_STORE_SECONDARY_CONNECTION_STRING);
  const [first] = targets;
  const probes = (Object.keys(PROBES) as (keyof typeof PROBES)[]).flatMap((name): Probe[] => {
    const server = value[name];
    keepSecret(server?.password);
    return server ? [{ ...PROBES[name], server }] : [];
  });
  for (const text of [value.BACKUP_STORE_CONNECTION_STRING, value.BACKUP_STORE_SECONDARY_CONNECTION_STRING]) {
    keepSecret(/AccountKey=([^;]+)/i.exec(text ?? "")?.[1]);
  }
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
    probes,
    guard: {
      databaseUrl: given.DATABASE_URL ?? "",
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
    parallelDatabases: value.BACKUP_PARALLEL_DATABASES,
    stallTimeoutSeconds: value.BACKUP_STALL_TIMEOUT,
    assertionsFile: value.VERIFY_ASSERTIONS,
  };
}

function geoStoreOf(value: z.infer<typeof schema>): Settings["geoStore"] {
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

function expectation(issue: z.core.$ZodIssue): string {
  if (
    issue.code === "custom" &&
    (issue.path[0] === "BACKUP_IDENTITY_FILE" || /^(is|has|names|contains) /.test(issue.message))
  )
    return issue.message;
  if (issue.code === "invalid_value") return `expected one of ${issue.values.join(", ")}`;
  if (issue.code === "invalid_format" && issue.format === "regex") return `expected ${issue.message}`;
  return `expected ${issue.message}`;
}

/** The server of `DATABASE_URL`, for verbs that declared the need. */
export function serverOf(settings: Settings): ServerConnection {
  if (!settings.server) throw new UsageError("DATABASE_URL: missing");
  return settings.server;
}
