import { parse } from "tldts";
import { z } from "zod";
import { isPrivate, OPERATOR_PREFIX, overlaps, parseCidr } from "../../infra/network/addressing";
import { WEEKDAYS } from "../../packages/azure-facts/maintenance";
import { REGION_NAMES } from "../../infra/regions";
import { isPlaceholder, isTyped } from "./placeholders";
import { utcCron } from "./utcCron";

/** Product every name and tag starts with. */
export const PRODUCT = "forma3d";

/** Text of a form; `allowed` says in words what the pattern accepts, in errors and in the reference. */
export const matching = (pattern: RegExp, allowed: string) =>
  z.string().regex(pattern, allowed).meta({ allowed });

/** A GUID that identifies something, so the all-zero one is refused. */
export const guid = z
  .guid("a GUID such as 1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809")
  .refine((value) => !/^[0-]+$/.test(value), "a GUID other than the all-zero one")
  .refine(
    (value) => !isTyped(value.replaceAll("-", "")),
    "a GUID that was given to something: this one was typed in its place",
  )
  .meta({ allowed: "a GUID" });

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

/** Names that are nobody's on the internet, under ends that exist (RFC 2606, RFC 7686, RFC 8375). */
const NOBODYS = /(^|\.)(example\.(com|net|org)|onion|arpa)$/i;

/** What the public suffix list knows of a name's end (https://publicsuffix.org). */
const suffixOf = (name: string) => parse(name, { allowPrivateDomains: true });

/** Whether a name can be found by everybody: several labels, the last of them an end there is. */
function isPublicName(name: string): boolean {
  const { isIcann, isPrivate } = suffixOf(name);
  return name.includes(".") && (isIcann === true || isPrivate === true) && !NOBODYS.test(name);
}

const EMAIL = "an e-mail address somebody reads";

/** Names of mailboxes that only send, or throw away what they are sent. */
const NOBODY_READS = /^(no-?reply|do-?not-?reply|mailer-daemon|bounces?|devnull|nobody|test)(\+.*)?@/i;

/** Longest name before the @, and longest address, mail can be sent to (RFC 5321, 4.5.3.1); short enough for a tag. */
export const email = z
  .email("an e-mail address")
  .regex(/^.{1,64}@/, "an e-mail address with at most 64 characters before the @")
  .max(254)
  .refine(
    (value) =>
      isPublicName(value.slice(value.lastIndexOf("@") + 1)) &&
      !NOBODY_READS.test(value) &&
      !isPlaceholder(value.slice(0, value.lastIndexOf("@"))),
    EMAIL,
  )
  .meta({ allowed: "an e-mail address" });

/** Below it ports are of other protocols than https, whose own is not written. */
const FIRST_FREE_PORT = 1024;

/** An address of the web that everybody can open: https, a public name, no user, no password. */
export function isPublicUrl(text: string): boolean {
  if (!/^https:\/\/[^\s@]+$/.test(text) || !URL.canParse(text)) return false;
  const { hostname, port } = new URL(text);
  return isPublicName(hostname) && (port === "" || Number(port) >= FIRST_FREE_PORT);
}

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

/**
 * Blocks nobody on the internet has an address in
 * (https://www.iana.org/assignments/iana-ipv4-special-registry). Those for documentation are not among them: the
 * committed stack files stand in for a real one with them.
 */
const NOT_PUBLIC = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  // Azure's own, in every virtual network.
  "168.63.129.16/32",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
];

const isPublic = (block: string): boolean => !NOT_PUBLIC.some((special) => overlaps(special, block));

/** Blocks of which none lies in another. */
export const apart = (block: z.ZodType<string>) =>
  unique(block, String).superRefine((blocks, context) => {
    blocks.forEach((value, index) => {
      const other = blocks.slice(0, index).find((earlier) => earlier !== value && overlaps(earlier, value));
      if (other === undefined) return;
      context.addIssue({
        code: "custom",
        path: [index],
        message: `a block apart from ${other}, which stands in the list`,
        input: value,
      });
    });
  });

const operatorRange = `an IPv4 CIDR block of public addresses without host bits, /${OPERATOR_PREFIX} or smaller, e.g. 203.0.113.0/29`;

/** Addresses operators and runners come from: a public block, small enough to be theirs alone. */
export const operatorCidr = z
  .string()
  .refine((value) => {
    const block = parseCidr(value);
    return block !== undefined && block.prefix >= OPERATOR_PREFIX && isPublic(value);
  }, operatorRange)
  .meta({ allowed: operatorRange });

/** Larger blocks belong to many: no service has more of its addresses in one. */
const SERVICE_PREFIX = 12;

/** A block of public addresses of somebody else's service. */
export const publicCidr = z
  .string()
  .refine(
    (value) => (parseCidr(value)?.prefix ?? 0) >= SERVICE_PREFIX && isPublic(value),
    `an IPv4 CIDR block of public addresses without host bits, /${SERVICE_PREFIX} or smaller, e.g. 203.0.113.0/24`,
  )
  .meta({
    allowed: `an IPv4 CIDR block of public addresses without host bits, /${SERVICE_PREFIX} or smaller`,
  });

