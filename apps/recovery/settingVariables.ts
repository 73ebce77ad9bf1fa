import { tmpdir } from "node:os";
import { z } from "zod";
import { messageOf } from "../../packages/command/errors";
import { parseDuration } from "./duration";
import { checkIdentities, recipient } from "./encryption";
import { LOOPBACK, TLS_LEVELS } from "./guard/policy";
import { parseBandwidth } from "./pace";
import { parseServerUrl, type ServerConnection } from "./postgres/connection";
import { connectionString, containerName, secureUrl } from "./targets";

/** Mark of an issue whose message says what is wrong with the value; any other says what the value may be. */
export const FINDING = "finding";
const finding = (message: string) => ({ code: "custom" as const, message, params: { [FINDING]: true } });

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
/** A timer takes no more than 2^31 ms, and goes off at once where it is given more. */
const wait = duration.refine((seconds) => seconds <= 24 * 86_400, "a duration of at most 24d");
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
    issue.addIssue(finding(messageOf(error)));
    return z.NEVER;
  }
});
const httpUrl = z.url({ protocol: /^https?$/, error: "an http(s) URL" });

/** What each variable may hold, its default, and what it is read as. */
export const variables = z.object({
  DATABASE_URL: serverUrl.optional(),
  SCRATCH_DATABASE_URL: serverUrl.optional(),
  BACKUP_STORE_URL: secureUrl.optional(),
  BACKUP_STORE_CONNECTION_STRING: connectionString.optional(),
  BACKUP_STORE_SECONDARY_URL: secureUrl.optional(),
  BACKUP_STORE_SECONDARY_CONNECTION_STRING: connectionString.optional(),
  BACKUP_TARGETS: z.string().optional(),
  BACKUP_TARGET_PATIENCE: wait.default(60),
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
      if (problem) issue.addIssue(finding(problem));
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
  BACKUP_JOBS: whole(1, 16).default(1),
  BACKUP_PARALLEL_DATABASES: whole(1, 8).default(2),
  BACKUP_STALL_TIMEOUT: wait.default(600),
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

export type Variables = z.infer<typeof variables>;
