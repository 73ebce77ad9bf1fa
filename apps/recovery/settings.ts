import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { z } from "zod";
import { parseDuration } from "./duration";
import { messageOf, UsageError } from "./errors";
import { LOOPBACK, TLS_LEVELS, type TlsLevel } from "./guard/policy";
import { parseServerUrl, type ServerConnection } from "./postgres/connection";
import { keepSecret } from "./redact";

/** What a verb cannot run without. */
export type Need = "database" | "store" | "monthly" | "evidence";

export interface Settings {
  /** Environment this runner works for; part of every blob name, so that environments never mix. */
  environment: string;
  /** Server, role and default database. Present when the verb needs it or the setting is there. */
  server?: ServerConnection;
  /** Where verify restores to; without it verify starts a throwaway server. */
  scratchServer?: ServerConnection;
  store: { connectionString: string } | { url: string };
  containers: {
    daily: string;
    monthly?: string;
    evidence?: string;
    /** Where a drill puts backups of made-up data; without it the daily container. */
    drill?: string;
  };
  /** Access tier of monthly archives. Archive costs hours of rehydration at restore, counted in the RTO. */
  monthlyAccessTier: "Hot" | "Cool" | "Cold" | "Archive";
  retention: { dailyDays: number; monthlyDays: number; keepLast: number };
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
  geoStore?: { connectionString: string } | { url: string };
  /** Overall objectives that replace those of the drill's scenarios. */
  objectives: { rtoSeconds?: number; rpoSeconds?: number };
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
  BACKUP_CONTAINER_DAILY: "container of daily backups",
  BACKUP_CONTAINER_MONTHLY: "container of monthly backups",
  BACKUP_CONTAINER_EVIDENCE: "container of drill reports",
  ENVIRONMENT: "name of this environment: lower-case letters, digits and hyphens",
  SCRATCH_DATABASE_URL: "optional: server verify restores to; otherwise it starts a throwaway one",
  BACKUP_MONTHLY_ACCESS_TIER: "optional: Hot, Cool, Cold or Archive (default Cold)",
  RETENTION_DAILY_DAYS: "optional: days a daily backup is kept (default 30)",
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
  POSTGRES_PROGRAMS:
    "optional: folders with PostgreSQL's programs beside PATH and the usual ones, separated as in PATH",
  PUSHGATEWAY_URL: "optional: Prometheus Pushgateway that is told the outcome of every run",
  METRICS_FILE:
    "optional: file the outcome of every run is written to, for the node exporter's textfile collector",
};

const containerName = z
  .string()
  .regex(/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, "3-63 lower-case letters, digits and single hyphens");
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
const connectionString = z
  .string()
  .regex(
    /^(UseDevelopmentStorage=true|.*(BlobEndpoint|AccountName)=.+)/i,
    "an Azure Storage connection string",
  );
const serverUrl = z.string().transform((text, issue): ServerConnection => {
  try {
    return parseServerUrl(text);
  } catch (error) {
    issue.addIssue(messageOf(error));
    return z.NEVER;
  }
});
/** Bearer tokens go over TLS only; an emulator on this machine has none. */
const storeUrl = z
  .url({ protocol: /^https?$/, error: "an https URL" })
  .refine(
    (text) =>
      text.startsWith("https:") ||
      LOOPBACK.some((host) => [host, `[${host}]`].includes(new URL(text).hostname)),
    "an https URL",
  );
const httpUrl = z.url({ protocol: /^https?$/, error: "an http(s) URL" });

const schema = z.object({
  DATABASE_URL: serverUrl.optional(),
  SCRATCH_DATABASE_URL: serverUrl.optional(),
  BACKUP_STORE_URL: storeUrl.optional(),
  BACKUP_STORE_CONNECTION_STRING: connectionString.optional(),
  BACKUP_STORE_SECONDARY_URL: storeUrl.optional(),
  BACKUP_STORE_SECONDARY_CONNECTION_STRING: connectionString.optional(),
  BACKUP_CONTAINER_DAILY: containerName.optional(),
  BACKUP_CONTAINER_MONTHLY: containerName.optional(),
  BACKUP_CONTAINER_EVIDENCE: containerName.optional(),
  BACKUP_CONTAINER_DRILL: containerName.optional(),
  ENVIRONMENT: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, "1-31 lower-case letters, digits and hyphens, starting with a letter")
    .optional(),
  BACKUP_MONTHLY_ACCESS_TIER: z.enum(["Hot", "Cool", "Cold", "Archive"]).default("Cold"),
  RETENTION_DAILY_DAYS: whole(1, 3_650).default(30),
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
  PUSHGATEWAY_URL: httpUrl.optional(),
  METRICS_FILE: z.string().optional(),
});

