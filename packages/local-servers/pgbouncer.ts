import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { NotRunError } from "../command/errors";
import { unprivilegedAccount } from "../programs/postgres";
import { onPath } from "./onPath";
import { freePort, loopback } from "./ports";
import { startSupervised, temporaryDirectory, whenReady } from "./supervised";

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
function poolerProgram(): string {
  const found = onPath("pgbouncer", ["/usr/sbin", "/opt/homebrew/bin"]);
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
    const output = () => `${server.output().trim()} ${log()}`;
    await whenReady("pgbouncer", { output, ended: server.ended }, 20, () => /process up/.test(log()));
    return { port, pid: server.pid, stop: server.stop };
  } catch (error) {
    fs.rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}
