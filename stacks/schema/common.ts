import { Cron } from "croner";
import { z } from "zod";
import ipaddr from "ipaddr.js";
import { isPrivate, OPERATOR_PREFIX, parseCidr } from "../../infra/network/addressing";
import { WEEKDAYS } from "../../packages/azure-facts/maintenance";
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

/** One of a table's names. Long tables are not listed in errors: the reference and the nearest names are shown. */
export const nameOf = (known: ReadonlyMap<string, unknown>, allowed: string) =>
  z
    .string()
    .refine((value) => known.has(value), {
      error: ({ input }) => `${allowed}${near([...known.keys()], String(input))}`,
    })
    .meta({ allowed });

/** Names of the same series: those that differ in digits only. */
function near(known: readonly string[], wanted: string): string {
  const shape = (name: string): string => name.replace(/\d+/, "#").toLowerCase();
  const same = known.filter((name) => shape(name) === shape(wanted));
  return same.length > 0 ? `; of this series ${same.join(", ")}` : "";
}

/** A list in which nothing stands twice, also not in other letters. */
export const unique = <Element extends z.ZodType>(
  element: Element,
  key: (item: z.output<Element>) => string,
) =>
  z.array(element).superRefine((items, context) => {
    const seen = new Set<string>();
    items.forEach((item, index) => {
      const name = key(item).toLowerCase();
      if (seen.has(name)) {
        context.addIssue({ code: "custom", path: [index], message: "each entry once", input: item });
      }
      seen.add(name);
    });
  });

/** Longest address mail can be sent to (RFC 5321, 4.5.3.1.3), and short enough for a tag. */
export const email = z.email("an e-mail address").max(254).meta({ allowed: "an e-mail address" });

/** A day since the product exists. */
export const day = z.iso
  .date()
  .refine((value) => value >= "2024-01-01", "a day since 2024-01-01, written like 2026-02-05")
  .meta({ allowed: "a day since 2024-01-01, written like 2026-02-05" });

/** An instant since the product exists. */
export const instant = z.iso
  .datetime()
  .refine((value) => value >= "2024-01-01", "an instant since 2024, in UTC, e.g. 2026-02-05T03:40:00Z")
  .meta({ allowed: "an instant in UTC, e.g. 2026-02-05T03:40:00Z" });

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

/** Kinds of addresses nobody on the internet has. */
const NOT_PUBLIC = [
  "private",
  "loopback",
  "linkLocal",
  "carrierGradeNat",
  "multicast",
  "broadcast",
  "unspecified",
];

function isPublic(block: string): boolean {
  return !NOT_PUBLIC.includes(ipaddr.parse(block.split("/")[0] ?? "").range());
}

const operatorRange = `an IPv4 CIDR block of public addresses without host bits, /${OPERATOR_PREFIX} or smaller, e.g. 203.0.113.0/29`;

/** Addresses operators and runners come from: a public block, small enough to be theirs alone. */
export const operatorCidr = z
  .string()
  .refine((value) => {
    const block = parseCidr(value);
    return block !== undefined && block.prefix >= OPERATOR_PREFIX && isPublic(value);
  }, operatorRange)
  .meta({ allowed: operatorRange });

/** A block of public addresses of somebody else's service. */
export const publicCidr = z
  .string()
  .refine(
    (value) => (parseCidr(value)?.prefix ?? 0) >= 8 && isPublic(value),
    "an IPv4 CIDR block of public addresses without host bits, /8 or smaller, e.g. 203.0.113.0/24",
  )
  .meta({ allowed: "an IPv4 CIDR block of public addresses without host bits, /8 or smaller" });

/** Container image pinned by content, so that what was tested is what runs. */
export const image = matching(
  /^[a-z0-9]+([.-][a-z0-9]+)*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[\w.-]+)?@sha256:(?!([0-9a-f])\5{63}$)[0-9a-f]{64}$/,
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
