import { domainToASCII } from "node:url";

/** How much TLS a workload's connection must have. */
export const TLS_LEVELS = ["verify-full", "require", "off"] as const;
export type TlsLevel = (typeof TLS_LEVELS)[number];

export interface GuardPolicy {
  environment: string;
  /** Host names a workload of this environment may connect to. */
  allowedHosts: readonly string[];
  tls: TlsLevel;
}

/** A server on the workload's own machine: nothing leaves it, so nothing needs encrypting. */
export const LOOPBACK = ["127.0.0.1", "::1", "localhost"] as const;

const PRODUCTION = ["prod", "production"];
const STRENGTH: Readonly<Record<string, number>> = {
  disable: 0,
  allow: 0,
  prefer: 0,
  require: 1,
  "verify-ca": 1,
  "verify-full": 2,
};
const NEEDED: Readonly<Record<TlsLevel, number>> = { off: 0, require: 1, "verify-full": 2 };

/** One spelling for one host: case, a final dot and Unicode do not make another machine. */
export function canonicalHost(host: string): string {
  const bare = host
    .trim()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
  return bare.startsWith("/") ? bare : domainToASCII(bare) || bare;
}

/**
 * Every host a client may end up at: libpq takes lists, and lets the parameters `host` and `hostaddr` override
 * the authority of the URL, so a URL that shows an allowed host can lead elsewhere.
 */
export function hostsOf(databaseUrl: string): string[] {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(databaseUrl)?.[1] ?? "";
  const query = new URLSearchParams(/\?([^#]*)/.exec(databaseUrl)?.[1] ?? "");
  const listed = authority
    .slice(authority.lastIndexOf("@") + 1)
    .split(",")
    .map((entry) => entry.replace(/:\d*$/, ""));
  const parameters = ["host", "hostaddr"]
    .flatMap((name) => query.getAll(name))
    .flatMap((value) => value.split(","));
  const hosts = [...listed, ...parameters].map((host) => canonicalHost(decodeURIComponent(host)));
  return [...new Set(hosts.filter((host) => host !== ""))];
}

/**
 * The weakest encryption the connection string allows. With several `sslmode`s it is up to the client which one
 * counts, so the weakest does. `sslaccept=strict` is how Prisma asks for a verified certificate.
 */
function encryption(parameters: URLSearchParams): number {
  const modes = parameters.getAll("sslmode");
  const weakest = Math.min(...(modes.length > 0 ? modes : ["prefer"]).map((mode) => STRENGTH[mode] ?? 0));
  return weakest === 1 && parameters.get("sslaccept") === "strict" ? 2 : weakest;
}

/** What is wrong with the connection string itself, before anything is connected. */
export function judgeUrl(databaseUrl: string, policy: GuardPolicy): string[] {
  const allowed = new Set(policy.allowedHosts.map(canonicalHost));
  const strangers = hostsOf(databaseUrl).filter((host) => !allowed.has(host));
  const problems = strangers.map(
    (host) =>
      `${host} is not a database host of ${policy.environment} (allowed: ${policy.allowedHosts.join(", ")})`,
  );
  const parameters = new URLSearchParams(/\?([^#]*)/.exec(databaseUrl)?.[1] ?? "");
  if (encryption(parameters) < NEEDED[policy.tls]) {
    const asked = parameters.getAll("sslmode").join(",") || "(none)";
    problems.push(`the connection string has sslmode=${asked}; needed here: ${policy.tls}`);
  }
  return problems;
}

/** What the connected server says about itself. */
export interface ServerFacts {
  /** Environment the server is marked as; null when it carries no marker. */
  marker: string | null;
  /** TLS version of our connection; null when it is in clear. */
  tls: string | null;
}

export function judgeServer(facts: ServerFacts, policy: GuardPolicy): string[] {
  const problems: string[] = [];
  if (facts.marker === null) {
    problems.push(`the server carries no environment marker (an administrator sets it once: guard --mark)`);
  } else if (facts.marker !== policy.environment) {
    problems.push(`the server is marked ${facts.marker}, this workload belongs to ${policy.environment}`);
  }
  if (policy.tls !== "off" && facts.tls === null) problems.push("the connection is not encrypted");
  return problems;
}

/**
 * The report's §4.4 message. What is not proved to be this environment's database is treated as production's.
 */
export function danger(policy: GuardPolicy, problems: readonly string[]): string {
  const headline = PRODUCTION.includes(policy.environment)
    ? "DANGER: Production environment connected to a database that is not proved to be production's!"
    : "DANGER: Non-production environment connected to production database!";
  return [headline, ...problems.map((problem) => `  ${problem}`)].join("\n");
}
