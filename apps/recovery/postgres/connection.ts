import { existsSync, readFileSync } from "node:fs";
import type { ClientConfig } from "pg";

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type SslMode = (typeof SSL_MODES)[number];

/** A PostgreSQL server and the role to use there, as one URL says it. */
export interface ServerConnection {
  host: string;
  port: number;
  user: string;
  password?: string;
  /** The database the URL names. */
  database: string;
  sslMode: SslMode;
  sslRootCert?: string;
}

const SYSTEM_CA_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];
const CONNECT_SECONDS = 10;

/**
 * Session settings under which a value has one text form, whatever the server's, database's or role's defaults.
 * pg_dump and the check after a restore must run under the same ones.
 */
export const CANONICAL_SETTINGS: Readonly<Record<string, string>> = {
  // Off, a NULL in an array is read as the text "NULL".
  array_nulls: "on",
  bytea_output: "hex",
  datestyle: "ISO,MDY",
  extra_float_digits: "3",
  intervalstyle: "postgres",
  lc_monetary: "C",
  // Names are compared as pg_dump writes them; a server may want all of them quoted.
  quote_all_identifiers: "off",
  // Off, pg_dump doubles every backslash in the texts and names that it quotes.
  standard_conforming_strings: "on",
  timezone: "UTC",
  xmloption: "content",
};

/**
 * Limits and modes that a database or a role may set for requests. They are given when a session starts: a limit of
 * milliseconds would end it before it could say anything. `transaction_timeout` is not among them, because a server
 * before release 17 refuses a session that names it.
 */
export const UNHURRIED: Readonly<Record<string, string>> = {
  default_transaction_deferrable: "off",
  default_transaction_isolation: "read committed",
  default_transaction_read_only: "off",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  lock_timeout: "0",
  statement_timeout: "0",
};

/** Settings as the start of a session takes them. */
export const startOptions = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/([\\ ])/g, "\\$1")}`)
    .join(" ");

const isLocal = (host: string) => host.startsWith("/") || ["localhost", "127.0.0.1", "::1"].includes(host);

/**
 * Parses `postgresql://<role>:<password>@<host>:5432/<database>?sslmode=require`. Without `sslmode` a server on this
 * machine is reached in clear and any other over TLS. Parameters of other clients (Prisma's `schema`) are ignored.
 * @throws Error naming what is missing, without the URL itself: it holds the password
 */
export function parseServerUrl(text: string): ServerConnection {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error("is not a URL; expected postgresql://<role>:<password>@<host>:5432/<database>");
  }
  if (!/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Error(`has the scheme ${url.protocol}//; expected postgresql://`);
  }
  const decode = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new Error("contains a % that is not followed by two hexadecimal digits; write it as %25");
    }
  };
  const parameter = (name: string) => url.searchParams.get(name) ?? undefined;
  const host = parameter("host") ?? decode(url.hostname.replace(/^\[|\]$/g, ""));
  const user = decode(url.username) || parameter("user") || "";
  const database = decode(url.pathname.replace(/^\//, ""));
  if (!host) throw new Error("names no host");
  if (!user) throw new Error("names no role");
  if (!database) throw new Error("names no database");
  const sslMode = parameter("sslmode") ?? (isLocal(host) ? "disable" : "require");
  if (!SSL_MODES.includes(sslMode as SslMode)) {
    throw new Error(`has sslmode=${sslMode}; allowed: ${SSL_MODES.join(", ")}`);
  }
  return {
    host,
    port: Number(parameter("port") ?? (url.port || 5432)),
    user,
    password: decode(url.password) || parameter("password"),
    database,
    sslMode: sslMode as SslMode,
    sslRootCert: parameter("sslrootcert") ?? SYSTEM_CA_BUNDLES.find(existsSync),
  };
}

/** The same server, another database. */
export function withDatabase(server: ServerConnection, database: string): ServerConnection {
  return { ...server, database };
}

/** `host:5432/database` for messages: no role, no password. */
export function describeServer(server: ServerConnection): string {
  return `${server.host}:${server.port}/${server.database}`;
}

function ssl(server: ServerConnection): ClientConfig["ssl"] {
  switch (server.sslMode) {
    case "disable":
    case "allow":
    case "prefer":
      return false;
    case "require":
      return { rejectUnauthorized: false };
    default: {
      const ca = server.sslRootCert ? readFileSync(server.sslRootCert, "utf8") : undefined;
      return server.sslMode === "verify-full"
        ? { ca, rejectUnauthorized: true }
        : { ca, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    }
  }
}

/** Configuration of a `pg` client. */
export function clientConfig(server: ServerConnection): ClientConfig {
  return {
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database: server.database,
    ssl: ssl(server),
    application_name: "recovery",
    connectionTimeoutMillis: CONNECT_SECONDS * 1000,
    keepAlive: true,
  };
}

/** Environment of a libpq program: no secret on a command line, where every process could read it. */
export function programEnvironment(
  server: ServerConnection,
  settings: Record<string, string> = {},
): NodeJS.ProcessEnv {
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSWORD: server.password ?? "",
    PGDATABASE: server.database,
    PGSSLMODE: server.sslMode,
    ...(server.sslMode.startsWith("verify") && server.sslRootCert
      ? { PGSSLROOTCERT: server.sslRootCert }
      : {}),
    PGCONNECT_TIMEOUT: String(CONNECT_SECONDS),
    PGAPPNAME: "recovery",
    PGOPTIONS: startOptions({ ...CANONICAL_SETTINGS, ...UNHURRIED, ...settings }),
    // Messages are matched by the runner, so they must come in one language.
    LC_MESSAGES: "C",
    LANGUAGE: "C",
  };
}
