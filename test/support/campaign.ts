import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { runBackup } from "../../apps/recovery/commands/backup";
import { runCopy } from "../../apps/recovery/commands/copy";
import { runPrune } from "../../apps/recovery/commands/prune";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runVerify } from "../../apps/recovery/commands/verify";
import type { RunContext } from "../../apps/recovery/context";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import { CommandError, messageOf } from "../../packages/command/errors";
import { silent } from "../../apps/recovery/progress";
import { proveCopies } from "../../apps/recovery/proveCopies";
import { loadSettings, type Settings } from "../../apps/recovery/settings";
import { isVerified } from "../../apps/recovery/store/catalogue";
import { openTargets, readFleet, type Place } from "../../apps/recovery/store/fleet";
import type { CatalogueEntry, Manifest } from "../../apps/recovery/types";
import type { LocalS3 } from "../../packages/local-servers/s3";
import { randomOf } from "./random";
import type { PlatformLab } from "./recoveryLab";
import { azureTarget, folderTarget, s3Target, type Files, type keyPair } from "./targets";
import type { UnreliableLink } from "./unreliableLink";

/** What every case of a campaign uses; each has targets of its own, so that any can be run again by its number. */
export interface CampaignGround {
  lab: PlatformLab;
  s3: LocalS3;
  files: Files;
  keys: ReturnType<typeof keyPair>;
  /** Before the blob server, the S3 server and the database server. */
  links: { azure: UnreliableLink; s3: UnreliableLink; database: UnreliableLink };
}

const PROGRAMS = ["pg_dump", "pg_restore", "zstd", "age"];
const OPERATIONS = ["backup", "copy", "verify", "restore", "prune"] as const;

/** Our own children by name. */
function children(): { pid: number; name: string; state: string }[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const [, name = "", state = "", parent] =
        /^\d+ \((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      return Number(parent) === process.pid && PROGRAMS.includes(name)
        ? [{ pid: Number(pid), name, state }]
        : [];
    } catch {
      return [];
    }
  });
}

/** What a journal keeps of one case. Everything random in it comes from seed and case. */
export interface CaseRecord {
  seed: number;
  case: number;
  operation: string;
  fault: string;
  /** Kind of the target behind the link; the other one is a folder. */
  target: string;
  encrypted: boolean;
  /** Whether sessions of the runner read the tables for a backup. */
  several: boolean;
  milliseconds: number;
  /** How the operation ended: `done`, or the error it ended with. */
  ended: string;
  /** Empty when nothing was wrong. */
  problems: string[];
  /** Only with problems: what every run said, each with the milliseconds since the case began. */
  trace?: string[];
}

/** One case: two targets, one operation, one fault. */
class Case {
  readonly problems: string[] = [];
  readonly trace: string[] = [];
  readonly about = { operation: "", target: "", encrypted: false, several: false, ended: "done" };
  private readonly began = Date.now();
  /** `target id` of copies that were damaged. */
  private readonly spoiled = new Set<string>();
  private readonly stored = new Set<string>();
  /** Stored, and prune may delete it. */
  private readonly mayGo = new Set<string>();
  private readonly stop = new AbortController();
  fault = "none";
  private settings!: Settings;
  /** The same targets without the link. */
  private direct!: Settings;

  constructor(
    private readonly ground: CampaignGround,
    private readonly random: () => number,
    private readonly name: string,
  ) {}