/** Settings that may come from a mounted file: `DATABASE_URL_FILE=/run/secrets/url`. */
const FROM_FILE = [
  "DATABASE_URL",
  "SCRATCH_DATABASE_URL",
  "BACKUP_STORE_CONNECTION_STRING",
  "BACKUP_STORE_SECONDARY_CONNECTION_STRING",
] as const;

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
  for (const name of FROM_FILE) keepSecret(given[name]);
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(`${issue.path.join(".")}: ${expectation(issue)}`);
  }
  const required = (name: keyof z.infer<typeof schema>) => {
    if (!given[name]) problems.push(`${name}: missing; ${SETTING_HELP[name] ?? ""}`);
  };
  if (needs.includes("database")) required("DATABASE_URL");
  if (needs.includes("store")) {
    if (given.BACKUP_STORE_URL && given.BACKUP_STORE_CONNECTION_STRING) {
      problems.push("BACKUP_STORE_URL: set it or BACKUP_STORE_CONNECTION_STRING, not both");
    } else if (!given.BACKUP_STORE_URL && !given.BACKUP_STORE_CONNECTION_STRING) {
      problems.push("BACKUP_STORE_URL or BACKUP_STORE_CONNECTION_STRING: missing; one of the two is needed");
    }
    required("BACKUP_CONTAINER_DAILY");
  }
  if (given.BACKUP_STORE_SECONDARY_URL && given.BACKUP_STORE_SECONDARY_CONNECTION_STRING) {
    problems.push("BACKUP_STORE_SECONDARY_URL: set it or BACKUP_STORE_SECONDARY_CONNECTION_STRING, not both");
  }
  if (needs.includes("monthly")) required("BACKUP_CONTAINER_MONTHLY");
  if (needs.includes("evidence")) required("BACKUP_CONTAINER_EVIDENCE");
  required("ENVIRONMENT");
  if (problems.length > 0 || !parsed.success) throw new UsageError(problems);

  const value = parsed.data;
  keepSecret(value.DATABASE_URL?.password);
  keepSecret(value.SCRATCH_DATABASE_URL?.password);
  for (const text of [value.BACKUP_STORE_CONNECTION_STRING, value.BACKUP_STORE_SECONDARY_CONNECTION_STRING]) {
    keepSecret(/AccountKey=([^;]+)/i.exec(text ?? "")?.[1]);
  }
  return {
    environment: value.ENVIRONMENT ?? "",
    server: value.DATABASE_URL,
    scratchServer: value.SCRATCH_DATABASE_URL,
    store: value.BACKUP_STORE_CONNECTION_STRING
      ? { connectionString: value.BACKUP_STORE_CONNECTION_STRING }
      : { url: value.BACKUP_STORE_URL ?? "" },
    containers: {
      daily: value.BACKUP_CONTAINER_DAILY ?? "",
      monthly: value.BACKUP_CONTAINER_MONTHLY,
      evidence: value.BACKUP_CONTAINER_EVIDENCE,
      drill: value.BACKUP_CONTAINER_DRILL,
    },
    geoStore: geoStoreOf(value),
    objectives: { rtoSeconds: value.RTO_TARGET, rpoSeconds: value.RPO_TARGET },
    guard: {
      databaseUrl: given.DATABASE_URL ?? "",
      allowedHosts: value.GUARD_ALLOWED_HOSTS,
      tls: value.GUARD_TLS,
    },
    monthlyAccessTier: value.BACKUP_MONTHLY_ACCESS_TIER,
    retention: {
      dailyDays: value.RETENTION_DAILY_DAYS,
      monthlyDays: value.RETENTION_MONTHLY_DAYS,
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
  if (connectionString) return { connectionString };
  return value.BACKUP_STORE_SECONDARY_URL ? { url: value.BACKUP_STORE_SECONDARY_URL } : undefined;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "custom" && /^(is|has|names|contains) /.test(issue.message)) return issue.message;
  if (issue.code === "invalid_value") return `expected one of ${issue.values.join(", ")}`;
  if (issue.code === "invalid_format" && issue.format === "regex") return `expected ${issue.message}`;
  return `expected ${issue.message}`;
}

/** The server of `DATABASE_URL`, for verbs that declared the need. */
export function serverOf(settings: Settings): ServerConnection {
  if (!settings.server) throw new UsageError("DATABASE_URL: missing");
  return settings.server;
}
