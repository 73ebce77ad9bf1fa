import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type QueryResultRow } from "pg";
import { freePort, loopback } from "../../local-servers/ports";
import { startSupervised, type Supervised } from "../../local-servers/supervised";
import { PROVIDER_ROLE, type Home } from "./home";
import { waitFor } from "../../programs/waiting";

/** Settings of a server: what postgresql.conf calls them, without quotes. */
export type Settings = Record<string, string>;

/** Only the disk's own death would lose anything, and the folder ends with the cloud: nothing waits for the disk. */
const HERE: Settings = {
  fsync: "off",
  unix_socket_directories: "",
  shared_buffers: "32MB",
  max_connections: "80",
  wal_level: "logical",
  wal_keep_size: "512MB",
  max_wal_size: "256MB",
  // The first checkpoint of a promoted server is waited for.
  checkpoint_completion_target: "0",
  archive_mode: "on",
  log_min_messages: "fatal",
  wal_receiver_timeout: "5s",
  wal_sender_timeout: "5s",
  wal_retrieve_retry_interval: "200ms",
};

const READY_SECONDS = 60;

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** One PostgreSQL process with its data: a server of the cloud has one, and a second in another zone if it wants. */
export class Instance {
  private process: Supervised | undefined;
  private listensOn: number | undefined;
  private expected = false;
  /** Called when the process ends and nobody had asked it to. */
  onCrash: () => void = () => undefined;

  private constructor(
    private readonly home: Home,
    readonly dataDir: string,
  ) {}

  /** A new, empty database system. */
  static async create(home: Home, name: string): Promise<Instance> {
    const instance = new Instance(home, home.directory(name));
    const passwordFile = path.join(home.folder, `${path.basename(instance.dataDir)}.password`);
    home.write(passwordFile, `${home.password}\n`);
    await home.run("initdb", [
      ...["-D", instance.dataDir, "-U", PROVIDER_ROLE, "-A", "scram-sha-256", "--pwfile", passwordFile],
      ...["-E", "UTF8", "--locale=C", "--data-checksums", "--no-sync", "--no-instructions"],
    ]);
    fs.rmSync(passwordFile);
    fs.appendFileSync(path.join(instance.dataDir, "postgresql.conf"), "\ninclude_if_exists 'cloud.conf'\n");
    if (home.access) home.write(path.join(instance.dataDir, "pg_hba.conf"), `${home.access.join("\n")}\n`);
    return instance;
  }

  /** A copy of a running instance, taken over the wire. */
  static async copyOf(home: Home, name: string, port: number): Promise<Instance> {
    const instance = new Instance(home, home.directory(name));
    await instance.copyAgain(port);
    return instance;
  }

  /** A copy of a base backup, to be recovered. */
  static fromBackup(home: Home, name: string, backup: string): Instance {
    const instance = new Instance(home, home.directory(name));
    fs.cpSync(backup, instance.dataDir, { recursive: true, preserveTimestamps: true });
    if (home.account) own(instance.dataDir, home.account);
    fs.chmodSync(instance.dataDir, 0o700);
    return instance;
  }

  /** Port of loopback it listens on, undefined while it does not run. */
  get port(): number | undefined {
    return this.listensOn;
  }

