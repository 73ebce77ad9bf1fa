import fs from "node:fs";
import path from "node:path";
import { Client } from "pg";
import { unprivilegedAccount, type Account } from "../programs/postgres";
import { selfSigned } from "./certificate";
import { makeCluster, type Cluster } from "./cluster";
import { freePort, loopback } from "./ports";
import { serverPrograms, type ServerPrograms } from "./postgresPrograms";
import { startSupervised, temporaryDirectory, whenReady, type Supervised } from "./supervised";

export interface LocalPostgres {
  /** Superuser's connection string to the database `postgres`, password included. */
  url: string;
  host: string;
  port: number;
  superuser: string;
  password: string;
  dataDir: string;
  /** Process id of the postmaster. */
  pid: number;
  /** Major version of the server that runs. */
  version: number;
  /** PEM files the server offers TLS with. */
  tls: { certificate: string; key: string } | undefined;
  /** Whether a role without superuser may create the allowed extensions only. */
  limitsExtensions: boolean;
  /** What filling its cluster told; empty without content. */
  facts: Readonly<Record<string, string>>;
  /** The superuser's connection string to another database. */
  urlOf(database: string): string;
  /** Ends the server at once and deletes its data; safe to call twice. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Major version, e.g. 15; default: the newest installed. Fails when it is not installed. */
  version?: number;
  /** Programs to start instead of those of a version. */
  programs?: ServerPrograms;
  /** Name of the superuser; default `postgres`. */
  superuser?: string;
  /** Locale of the first databases; default `C`. */
  locale?: string;
  /** Extensions a role without superuser may create, and no other; default: those PostgreSQL itself trusts. */
  extensions?: readonly string[];
  /** Lines of pg_hba.conf; default: everybody with a password, with or without TLS. */
  access?: readonly string[];
  /** Server settings, as in postgresql.conf, added to those of a throwaway server. */
  settings?: Record<string, string>;
  /** PEM files the server offers TLS with, or a certificate of its own for `localhost`; default: in clear only. */
  tls?: { certificate: string; key: string } | "self-signed";
  /** What the server's databases hold from the start; default: nothing. */
  content?: ServerContent;
  /** Seconds to wait for the first connection; default 60. */
  timeoutSeconds?: number;
}

/** What a server holds from the start; it is made once and copied for every server. */
export interface ServerContent {
  /** Everything `fill` depends on: another text, another content. */
  key: string;
  /** Fills the first one. @returns what whoever uses a copy has to know, such as passwords */
  fill(server: LocalPostgres): Promise<Record<string, string>>;
}

/** Nothing here must survive a crash, so nothing waits for the disk. */
const throwaway: Record<string, string> = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  unix_socket_directories: "",
  shared_buffers: "64MB",
  max_wal_size: "1GB",
  max_connections: "60",
  log_min_messages: "fatal",
};

/**
 * Starts a PostgreSQL server on a free loopback port, with password authentication, in a temporary folder: empty, or with
 * the content given. What its cluster is made of is set up once on a machine, and copied from then on.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<LocalPostgres> {
  const programs = options.programs ?? serverPrograms(options.version);
  const account = unprivilegedAccount();
  const { content, extensions, access } = options;
  const superuser = options.superuser ?? "postgres";
  const locale = options.locale ?? "C";
  for (let attempt = 1; ; attempt++) {
    const directory = temporaryDirectory("postgres", account);
    try {
      const cluster = await makeCluster(
        { programs, superuser, locale, extensions, access, account, content },
        directory,
        (empty) => fillOnce(empty, { ...options, superuser }, account),
      );
      const { local } = await launch(cluster, { ...options, superuser }, directory, account);
      return local;
    } catch (error) {
      fs.rmSync(directory, { recursive: true, force: true });
      if (attempt === 3 || !/could not create any TCP\/IP sockets/.test(String(error))) throw error;
    }
  }
}

type Launch = PostgresOptions & { superuser: string };

/** A server on a cluster, answering. Its process's own folder is deleted when it has ended. */
async function launch(
  cluster: Cluster,
  options: Launch,
  directory: string,
  account: Account | undefined,
): Promise<{ local: LocalPostgres; server: Supervised }> {
  const port = await freePort();
  const tls = offerTls(options.tls, directory, account);
  const server = await startSupervised({
    directory,
    account,
    // An immediate shutdown: unlike KILL it also frees the shared memory.
    stopSignal: "QUIT",
    command: [
      ...[cluster.programs.postgres, "-D", cluster.dataDir, "-h", loopback, "-p", `${port}`],
      ...flags({
        ...options.settings,
        ...(tls && { ssl: "on", ssl_cert_file: tls.certificate, ssl_key_file: tls.key }),
      }),
    ],
  });
  const local = describe(server, cluster, { port, tls, superuser: options.superuser });
  await untilReady(local, server, options.timeoutSeconds ?? 60);
  return { local, server };
}

/** Under the settings of a throwaway server alone: those asked for may need what is yet to be filled in. */
async function fillOnce(
  empty: Cluster,
  { content, tls, superuser, timeoutSeconds }: Launch,
  account: Account | undefined,
): Promise<Record<string, string>> {
  if (!content) return {};
  const directory = temporaryDirectory("postgres", account);
  try {
    const { local, server } = await launch(empty, { tls, superuser, timeoutSeconds }, directory, account);
    try {
      const facts = await content.fill(local);
      // In order: what is copied afterwards needs no recovery.
      process.kill(server.pid, "SIGINT");
      await server.gone();
      return facts;
    } finally {
      await server.stop();
    }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** The server reads its own copies, because it refuses a key that another account could read. */
function offerTls(
  tls: PostgresOptions["tls"],
  directory: string,
  account: Account | undefined,
): LocalPostgres["tls"] {
  if (!tls) return undefined;
  const copy = (from: string, name: string) => {
    const to = path.join(directory, name);
    fs.copyFileSync(from, to);
    fs.chmodSync(to, 0o600);
    if (account) fs.chownSync(to, account.uid, account.gid);
    return to;
  };
  const from = tls === "self-signed" ? selfSigned(directory) : tls;
  return { certificate: copy(from.certificate, "cert.pem"), key: copy(from.key, "key.pem") };
}

function flags(settings: Record<string, string> = {}): string[] {
  return Object.entries({ ...throwaway, ...settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

function describe(
  server: Supervised,
  { dataDir, programs, limitsExtensions, password, facts }: Cluster,
  { port, tls, superuser }: Pick<LocalPostgres, "port" | "tls" | "superuser">,
): LocalPostgres {
  const urlOf = (database: string) =>
    `postgresql://${superuser}:${password}@${loopback}:${port}/${encodeURIComponent(database)}`;
  return {
    dataDir,
    port,
    tls,
    superuser,
    password,
    limitsExtensions,
    facts,
    version: programs.version,
    url: urlOf("postgres"),
    host: loopback,
    pid: server.pid,
    urlOf,
    stop: server.stop,
  };
}

async function untilReady(local: LocalPostgres, server: Supervised, seconds: number): Promise<void> {
  let refusal: Error | undefined;
  const accepts = async (): Promise<boolean> => {
    const client = new Client({ connectionString: local.url });
    try {
      await client.connect();
      return true;
    } catch (error) {
      refusal = error as Error;
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  try {
    await whenReady("postgres", server, seconds, accepts);
  } catch (error) {
    await server.stop();
    throw new Error([(error as Error).message, refusal?.message].join(" ").trim(), { cause: error });
  }
}
