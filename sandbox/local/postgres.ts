import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { unprivilegedAccount, type Account } from "../../recovery/postgres/programs";
import { freePort, loopback } from "./ports";
import { serverPrograms } from "./postgresPrograms";
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
  /** The superuser's connection string to another database. */
  urlOf(database: string): string;
  /** Ends the server at once and deletes its data; safe to call twice. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Major version, e.g. 15; default: the newest installed. Fails when it is not installed. */
  version?: number;
  /** Server settings, as in postgresql.conf, added to those of a throwaway server. */
  settings?: Record<string, string>;
  /** PEM files the server offers TLS with; default: in clear only. */
  tls?: { certificate: string; key: string };
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

const superuser = "postgres";

/** Starts an empty PostgreSQL server on a free loopback port, with password authentication, in a temporary folder. */
export async function startPostgres(options: PostgresOptions = {}): Promise<LocalPostgres> {
  const programs = serverPrograms(options.version);
  const account = unprivilegedAccount();
  const password = randomBytes(18).toString("base64url");
  for (let attempt = 1; ; attempt++) {
    const directory = temporaryDirectory("postgres", account);
    const port = await freePort();
    try {
      const dataDir = await initialise(programs.initdb, directory, password, account);
      const settings = { ...options.settings, ...offerTls(options.tls, directory, account) };
      const server = await startSupervised({
        directory,
        account,
        // An immediate shutdown: unlike KILL it also frees the shared memory.
        stopSignal: "QUIT",
        command: [programs.postgres, "-D", dataDir, "-h", loopback, "-p", `${port}`, ...flags(settings)],
      });
      const local = describe(server, dataDir, port, password, programs.version);
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
): Record<string, string> {
  if (!tls) return {};
  const copy = (from: string, name: string) => {
    const to = path.join(directory, name);
    fs.copyFileSync(from, to);
    fs.chmodSync(to, 0o600);
    if (account) fs.chownSync(to, account.uid, account.gid);
    return to;
  };
  return {
    ssl: "on",
    ssl_cert_file: copy(tls.certificate, "cert.pem"),
    ssl_key_file: copy(tls.key, "key.pem"),
  };
}

function flags(settings: Record<string, string> = {}): string[] {
  return Object.entries({ ...throwaway, ...settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function initialise(
  initdb: string,
  directory: string,
  password: string,
  account: Account | undefined,
): Promise<string> {
  const dataDir = path.join(directory, "data");
  const passwordFile = path.join(directory, "password");
  fs.writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account) fs.chownSync(passwordFile, account.uid, account.gid);
  await promisify(execFile)(
    initdb,
    ["-D", dataDir, "-U", superuser, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8"].concat([
      "--locale=C",
      "--no-sync",
      "--no-instructions",
    ]),
    { cwd: directory, ...(account ?? {}) },
  );
  fs.rmSync(passwordFile);
  return dataDir;
}

function describe(
  server: Supervised,
  dataDir: string,
  port: number,
  password: string,
  version: number,
): LocalPostgres {
  const urlOf = (database: string) =>
    `postgresql://${superuser}:${password}@${loopback}:${port}/${encodeURIComponent(database)}`;
  return {
    url: urlOf("postgres"),
    host: loopback,
    port,
    superuser,
    password,
    dataDir,
    pid: server.pid,
    version,
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
