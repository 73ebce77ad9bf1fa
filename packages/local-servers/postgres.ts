import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { unprivilegedAccount, type Account } from "../programs/postgres";
import { freePort, loopback } from "./ports";
import { selfSigned } from "./certificate";
import { copyInstallation } from "./installation";
import { serverPrograms, type ServerPrograms } from "./postgresPrograms";
import { startSupervised, temporaryDirectory, type Supervised } from "./supervised";

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
  /** Seconds to wait for the first connection; default 60. */
  timeoutSeconds?: number;
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

/** Starts an empty PostgreSQL server on a free loopback port, with password authentication, in a temporary folder. */
export async function startPostgres(options: PostgresOptions = {}): Promise<LocalPostgres> {
  const found = options.programs ?? serverPrograms(options.version);
  const account = unprivilegedAccount();
  const owner = {
    name: options.superuser ?? "postgres",
    password: randomBytes(18).toString("base64url"),
    locale: options.locale ?? "C",
  };
  for (let attempt = 1; ; attempt++) {
    const directory = temporaryDirectory("postgres", account);
    const port = await freePort();
    try {
      const limited =
        options.extensions &&
        copyInstallation(found, options.extensions, path.join(directory, "programs"), account);
      const programs = limited ?? found;
      const dataDir = await initialise(programs.initdb, directory, owner, account);
      if (options.access) {
        const access = options.access.map((line) => `${line}\n`).join("");
        fs.writeFileSync(path.join(dataDir, "pg_hba.conf"), access);
      }
      const tls = offerTls(options.tls, directory, account);
      const server = await startSupervised({
        directory,
        account,
        // An immediate shutdown: unlike KILL it also frees the shared memory.
        stopSignal: "QUIT",
        command: [
          ...[programs.postgres, "-D", dataDir, "-h", loopback, "-p", `${port}`],
          ...flags({
            ...options.settings,
            ...(tls && { ssl: "on", ssl_cert_file: tls.certificate, ssl_key_file: tls.key }),
          }),
        ],
      });
      const local = describe(
        server,
        { dataDir, port, version: programs.version, tls },
        owner,
        Boolean(limited),
      );
      await untilReady(local, server, options.timeoutSeconds ?? 60);
      return local;
    } catch (error) {
      fs.rmSync(directory, { recursive: true, force: true });
      if (attempt === 3 || !/could not create any TCP\/IP sockets/.test(String(error))) throw error;
    }
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

interface Owner {
  name: string;
  password: string;
  locale: string;
}

async function initialise(
  initdb: string,
  directory: string,
  owner: Owner,
  account: Account | undefined,
): Promise<string> {
  const dataDir = path.join(directory, "data");
  const passwordFile = path.join(directory, "password");
  fs.writeFileSync(passwordFile, `${owner.password}\n`, { mode: 0o600 });
  if (account) fs.chownSync(passwordFile, account.uid, account.gid);
  await promisify(execFile)(
    initdb,
    [
      ...["-D", dataDir, "-U", owner.name, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8"],
      ...[`--locale=${owner.locale}`, "--no-sync", "--no-instructions"],
    ],
    { cwd: directory, ...(account ?? {}) },
  );
  fs.rmSync(passwordFile);
  return dataDir;
}

function describe(
  server: Supervised,
  facts: Pick<LocalPostgres, "dataDir" | "port" | "version" | "tls">,
  { name, password }: Owner,
  limitsExtensions: boolean,
): LocalPostgres {
  const urlOf = (database: string) =>
    `postgresql://${name}:${password}@${loopback}:${facts.port}/${encodeURIComponent(database)}`;
  return {
    ...facts,
    url: urlOf("postgres"),
    host: loopback,
    superuser: name,
    password,
    pid: server.pid,
    limitsExtensions,
    urlOf,
    stop: server.stop,
  };
}

async function untilReady(local: LocalPostgres, server: Supervised, seconds: number): Promise<void> {
  let code: number | undefined;
  void server.ended.then((value) => (code = value));
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const client = new Client({ connectionString: local.url });
    try {
      await client.connect();
      return;
    } catch (error) {
      if (code !== undefined)
        throw new Error(`postgres ended with exit code ${code}: ${server.output().trim()}`, { cause: error });
      if (Date.now() > deadline) {
        await server.stop();
        throw new Error(
          `postgres did not accept connections within ${seconds} s: ${(error as Error).message}`,
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