  /** Process id of the postmaster. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** What differs from server to server; a running instance reads it again. */
  configure(settings: Settings): void {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoted(value)}\n`);
    this.home.write(path.join(this.dataDir, "cloud.conf"), lines.join(""));
    if (this.process) process.kill(this.process.pid, "SIGHUP");
  }

  /** Whether the next start begins as a standby, or as one that recovers from an archive and then opens. */
  startsAs(role: "primary" | "standby" | "recovering"): void {
    for (const file of ["standby.signal", "recovery.signal"])
      fs.rmSync(path.join(this.dataDir, file), { force: true });
    if (role === "primary") return;
    this.home.write(path.join(this.dataDir, role === "standby" ? "standby.signal" : "recovery.signal"), "");
  }

  async start(): Promise<void> {
    if (this.process) return;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.startOnce();
      } catch (error) {
        // Somebody else took the port, or a killed server's children still hold its memory.
        const passing = /could not create any TCP\/IP sockets|is still in use|lock file/.test(String(error));
        if (!passing || attempt === 20) throw error;
        await sleep(100);
      }
    }
  }

  private async startOnce(): Promise<void> {
    const port = await freePort();
    const server = await startSupervised({
      directory: this.home.directory("run"),
      account: this.home.account,
      stopSignal: "QUIT",
      command: [
        ...[this.home.program("postgres"), "-D", this.dataDir, "-h", loopback, "-p", `${port}`],
        ...Object.entries({ ...HERE, ...tlsOf(this.home) }).flatMap(([name, value]) => [
          "-c",
          `${name}=${value}`,
        ]),
      ],
    });
    this.process = server;
    this.listensOn = port;
    this.expected = false;
    void server.ended.then(() => {
      if (this.process !== server) return;
      this.process = undefined;
      this.listensOn = undefined;
      if (!this.expected) this.onCrash();
    });
    let cause: unknown;
    const answers = () =>
      this.query("SELECT 1").then(
        () => true,
        (error: unknown) => {
          cause = error;
          if (!this.process) throw new Error(`postgres ended at once: ${server.output().trim()}`, { cause });
          return false;
        },
      );
    if (await waitFor(answers, READY_SECONDS, 30)) return;
    await this.stop("immediate");
    throw new Error(`postgres did not answer within ${READY_SECONDS} s`, { cause });
  }

  /**
   * Ends the process. "fast" ends sessions, writes a checkpoint and sends the rest of its log to those who follow;
   * "immediate" and "crash" write nothing more, the latter as if its machine had died.
   */
  async stop(how: "fast" | "immediate" | "crash"): Promise<void> {
    const server = this.process;
    if (!server) return;
    this.expected = true;
    process.kill(
      server.pid,
      { fast: "SIGINT", immediate: "SIGQUIT", crash: "SIGKILL" }[how] as NodeJS.Signals,
    );
    await server.gone();
  }

  /** The process dies as if its machine had; nobody is told, so that whoever watches finds out by itself. */
  async crash(): Promise<void> {
    const server = this.process;
    if (!server) return;
    process.kill(server.pid, "SIGKILL");
    await server.gone();
  }

  /** Rows of one statement, as the provider. @throws Error when it does not run or refuses */
  async query<T extends QueryResultRow>(
    text: string,
    values: unknown[] = [],
    database = "postgres",
  ): Promise<T[]> {
    if (this.listensOn === undefined) throw new Error("the server does not run");
    const client = new Client({
      host: loopback,
      port: this.listensOn,
      user: PROVIDER_ROLE,
      password: this.home.password,
      database,
      connectionTimeoutMillis: 10_000,
    });
    // A server that ends while we ask also breaks the connection: the query's own error says so.
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query<T>(text, values)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Opens a standby for writing, on a timeline of its own. */
  async promote(): Promise<void> {
    await this.query("SELECT pg_promote(true, 60)");
    this.startsAs("primary");
    // Until then its control file names the old timeline, and pg_rewind believes that.
    await this.query("CHECKPOINT");
  }

  /** Gives up what the instance at `port` never had; copies all of it anew where that cannot be told. Must be stopped. */
  async rewindTo(port: number): Promise<"rewound" | "copied"> {
    try {
      await this.home.run("pg_rewind", ["-D", this.dataDir, "--source-server", sourceOf(port), "--no-sync"]);
      return "rewound";
    } catch {
      await this.copyAgain(port);
      return "copied";
    }
  }

  /** Its data, all of it, taken anew from the instance at `port`. Must be stopped. */
  async copyAgain(port: number): Promise<void> {
    for (const entry of fs.readdirSync(this.dataDir))
      fs.rmSync(path.join(this.dataDir, entry), { recursive: true, force: true });
    await this.home.run("pg_basebackup", [
      ...["-D", this.dataDir, "-d", sourceOf(port), "-X", "stream", "-c", "fast", "--no-sync"],
    ]);
  }

  /** Ends it and deletes its data. */
  async delete(): Promise<void> {
    await this.stop("immediate");
    fs.rmSync(this.dataDir, { recursive: true, force: true });
  }
}

function tlsOf({ certificate: files }: Home): Settings {
  return files ? { ssl: "on", ssl_cert_file: files.certificate, ssl_key_file: files.key } : {};
}

const sourceOf = (port: number): string =>
  `host=${loopback} port=${port} user=${PROVIDER_ROLE} dbname=postgres`;

function own(folder: string, account: { uid: number; gid: number }): void {
  fs.chownSync(folder, account.uid, account.gid);
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) own(file, account);
    else fs.lchownSync(file, account.uid, account.gid);
  }
}
