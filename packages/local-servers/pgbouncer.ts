import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { NotRunError } from "../command/errors";
import { unprivilegedAccount } from "../programs/postgres";
import { freePort, loopback } from "./ports";
import { startSupervised, temporaryDirectory } from "./supervised";

export interface PoolerOptions {
  /** Port of the PostgreSQL server on this machine. */
  serverPort: number;
  /** Roles that may log in, with their passwords; with `lookUp` the one that looks up everybody else. */
  users: ReadonlyMap<string, string>;
  /** Lets in every role of the server with the server's own password, found by this one, a superuser, of `users`. */
  lookUp?: string;
  /** PEM files the pooler offers TLS with; it takes no connection without. */
  tls: { certificate: string; key: string };
  /** Settings of pgbouncer.ini beyond or instead of the defaults. */
  settings?: Record<string, string>;
}

export interface Pooler {
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** @throws NotRunError saying what to install */
export function poolerProgram(): string {
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), "/usr/sbin", "/opt/homebrew/bin"];
  const found = folders.map((folder) => path.join(folder, "pgbouncer")).find((file) => fs.existsSync(file));
  if (found) return found;
  throw new NotRunError(
    "pgbouncer was not found; install it: apt-get install pgbouncer, brew install pgbouncer",
  );
}

/** Settings by the release 1.x that knows them; an older one goes on without. */
const SINCE: Readonly<Record<string, number>> = { max_prepared_statements: 21 };

function minorVersion(program: string): number {
  return Number(
    /PgBouncer 1\.(\d+)/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[1] ?? 0,
  );
}

/** Starts a real PgBouncer in front of a server, on a free loopback port, pooling by transaction as in production. */
export async function startPooler(options: PoolerOptions): Promise<Pooler> {
  const program = poolerProgram();
  const account = unprivilegedAccount();
  const directory = temporaryDirectory("pgbouncer", account);
  const put = (name: string, content: string | Buffer) => {
    const file = path.join(directory, name);
    fs.writeFileSync(file, content, { mode: 0o600 });
    if (account) fs.chownSync(file, account.uid, account.gid);
    return file;
  };
  try {
    const port = await freePort();
    const users = [...options.users].map(([role, password]) => `"${role}" "${password}"\n`).join("");
    const settings = {
      listen_addr: loopback,
      listen_port: String(port),
      unix_socket_dir: "",
      auth_type: "scram-sha-256",
      auth_file: put("users", users),
      client_tls_sslmode: "require",
      client_tls_cert_file: put("server.crt", fs.readFileSync(options.tls.certificate)),
      client_tls_key_file: put("server.key", fs.readFileSync(options.tls.key)),
      server_tls_sslmode: "require",
      log_connections: "0",
      log_disconnections: "0",
      pool_mode: "transaction",
      ...(options.lookUp !== undefined && {
        auth_user: options.lookUp,
        auth_query: "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin",
      }),
      logfile: path.join(directory, "log"),
      ...options.settings,
    };
    const since = Object.keys(settings).filter((name) => (SINCE[name] ?? 0) > minorVersion(program));
    const lines = Object.entries(settings)
      .filter(([name]) => !since.includes(name))
      .map(([name, value]) => `${name} = ${value}`);
    const databases = `[databases]\n* = host=${loopback} port=${options.serverPort}\n`;
    const config = put("pgbouncer.ini", `${databases}[pgbouncer]\n${lines.join("\n")}\n`);
    const server = await startSupervised({
      directory,
      account,
      stopSignal: "KILL",
      // Without --quiet: what it says about a setting it does not know is the only word it leaves.
      command: [program, config],
    });
    const log = () => (fs.existsSync(settings.logfile) ? fs.readFileSync(settings.logfile, "utf8") : "");
    await listening(server.ended, log, server.output);
    return { port, pid: server.pid, stop: server.stop };
  } catch (error) {
    fs.rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function listening(ended: Promise<number>, log: () => string, output: () => string): Promise<void> {
  let code: number | undefined;
  void ended.then((value) => (code = value));
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    if (/process up/.test(log())) return;
    if (code !== undefined)
      throw new Error(`pgbouncer ended with exit code ${code}: ${output().trim()} ${log().trim()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`pgbouncer did not start: ${output().trim()} ${log().trim()}`);
}