  /** Takes down what happens, for whoever has to find out why. */
  private said(text: string): void {
    this.trace.push(`${Date.now() - this.began} ms: ${text}`);
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  private context(overrides: Partial<RunContext> = {}): RunContext {
    const progress = { ...silent, note: (text: string) => this.said(text), ...overrides.progress };
    const rowLimits = { largeTable: 0 };
    return { signal: this.stop.signal, now: () => new Date(), rowLimits, ...overrides, progress };
  }

  private url(role: string, linked: boolean, database = "app"): string {
    const { lab, links } = this.ground;
    const url = lab.server.url(role, database);
    return linked ? url.replace(`:${lab.server.port}/`, `:${links.database.port}/`) : url;
  }

  private async prepare(): Promise<void> {
    const { lab, s3, files, keys, links } = this.ground;
    const kind = this.pick(["azure", "s3", "s3", "folder"] as const);
    const target =
      kind === "azure"
        ? await azureTarget("one", lab.azurite)
        : kind === "s3"
          ? await s3Target("one", s3, files)
          : folderTarget("one", files);
    const through = JSON.stringify(target)
      .replaceAll(`:${s3.port}`, `:${links.s3.port}`)
      .replaceAll(`:${lab.azurite.port}/`, `:${links.azure.port}/`);
    const other = folderTarget("two", files);
    const encrypted = this.random() < 0.5;
    const several = this.random() < 0.5;
    Object.assign(this.about, { target: kind, encrypted, several });
    const settingsOf = (first: unknown, patience: string, linked: boolean) =>
      loadSettings(
        {
          DATABASE_URL: this.url("backup", linked),
          ENVIRONMENT: "test",
          BACKUP_TARGETS: JSON.stringify([first, other]),
          BACKUP_TARGET_PATIENCE: patience,
          BACKUP_STALL_TIMEOUT: "20s",
          SCRATCH_DATABASE_URL: this.url(lab.server.administrator, linked, "postgres"),
          ...lab.probes,
          RETENTION_KEEP_LAST: "1",
          SCRATCH_DIR: files.folder,
          BACKUP_IDENTITY_FILE: keys.identityFile,
          ...(encrypted && { BACKUP_RECIPIENTS: keys.recipient }),
          ...(several && { BACKUP_JOBS: "2" }),
        },
        ["database", "store"],
      );
    this.settings = settingsOf(JSON.parse(through), "1s", true);
    // No fault, no haste: on a busy machine a sound target may take longer than a second.
    this.direct = settingsOf(target, "60s", false);
  }

  async run(): Promise<void> {
    await this.prepare();
    const operation = this.pick(OPERATIONS);
    this.about.operation = operation;
    if (operation !== "backup") await this.backUp(this.direct);
    const { links } = this.ground;
    this.said(`${operation} begins`);
    try {
      await this[operation]();
    } catch (error) {
      this.about.ended = messageOf(error);
      // A fault may make any operation fail, with an error a person can act on.
      const known = error instanceof CommandError || this.stop.signal.aborted;
      if (!known) this.problems.push(`${operation}: ${String((error as Error).stack ?? error)}`);
    } finally {
      for (const link of Object.values(links)) link.suffer(undefined);
    }
    await this.audit();
    await this.heal();
  }

  /**
   * Silence only of a target, and only where something else goes on: a client waits minutes for an answer before it tries
   * again. Where the target is a folder it is the connection to the database that breaks.
   */
  private breakLink(silent = false): void {
    const { links } = this.ground;
    const database = this.about.target === "folder" || this.random() < 0.3;
    const silence = !database && silent && this.random() < 0.3;
    const fault = {
      kind: silence ? ("silence" as const) : ("cut" as const),
      // What falls silent does so in the middle of an archive, which the patience of a second ends.
      afterBytes: Math.floor(silence ? 60_000 + this.random() * 400_000 : this.random() ** 3 * 1_500_000),
      direction: silence ? ("to" as const) : this.pick(["to", "to", "from"] as const),
    };
    for (const link of database ? [links.database] : [links.azure, links.s3]) link.suffer(fault);
    this.fault = `link to the ${database ? "database" : "target"} ${JSON.stringify(fault)}`;
  }

  /** Aborts, as Ctrl-C does, or kills a program, once that many bytes have passed. */
  private disturbed(kinds: readonly ("abort" | "kill")[]): RunContext {
    const kind = this.pick(kinds);
    const at = Math.floor(this.random() * 2_000_000);
    const victim = this.pick(PROGRAMS);
    this.fault = `${kind} ${victim} at ${at}`;
    let done = false;
    const bytes = (total: number) => {
      if (done || total < at) return;
      done = true;
      this.said(this.fault);
      if (kind === "abort") this.stop.abort(new (class extends Error {})("stopped"));
      else for (const { pid, name } of children()) if (name === victim) process.kill(pid, "SIGKILL");
    };
    return this.context({ progress: { ...silent, note: (text) => this.said(text), bytes } });
  }

  private async backUp(settings: Settings, context = this.context()): Promise<Manifest | undefined> {
    const [outcome] = await runBackup(settings, {}, context);
    if (!outcome || "error" in outcome) {
      if (outcome) this.said(`backup ended: ${outcome.error.message}`);
      if (outcome && !(outcome.error instanceof CommandError))
        this.problems.push(String(outcome.error.stack));
      return undefined;
    }
    for (const target of outcome.targets) this.stored.add(`${target} ${outcome.manifest.id}`);
    return outcome.manifest;
  }

  async backup(): Promise<void> {
    if (this.random() < 0.5) {
      this.breakLink(true);
      await this.backUp(this.settings);
    } else await this.backUp(this.settings, this.disturbed(["abort", "kill", "kill"]));
  }

  /** Changes, cuts or removes a stored archive, as whoever owns the account could. */
  private async damage(target: string): Promise<void> {
    const held = (await this.holders()).find(({ place }) => place.name === target);
    const archive = held?.entry.manifest?.archive;
    if (!held || !archive) throw new Error(`nothing to damage in ${target}`);
    const { store } = held.place;
    const { container, blob } = archive;
    const bytes = await this.read(held.place, container, blob);
    const how = this.pick(["flip", "truncate", "remove"] as const);
    const at = Math.floor(this.random() * bytes.length);
    const before = this.fault === "none" ? "" : `${this.fault}, `;
    this.fault = `${before}${how} at ${at} in ${target}`;
    await store.erase(container, blob);
    if (how === "flip") bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(this.random() * 8)), at);
    const contentType = "application/octet-stream";
    if (how !== "remove")
      await store.create(container, blob, how === "flip" ? bytes : bytes.subarray(0, at), { contentType });
    this.spoiled.add(`${target} ${held.entry.id}`);
  }

  private async read({ store }: Place, container: string, blob: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    const stream = await store.open(container, blob, new AbortController().signal);
    for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
    return Buffer.concat(parts);
  }

  /** Takes a whole backup out of one target. */
  private async lose(target: string): Promise<void> {
    for (const { place, entry } of await this.holders()) {
      if (place.name !== target) continue;
      for (const { name } of await place.store.held(entry.container, "test/"))
        await place.store.erase(entry.container, name);
      this.stored.delete(`${target} ${entry.id}`);
    }
  }

  private async holders(): Promise<{ place: Place; entry: CatalogueEntry }[]> {
    return (await readFleet(await openTargets(this.direct))).backups.flatMap(({ held }) => held);
  }

  async copy(): Promise<void> {
    const to = this.pick(["one", "two"]);
    await this.lose(to);
    const kind = this.pick(["damage", "link", "abort"] as const);
    let context = this.context();
    if (kind === "damage") await this.damage(to === "one" ? "two" : "one");
    else if (kind === "link") this.breakLink();
    else context = this.disturbed(["abort"]);
    for (const { id, to: target, outcome } of await runCopy(this.settings, {}, context))
      if (outcome === "copied") this.stored.add(`${target} ${id}`);
  }

  async verify(): Promise<void> {
    const kind = this.pick(["damage", "damage", "link", "abort", "none"] as const);
    let context = this.context();
    if (kind === "damage") await this.damage(this.pick(["one", "two"]));
    else if (kind === "link") this.breakLink();
    else if (kind === "abort") context = this.disturbed(["abort", "kill"]);
    const target = this.random() < 0.5 ? this.pick(["one", "two"]) : undefined;
    const options = { backup: { latest: true as const }, through: "L4" as const, target };
    const report = await runVerify(this.settings, options, context);
    if (target === undefined) await proveCopies(this.settings, report, context);
  }

  async restore(): Promise<void> {
    const kind = this.pick(["damage", "both", "link", "abort"] as const);
    let context = this.context();
    if (kind === "damage" || kind === "both") await this.damage("two");
    if (kind === "both") await this.damage("one");
    else if (kind === "link") this.breakLink();
    else if (kind === "abort") context = this.disturbed(["abort", "kill"]);
    const to = `case_${this.name.replace(/\W/g, "_")}`;
    const { lab } = this.ground;
    const left = async () => {
      const like = `SELECT datname AS name FROM pg_database WHERE datname = '${to}' OR datname LIKE '${to}\\_re%'
        UNION SELECT rolname FROM pg_roles WHERE rolname LIKE 'recovery\\_%'`;
      return (await lab.sql<{ name: string }>("postgres", like)).map(({ name }) => name);
    };
    try {
      const at = { at: new Date(Date.now() + 60_000) };
      const administrator = parseServerUrl(this.url(lab.server.administrator, true));
      const restoring = { ...this.settings, server: administrator };
      const result = await runRestore(restoring, { backup: at, to }, context);
      if (result.verdict !== "PASS") this.problems.push(`restored with verdict ${result.verdict}`);
      const [row] = await lab.sql<{ rows: number }>(to, "SELECT count(*)::int AS rows FROM noise");
      const expected = result.tables.find(({ name }) => name === "public.noise")?.rows;
      if (result.fingerprints !== "match") this.problems.push(`restored, and ${result.fingerprints}`);
      if (row?.rows !== expected) this.problems.push(`restored ${row?.rows ?? 0} rows of ${expected ?? 0}`);
    } catch (error) {
      const names = await left();
      if (names.length > 0)
        this.problems.push(`a restore that failed left ${names.join(", ")}: ${String(error)}`);
      throw error;
    } finally {
      for (const name of await left())
        await lab.sql("postgres", `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    }
  }

  /** Three backups: one that may go, the newest proved one, and the newest, which nobody has proved. */
  async prune(): Promise<void> {
    const oldest = new Set((await this.holders()).map(({ entry }) => entry.id));
    await this.backUp(this.direct);
    const proved = this.random() < 0.7;
    if (proved) {
      const options = { backup: { latest: true as const }, through: "L4" as const };
      await proveCopies(this.direct, await runVerify(this.direct, options, this.context()), this.context());
    }
    await this.backUp(this.direct);
    const kind = this.pick(["link", "abort", "none"] as const);
    let context = this.context();
    if (kind === "link") this.breakLink();
    if (kind === "abort") {
      const stop = this.stop;
      setTimeout(() => stop.abort(new Error("stopped")), this.random() * 100);
      context = this.context({ signal: stop.signal });
      this.fault = "abort";
    }
    const days = { hourly: 0, daily: 0, weekly: 0, monthly: 0 };
    const expired = { ...this.settings, retention: { days, keepLast: 1 } };
    // Whether it says so or is ended before.
    if (proved)
      for (const key of this.stored)
        if ([...oldest].some((id) => key.endsWith(` ${id}`))) this.mayGo.add(key);
    const result = await runPrune(expired, { dryRun: false }, context);
    let deleted = 0;
    for (const { target, id, action } of result.decisions) {
      if (action !== "delete") continue;
      deleted += 1;
      if (!proved || !oldest.has(id)) this.problems.push(`${target} deletes ${id}, which must stay`);
    }
    if (kind === "none" && deleted !== (proved ? 2 : 0))
      this.problems.push(`${deleted} copies of the oldest backup were deleted`);
  }

  /** Nothing lost, nothing falsely proved, nothing left running or lying about. */
  private async audit(): Promise<void> {
    const seen = new Set<string>();
    for (const { place, entry } of await this.holders()) {
      const key = `${place.name} ${entry.id}`;
      seen.add(key);
      const sound = await this.isSound(place, entry);
      if (!sound && !this.spoiled.has(key))
        this.problems.push(`${key} is listed and its archive is not right`);
      if (isVerified(entry) && !sound) this.problems.push(`${key} is called verified and is damaged`);
    }
    for (const key of this.stored)
      if (!seen.has(key) && !this.mayGo.has(key)) this.problems.push(`${key} was stored and is lost`);
    await this.quiet("programs left running", () =>
      Promise.resolve(children().map(({ pid, name, state }) => `${name} ${pid} ${state}`)),
    );
    await this.quiet("sessions left open", async () => {
      const sessions = await this.ground.lab.sql<{ session: string }>(
        "postgres",
        "SELECT format('%s %s %s: %s', pid, state, wait_event, query) AS session FROM pg_stat_activity WHERE application_name = 'recovery'",
      );
      return sessions.map(({ session }) => session);
    });
    const left = readdirSync(this.ground.files.folder).filter((name) => name.startsWith("recovery-spool-"));
    if (left.length > 0) this.problems.push(`${left.length} spooled archives were left`);
  }

  /** What ends does so in its own time on a busy machine; what is still there after half a minute stays. */
  private async quiet(what: string, find: () => Promise<string[]>): Promise<void> {
    let left = await find();
    for (let tries = 0; left.length > 0 && tries < 1000; tries += 1) {
      await sleep(30);
      left = await find();
    }
    if (left.length > 0) this.problems.push(`${what}: ${left.join("; ")}`);
  }

  private async isSound(place: Place, { manifest }: CatalogueEntry): Promise<boolean> {
    if (!manifest) return false;
    const { container, blob } = manifest.archive;
    if (!(await place.store.find(container, blob))) return false;
    const bytes = await this.read(place, container, blob);
    return createHash("sha256").update(bytes).digest("hex") === manifest.sha256;
  }

  /** Whatever happened: the next backup succeeds everywhere at once, and copy brings what is missing. */
  private async heal(): Promise<void> {
    const context = this.context({ signal: new AbortController().signal });
    this.said("heal begins");
    const [outcome] = await runBackup(this.direct, {}, context);
    if (!outcome || "error" in outcome)
      this.problems.push(`the next backup fails: ${outcome?.error.message ?? ""}`);
    else if (outcome.outages.length > 0)
      this.problems.push(
        `the next backup misses ${outcome.outages.map(({ error }) => error.message).join()}`,
      );
    for (const { outcome: copied, problem, id, to } of await runCopy(this.direct, {}, context)) {
      const source = `${to === "one" ? "two" : "one"} ${id}`;
      if (copied !== "copied" && !this.spoiled.has(source))
        this.problems.push(`copy of ${id} to ${to}: ${problem ?? ""}`);
    }
  }
}

/** Runs one case. It never throws: what ended it is a problem of its record. */
export async function runCase(ground: CampaignGround, seed: number, index: number): Promise<CaseRecord> {
  const began = Date.now();
  const name = `seed ${seed} case ${index}`;
  const one = new Case(ground, randomOf(seed * 1_000_003 + index), name);
  try {
    await one.run();
  } catch (error) {
    one.problems.push(String((error as Error).stack ?? error));
  }
  const { problems, trace, fault, about } = one;
  return {
    seed,
    case: index,
    ...about,
    fault,
    milliseconds: Date.now() - began,
    problems,
    ...(problems.length > 0 && { trace }),
  };
}