/** SHA-256 of nothing. */
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Container image pinned by content, so that what was tested is what runs. */
export const image = matching(
  /^[a-z0-9]+([.-][a-z0-9]+)*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:\w[\w.-]{0,127})?@sha256:[0-9a-f]{64}$/,
  "an image reference pinned by digest: registry/repository[:tag]@sha256:<64 hex digits>",
)
  .refine(
    (reference) => isPublicName((reference.split("/")[0] ?? "").replace(/:\d+$/, "")),
    "an image of a registry with a public name, such as ghcr.io, that every node can reach",
  )
  .refine(
    (reference) => !isTyped(reference.slice(-64)),
    "the digest of an image: this one was typed in its place",
  )
  .refine((reference) => !reference.endsWith(NOTHING), "the digest of an image: this one is of nothing")
  .refine(
    (reference) => Number(/:(\d+)\//.exec(reference)?.[1] ?? 443) < 65536,
    "a registry's port of at most 65535",
  );

/** Longest name a certificate is made out to (RFC 5280, ub-common-name). */
const CERTIFICATE_NAME = 64;

/** Domains in which Microsoft names what it runs for its customers, or for itself. */
const MICROSOFTS =
  /(^|\.)(azurefd\.net|azure\.(com|net)|azurewebsites\.net|windows\.net|trafficmanager\.net|azurecontainerapps\.io|azurestaticapps\.net|azurecr\.io|onmicrosoft\.com|microsoftonline\.com|microsoft\.com|office\.com)$/i;

/**
 * Domains in which others have their mailboxes, are told of alerts, or name what they run, beside those the public suffix
 * list says are shared.
 */
const PLATFORMS =
  /(^|\.)((gmail|googlemail|outlook|hotmail|live|icloud|yahoo|protonmail|fastmail|slack|pagerduty|github)\.com|(gmx|web)\.(de|net)|(proton|pm)\.me|(sentry|nip|sslip)\.io|amazonaws\.(com|eu|com\.cn))$/i;

/** Whether a name lies in a domain that one can buy alone: below an end of the internet's, not of a platform's. */
function isBought(name: string): boolean {
  const { isIcann, domain } = suffixOf(name);
  return isIcann === true && domain !== null && !PLATFORMS.test(name);
}

/** Whether a name is one of Microsoft's own services. */
export const isMicrosofts = (name: string): boolean => MICROSOFTS.test(name);

const dnsName = matching(
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/,
  "a lower-case DNS name",
).max(CERTIFICATE_NAME, `a name of at most ${CERTIFICATE_NAME} characters, as long as a certificate holds`);

/** A host of somebody else's on the internet. */
export const hostName = dnsName.refine(
  (name) => isPublicName(name) && !isMicrosofts(name),
  "a lower-case DNS name everybody can find, and none of Microsoft's services",
);

/** A name the environment answers under itself: of a domain somebody bought, and not of a platform's. */
export const ownHostName = dnsName
  .refine(
    (name) => isPublicName(name) && !isMicrosofts(name) && isBought(name),
    "a lower-case DNS name in a domain of your own",
  )
  // https://learn.microsoft.com/azure/frontdoor/front-door-custom-domain
  .refine(
    (name) => !/(^|\.)xn--/.test(name),
    "a name without xn--: Front Door takes no internationalised names",
  );

function isCron(text: string): boolean {
  try {
    return utcCron(text).nextRun() !== null;
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
  .regex(/^[\d \t*,/-]+$/, "numbers, *, lists, ranges and steps only")
  .refine(
    (text) => !/[7-9]/.test(text.trim().split(/\s+/)[4] ?? ""),
    "0 (Sunday) to 6 as the day of the week",
  )
  .refine(isCron, "values that exist: minute 0-59, hour 0-23, day 1-31, month 1-12, day of the week 0-6")
  .meta({ allowed: "a cron expression of five fields: minute hour day-of-month month day-of-week" });

/** Hundredths of a CPU and up: with less a process does not come to its first answer. Kubernetes knows no finer than 1m. */
export const cpu = matching(
  /^([1-9]\d+m|[1-9]\d*(\.\d{1,3})?|0\.([1-9]\d{0,2}|0[1-9]\d?))$/,
  "a Kubernetes CPU quantity of at least 10m, e.g. 250m, 0.25 or 1",
);

/** With less than 16 MiB no runtime starts. */
export const memory = matching(
  /^((1[6-9]|[2-9]\d|[1-9]\d{2,})Mi|([1-9]\d*(\.\d)?|0\.[1-9])Gi)$/,
  "a Kubernetes memory quantity of at least 16Mi, e.g. 512Mi, 1Gi or 1.5Gi",
);

/** Weekly window in UTC in which Azure may restart things. */
export const weeklyWindow = z
  .strictObject({
    dayOfWeek: z.enum(WEEKDAYS),
    startHour: z.int().min(0).max(23).describe("Hour of the day, UTC."),
  })
  .describe("Weekly maintenance window, UTC.");
