import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { unprivilegedAccount } from "../../programs/postgres";
import { freePort, loopback } from "../../local-servers/ports";
import { startSupervised, temporaryDirectory } from "../../local-servers/supervised";

export interface Pooler {
  /** What Azure offers as 6432. */
  port: number;
  stop(): Promise<void>;
}

const READY_SECONDS = 20;

/** Path of PgBouncer, undefined when it is not installed. */
export function findPooler(searchPath = process.env.PATH ?? ""): string | undefined {
  return [...searchPath.split(path.delimiter), "/usr/sbin", "/opt/homebrew/bin"]
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, "pgbouncer"))
    .find((file) => fs.existsSync(file));
}

/**
 * PgBouncer in front of a server's own name, in transaction mode as Azure's: it logs in with what `users` hold, role
 * by role, and so survives a promotion behind that name. Undefined when PgBouncer is not installed.
 */
export async function startPooler(
  server: { port: number },
  users: Readonly<Record<string, string>>,
): Promise<Pooler | undefined> {
  const program = findPooler();
  if (!program) return undefined;
  const account = unprivilegedAccount();
  const directory = temporaryDirectory("pgbouncer", account);
  const port = await freePort();
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const files = {
    "users.txt": Object.entries(users)
      .map(([role, password]) => `${quote(role)} ${quote(password)}\n`)
      .join(""),
    "pgbouncer.ini": `[databases]
* = host=${loopback} port=${server.port}
[pgbouncer]
listen_addr = ${loopback}
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${path.join(directory, "users.txt")}
pool_mode = transaction
ignore_startup_parameters = extra_float_digits,options
server_login_retry = 1
`,
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    if (account) fs.chownSync(file, account.uid, account.gid);
  }
  const running = await startSupervised({
    directory,
    account,
    stopSignal: "KILL",
    command: [program, "--quiet", path.join(directory, "pgbouncer.ini")],
  });
  const [user, password] = Object.entries(users)[0] ?? ["nobody", ""];
  for (const deadline = Date.now() + READY_SECONDS * 1000; ; await sleep(50)) {
    const client = new Client({ host: loopback, port, user, password, database: "postgres" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return { port, stop: running.stop };
    } catch (error) {
      if (Date.now() < deadline) continue;
      await running.stop();
      throw new Error(`PgBouncer did not answer within ${READY_SECONDS} s: ${running.output()}`, {
        cause: error,
      });
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
