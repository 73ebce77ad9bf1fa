import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { messageOf, NotRunError } from "../../../packages/command/errors";
import { childEnvironment, complaint, startProgram, succeed } from "../process";
import { connect, disconnect, withClient } from "./connect";
import type { ServerConnection } from "./connection";
import { AMCHECK, provisionAs, type Provision } from "./provision";
import { findServer, unprivilegedAccount, type Account } from "../../../packages/programs/postgres";
import { SUPERVISOR } from "../../../packages/programs/supervisor";
import { waitFor } from "../../../packages/programs/waiting";

/** Nothing here outlives the check, so nothing waits for a disk. */
const SETTINGS: Readonly<Record<string, string>> = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  autovacuum: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  archive_mode: "off",
  max_wal_size: "1GB",
  checkpoint_timeout: "1h",
  shared_buffers: "64MB",
  listen_addresses: "",
  max_connections: "80",
  max_locks_per_transaction: "1024",
  logging_collector: "off",
  log_min_messages: "warning",
};
const START_SECONDS = 60;
/** Unlike a kill it also gives shared memory back. */
const IMMEDIATE_SHUTDOWN = "QUIT";

const SUPERUSER = "postgres";
/** Restores on a throwaway server. */
const RESTORER = "recovery_scratch";

export interface ScratchServer {
  /**
   * Connection to the database `postgres`, over a socket nobody else can open, of a role that may make databases and see
   * every row, and is no superuser: code in a backup runs as it.
   */
  server: ServerConnection;
  version: string;
  provision: Provision;
  /** Makes a role without login. @throws DatabaseError when it is there */
  createRole(name: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts an empty throwaway server, reachable over a Unix socket only.
 * @param wantedMajor major version of the server the backup came from; the next newer one will do
 * @throws NotRunError when the programs are missing or the server does not start
 */
export async function startScratchServer(options: {
  wantedMajor: number;
  directory: string;
  signal: AbortSignal;
}): Promise<ScratchServer> {
  const { postgres, initdb } = findServer(options.wantedMajor);
  const account = unprivilegedAccount();
  const directory = makeDirectory(options.directory, account);
  const data = path.join(directory, "data");
  const superuser = connectionAs(SUPERUSER, directory);
  const initdbRun = startProgram(
    initdb.path,
    [
      "-D",
      data,
      "-U",
      SUPERUSER,
      // Code in a backup finds the socket too.
      "-A",
      "scram-sha-256",
      `--pwfile=${passwordFile(superuser, directory, account)}`,
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync",
      "--no-instructions",
    ],
    {
      env: childEnvironment({ LC_MESSAGES: "C" }),
      signal: options.signal,
      cwd: directory,
      stdio: ["ignore", "ignore", "pipe"],
      ...account,
    },
  );
  try {
    await succeed(initdbRun, "initdb");
  } catch (error) {
    // Only now: initdb, and the server it runs, still write into the folder until their streams are closed.
    rmSync(directory, { recursive: true, force: true });
    options.signal.throwIfAborted();
    throw new NotRunError(`the scratch server could not be set up: ${messageOf(error)}`);
  }
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  // Not tied to the caller's signal: a killed shell could not stop the server it watches.
  const running = startProgram(
    "/bin/sh",
    [
      "-c",
      SUPERVISOR,
      "sh",
      IMMEDIATE_SHUTDOWN,
      directory,
      postgres.path,
      "-D",
      data,
      "-k",
      directory,
      ...settings,
    ],
    {
      signal: new AbortController().signal,
      cwd: directory,
      // A session of its own: Ctrl-C reaches us alone, and we stop the server in order.
      detached: true,
      stdio: ["pipe", "ignore", "pipe"],
      ...account,
    },
  );
  let ended = false;
  void running.ended.then(() => (ended = true));
  const stop = async () => {
    running.child.stdin?.destroy();
    await running.ended;
    rmSync(directory, { recursive: true, force: true });
  };
  running.child.stdin?.on("error", () => undefined);
  const server = connectionAs(RESTORER, directory);
  const isUp = (): boolean | Promise<boolean> => {
    options.signal.throwIfAborted();
    if (ended) throw new NotRunError(`the scratch server ended at once: ${complaint(running.stderr())}`);
    return existsSync(path.join(directory, ".s.PGSQL.5432")) && answers(superuser);
  };
  try {
    if (!(await waitFor(isUp, START_SECONDS, 20)))
      throw new NotRunError(`the scratch server did not start within ${START_SECONDS} s`);
    await createRestorer(superuser, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    server,
    version: postgres.version,
    provision: provisionAs(superuser, server.user, [AMCHECK]),
    createRole: (name) =>
      withClient(superuser, async (client) => {
        await client.query(`CREATE ROLE ${client.escapeIdentifier(name)} NOLOGIN`);
      }),
    stop,
  };
}

const connectionAs = (user: string, directory: string): ServerConnection => ({
  host: directory,
  port: 5432,
  user,
  password: randomBytes(18).toString("base64url"),
  database: "postgres",
  sslMode: "disable",
});

/** Goes with the folder, which nobody else may enter. */
function passwordFile({ password }: ServerConnection, directory: string, account?: Account): string {
  const file = path.join(directory, "password");
  writeFileSync(file, `${password ?? ""}\n`, { mode: 0o600 });
  if (account) chownSync(file, account.uid, account.gid);
  return file;
}

/**
 * The role that restores: as the administrator of a managed server it is no superuser and reads what the server tells
 * of itself, and it may make no role, which before PostgreSQL 16 would let it be anybody.
 */
async function createRestorer(superuser: ServerConnection, server: ServerConnection): Promise<void> {
  await withClient(superuser, async (client) => {
    const role = client.escapeIdentifier(server.user);
    const password = client.escapeLiteral(server.password ?? "");
    await client.query(
      `CREATE ROLE ${role} LOGIN CREATEDB BYPASSRLS PASSWORD ${password}; GRANT pg_monitor TO ${role}`,
    );
  });
}

async function answers(server: ServerConnection): Promise<boolean> {
  try {
    await disconnect(await connect(server));
    return true;
  } catch {
    return false;
  }
}

function makeDirectory(parent: string, account: { uid: number; gid: number } | undefined): string {
  let directory: string;
  try {
    directory = mkdtempSync(path.join(parent, "recovery-scratch-"));
    if (account) chownSync(directory, account.uid, account.gid);
  } catch (error) {
    throw new NotRunError(`no scratch folder can be made in ${parent} (SCRATCH_DIR): ${messageOf(error)}`);
  }
  // The kernel's limit of a socket's path is 107 bytes.
  if (Buffer.byteLength(path.join(directory, ".s.PGSQL.5432")) > 107) {
    rmSync(directory, { recursive: true, force: true });
    throw new NotRunError(
      `${parent} (SCRATCH_DIR) is too long a path for a Unix socket; use one under 80 bytes`,
    );
  }
  return directory;
}
