import { Cron } from "croner";
import { z } from "zod";
import { isPrivate, parseCidr } from "../../infra/addressing";
import { WEEKDAYS } from "../../infra/maintenance";
import { REGION_NAMES } from "../../infra/regions";

/** Product every name and tag starts with. */
export const PRODUCT = "forma3d";

/** Text of a form; `allowed` says in words what the pattern accepts, in errors and in the reference. */
export const matching = (pattern: RegExp, allowed: string) =>
  z.string().regex(pattern, allowed).meta({ allowed });

/** A GUID that identifies something, so the all-zero one is refused. */
export const guid = z
  .guid("a GUID such as 1b2c3d4e-0000-4000-8000-000000000000")
  .refine((value) => !/^[0-]+$/.test(value), "a GUID other than the all-zero one");

export const region = z.enum(REGION_NAMES);

/** An IPv4 block in private address space. */
export const privateCidr = z
  .string()
  .refine(
    (value) => parseCidr(value) !== undefined,
    "an IPv4 CIDR block without host bits, e.g. 10.20.0.0/16",
  )
  .refine(
    (value) => parseCidr(value) === undefined || isPrivate(value),
    "a block of private address space (RFC 1918)",
  )
  .meta({ allowed: "private IPv4 CIDR block" });

/** An IPv4 block of any space. */
export const cidr = z
  .string()
  .refine(
    (value) => parseCidr(value) !== undefined,
    "an IPv4 CIDR block without host bits, e.g. 203.0.113.0/29",
  );

/** Container image pinned by content, so that what was tested is what runs. */
export const image = matching(
  /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+(:[\w.-]+)?@sha256:[0-9a-f]{64}$/,
  "an image reference pinned by digest: registry/repository[:tag]@sha256:<64 hex digits>",
);

export const hostName = matching(
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/,
  "a lower-case DNS name",
);

function isCron(text: string): boolean {
  try {
    return new Cron(text, { mode: "5-part", timezone: "UTC", paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

/** Five-field cron expression; evaluated in UTC. */
export const cron = matching(
  /^(\S+\s+){4}\S+$/,
  "a cron expression of five fields: minute hour day-of-month month day-of-week",
)
  // Kubernetes knows neither the extensions of other programs (L, W, #) nor a seventh day.
  .regex(/^[\d\s*,/-]+$/, "numbers, *, lists, ranges and steps only")
  .refine(
    (text) => !/[7-9]/.test(text.trim().split(/\s+/)[4] ?? ""),
    "0 (Sunday) to 6 as the day of the week",
  )
  .refine(isCron, "values that exist: minute 0-59, hour 0-23, day 1-31, month 1-12, day of the week 0-6")
  .meta({ allowed: "a cron expression of five fields: minute hour day-of-month month day-of-week" });

export const cpu = matching(/^([1-9]\d*m|[1-9]\d*(\.\d+)?)$/, "a Kubernetes CPU quantity, e.g. 250m or 1");

export const memory = matching(/^[1-9]\d*(Mi|Gi)$/, "a Kubernetes memory quantity, e.g. 512Mi or 1Gi");

/** Weekly window in UTC in which Azure may restart things. */
export const weeklyWindow = z
  .strictObject({
    dayOfWeek: z.enum(WEEKDAYS),
    startHour: z.int().min(0).max(23).describe("Hour of the day, UTC."),
  })
  .describe("Weekly maintenance window, UTC.");
