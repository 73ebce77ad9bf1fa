import type { Command } from "commander";
import type { RunContext } from "../context";
import { secondsBetween, skewWarning } from "../clock";
import { seal } from "../document";
import { deliver, Deferred, settle, type Held, type Stored } from "../deliver";
import { encrypting } from "../encryption";
import {
  ExitCode,
  FailedError,
  LeaseHeldError,
  messageOf,
  CommandError,
  UsageError,
} from "../../../packages/command/errors";
import type { BackupOptions, BackupOutcome } from "../options";
import { connect, naming, withClient } from "../postgres/connect";
import { describeServer, withDatabase, type ServerConnection } from "../postgres/connection";
import { startDump } from "../postgres/dump";
import type { ArchiveContent } from "../postgres/archive";
import { userDatabases } from "../postgres/databases";
import { dumpProgram, findProgram, type Program } from "../../../packages/programs/postgres";
import { openSnapshot, type Snapshot } from "../postgres/snapshot";
import { paced } from "../pace";
import { parseTierOption } from "../parse";
import { formatBytes } from "../progress";
import { redact } from "../redact";
import { runVerb } from "../runner";
import { serverOf, type Settings } from "../settings";
import { CLOCKS, lockContainer } from "../store/containers";
import { FanOut } from "../store/fanOut";
import { askAll, openTargets, type Place } from "../store/fleet";
import type { Outage } from "../store/outage";
import { takeLeaseInTime } from "../store/lease";
import { archiveBlob, lockBlob, newBackupId } from "../store/names";
import { requireComplete, requireUnchanged, Rewritten } from "../completeness";
import { MANIFEST_FORMAT, type Manifest, type Tier } from "../types";

const MIB = 1024 * 1024;
/** Block buffers of all databases that are dumped side by side. */
const UPLOAD_MEMORY = 40 * MIB;
/** Snapshots that are tried when tables are rewritten meanwhile, as a migration does. */
const SNAPSHOTS = 3;

interface Job {
  settings: Settings;
  context: RunContext;
  /** Targets that keep this tier and answered. */
  places: Place[];
  /** Targets that keep it and did not. */
  outages: Outage[];
  tier: Tier;
  programs: { pgDump: Program; zstd: Program };
  memoryBytes: number;
}

/**
 * Backs databases up, each in one consistent snapshot, to every target from one stream. In a target a backup exists once
 * its manifest is written there, and that is the last thing that happens; on any failure before, nothing of it is visible
 * in that target's catalogue. A target that fails or is too slow is left behind; what it lacks, `copy` brings.
 * @returns one outcome per database
 * @throws CommandError when nothing could be started: settings, programs, server or every target
 */
export async function runBackup(
  settings: Settings,
  options: BackupOptions,
  context: RunContext,
): Promise<BackupOutcome[]> {
  const server = serverOf(settings);
  const tier = options.tier ?? "daily";
  const zstd = findProgram("zstd");
  if (settings.recipients.length > 0) findProgram("age");
  const keepers = (await openTargets(settings)).filter((place) => place.settings.containers[tier]);
  if (keepers.length === 0) containerOf(settings, tier);
  const [{ databases, pgDump }, { answers, outages }] = await Promise.all([
    naming(server, () => chooseDatabases(server, options)),
    askAll(keepers, async ({ store, settings: own }) => {
      const clock = await store.requireContainer(containerOf(own, tier));
      const warning = skewWarning(CLOCKS[store.kind], clock, context.now());
      if (warning) context.progress.note(`warning: ${warning}`);
    }),
  ]);
  for (const { target, error } of outages) context.progress.note(`target ${target}: ${error.message}`);
  const places = answers.map(({ place }) => place);
  const parallel = Math.min(databases.length, settings.parallelDatabases);
  const memoryBytes = Math.floor(UPLOAD_MEMORY / Math.max(1, parallel) / places.length);
  const programs = { pgDump, zstd };
  const job: Job = { settings, context, places, outages, tier, programs, memoryBytes };
  if (databases.length > 1)
    job.context = { ...context, progress: { ...context.progress, stage: () => undefined } };

  const queue = databases.map((database, index) => ({ database, index }));
  const outcomes: BackupOutcome[] = [];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      outcomes[next.index] = await attempt(job, next.database);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return outcomes;
}

function containerOf(settings: Settings, tier: Tier): string {
  const container = settings.containers[tier];
  if (!container)
    throw new UsageError(`BACKUP_CONTAINER_${tier.toUpperCase()}: missing; --tier ${tier} needs it`);
  return container;
}

async function chooseDatabases(
  server: ServerConnection,
  options: BackupOptions,
): Promise<{ databases: string[]; pgDump: Program }> {
  const named = options.databases ?? [];
  if (options.all && named.length > 0) throw new UsageError("--all and --database exclude each other");
  const first = named[0] ?? server.database;
  return withClient(withDatabase(server, first), async (client) => {
    const { rows } = await client.query<{ major: number }>(
      "SELECT current_setting('server_version_num')::int / 10000 AS major",
    );
    const pgDump = dumpProgram(rows[0]?.major ?? 0, describeServer(server));
    if (!options.all) {
      return { pgDump, databases: named.length > 0 ? [...new Set(named)] : [server.database] };
    }
    const databases = await userDatabases(client, server);
    if (databases.length === 0)
      throw new FailedError(`${describeServer(server)}: the server holds no database to back up`);
    return { pgDump, databases };
  });
}

async function attempt(job: Job, database: string): Promise<BackupOutcome> {
  try {
    return { database, ...(await backUp(job, database)) };
  } catch (thrown) {
    const reason = job.context.signal.aborted ? job.context.signal.reason : thrown;
    const error = reason instanceof CommandError ? reason : new FailedError(messageOf(reason));
    error.message = `backup of ${describeServer(withDatabase(serverOf(job.settings), database))}: ${error.message}`;
    return { database, error };
  }
}

async function backUp(job: Job, database: string): Promise<Stored> {
  const { settings, context } = job;
  const server = withDatabase(serverOf(settings), database);
  // Before the lease: a database that is not there leaves nothing behind, not even a lock.
  await (await connect(server)).end();
  const held: Held[] = [];
  try {
    const { answers, outages } = await askAll(job.places, async (place) => {
      const lock = lockBlob(settings.environment, database);
      const lease = await takeLeaseInTime(place.store, lockContainer(place.settings), lock, context);
      held.push({ place, lease });
    });
    // Whoever holds the lease in one target is backing up the same database now, or prunes it.
    const taken = outages.find(({ error }) => error instanceof LeaseHeldError);
    if (taken) throw taken.error;
    for (const { target, error } of outages) context.progress.note(`target ${target}: ${error.message}`);
    const ready = answers.flatMap(({ place }) => held.filter((one) => one.place === place));
    for (let attempt = 1; ; attempt += 1) {
      const snapshot = await openSnapshot(server);
      try {
        const stored = await storeSnapshot(job, server, snapshot, ready);
        return { ...stored, outages: [...job.outages, ...outages, ...stored.outages] };
      } catch (error) {
        if (!(error instanceof Rewritten) || attempt === SNAPSHOTS) throw error;
        context.progress.note(`${error.message}; taking another snapshot`);
      } finally {
        await snapshot.close();
      }
    }
  } finally {
    await Promise.all(held.map(({ lease }) => lease.release()));
  }
}

async function storeSnapshot(
  job: Job,
  server: ServerConnection,
  snapshot: Snapshot,
  ready: readonly Held[],
): Promise<Stored> {
  const { settings, context, tier, programs } = job;
  const startedAt = context.now();
  const clockAheadSeconds = secondsBetween(snapshot.at, startedAt);
  const warning = skewWarning("database server", snapshot.at, startedAt);
  if (warning) context.progress.note(`warning: ${warning}`);
  const at = {
    environment: settings.environment,
    database: server.database,
    id: newBackupId(server.database, tier, snapshot.at),
  };
  const expected = snapshot.server.databaseBytes;
  context.progress.note(`backup ${at.id} of ${describeServer(server)} starts`);
  context.progress.stage(`dump ${server.database}`, expected);

  const stalled = new AbortController();
  const watchdog = setTimeout(
    () => stalled.abort(new FailedError(`no data for ${settings.stallTimeoutSeconds} s`)),
    settings.stallTimeoutSeconds * 1000,
  ).unref();
  const failed = new AbortController();
  let unchanged: Promise<void> | undefined;
  const signal = AbortSignal.any([context.signal, stalled.signal, failed.signal]);
  const dump = startDump({
    server,
    snapshot: snapshot.name,
    encoding: snapshot.server.encoding,
    programs,
    signal,
    onRawBytes(total) {
      watchdog.refresh();
      context.progress.bytes(total);
    },
    onLocked() {
      unchanged = requireUnchanged(snapshot);
      unchanged.catch((error: unknown) => failed.abort(error));
    },
  });
  const counting = snapshot.countRows(signal);
  counting.catch(() => undefined);
  const { recipients } = settings;
  const secret = recipients.length > 0 ? encrypting(dump.stored, recipients, signal) : undefined;
  const stream = paced(secret?.output ?? dump.stored, settings.bandwidth, signal);
  const fanOut = new FanOut(stream, settings.targetPatienceSeconds * 1000);
  const blob = archiveBlob(at, secret !== undefined);
  const whole = new Deferred<{ manifest: Manifest; sha256: string }>();
  const deliveries = ready.map((one) =>
    deliver(
      { ...one, blob, tier, context, fanOut, whole: whole.promise, expectedBytes: expected / 2 },
      { memoryBytes: job.memoryBytes, signal, onProgress: () => watchdog.refresh() },
    ),
  );
  const settled = settle(ready, deliveries, settings.targetPatienceSeconds * 1000);
  try {
    const stored = await fanOut.run();
    await secret?.finish();
    const result = await dump.finish();
    await unchanged;
    requireComplete(snapshot, result.content, await counting);
    const manifest = describeBackup(job, server, snapshot, result, {
      ...at,
      startedAt,
      clockAheadSeconds,
      storedBytes: stored.bytes,
      sha256: stored.sha256,
      blob,
    });
    whole.resolve({ manifest, sha256: stored.sha256 });
    const { kept, outages } = await settled;
    const [first] = kept;
    if (!first) throw outages[0]?.error ?? new FailedError("no target stored it");
    for (const { target, error } of outages) context.progress.note(`target ${target}: ${error.message}`);
    context.progress.note(
      `backup ${at.id} done: ${manifest.tables.length} tables, ${stored.bytes} bytes` +
        (ready.length > 1 ? `, in ${kept.map(({ target }) => target).join(", ")}` : ""),
    );
    return { manifest: first.manifest, targets: kept.map(({ target }) => target), outages };
  } catch (error) {
    // Whoever writes to a program that died fails, too: the one that died knows why.
    const cause: unknown = signal.aborted
      ? signal.reason
      : ((await secret?.problem()) ?? dump.problem() ?? error);
    failed.abort(error);
    whole.reject(cause as Error);
    await Promise.all([dump.finish().catch(() => undefined), settled]);
    throw cause instanceof CommandError ? cause : new FailedError(messageOf(cause));
  } finally {
    clearTimeout(watchdog);
    context.progress.done();
  }
}

function describeBackup(
  job: Job,
  server: ServerConnection,
  snapshot: Snapshot,
  { content, rawBytes }: { content: ArchiveContent; rawBytes: number },
  run: {
    id: string;
    startedAt: Date;
    clockAheadSeconds: number;
    storedBytes: number;
    sha256: string;
    blob: string;
  },
): Manifest {
  const finishedAt = job.context.now();
  const filters = new Map(
    snapshot.tables.flatMap(({ schema, table, filter }) =>
      filter === null ? [] : [[`${schema}\0${table}`, filter]],
    ),
  );
  return seal({
    format: MANIFEST_FORMAT,
    id: run.id,
    environment: job.settings.environment,
    database: server.database,
    tier: job.tier,
    snapshotAt: snapshot.at.toISOString(),
    startedAt: run.startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    seconds: Math.max(0, secondsBetween(run.startedAt, finishedAt)),
    rawBytes,
    storedBytes: run.storedBytes,
    sha256: run.sha256,
    tocSha256: content.tocSha256,
    // Where it is kept differs by target, see `deliver`.
    archive: { container: "", blob: run.blob, compression: "zstd" as const, ...encryptionOf(job.settings) },
    server: snapshot.server,
    properties: snapshot.properties,
    runner: { pgDump: job.programs.pgDump.version, clockAheadSeconds: run.clockAheadSeconds },
    tables: content.tables
      .map(({ schema, table, ...fingerprint }) => {
        const filter = filters.get(`${schema}\0${table}`);
        return filter === undefined ? fingerprint : { ...fingerprint, filter };
      })
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
    largeObjects: content.largeObjects,
    sequences: content.sequences,
    inventory: snapshot.inventory,
  });
}

function encryptionOf({ recipients }: Settings) {
  return recipients.length > 0
    ? { encryption: { format: "age/v1" as const, recipients: [...recipients] } }
    : {};
}

export function registerBackup(program: Command): void {
  program
    .command("backup")
    .description("back databases up, each in one consistent snapshot, with fingerprints of every table")
    .option("--database <name...>", "databases to back up (default: the one DATABASE_URL names)")
    .option("--all", "every database of the server, templates and Azure's own excluded")
    .option(
      "--tier <tier>",
      "hourly, daily, weekly or monthly: which container and how long it is kept",
      parseTierOption,
      "daily",
    )
    .option("--json", "print the manifest; an array with --all or several databases")
    .action((options: { database?: string[]; all?: boolean; tier: Tier; json?: boolean }) => {
      return runVerb("backup", options, ["database", "store", options.tier], async (settings, context) => {
        const request = { databases: options.database, all: options.all, tier: options.tier };
        const outcomes = await runBackup(settings, request, context);
        const several = options.all === true || (options.database?.length ?? 0) > 1;
        const [first] = outcomes;
        if (!several && first && "error" in first) throw first.error;
        const documents = outcomes.map((one) => ("error" in one ? failureOf(one) : documentOf(one)));
        for (const one of outcomes) if ("error" in one) context.progress.note(`error: ${one.error.message}`);
        return {
          document: several ? documents : documents[0],
          text: outcomes.map(describe).join(""),
          problem: problemOf(outcomes),
          exitCode: worst(outcomes),
        };
      });
    });
}

/** What a webhook is told: databases that failed, and targets that were left out. */
function problemOf(outcomes: BackupOutcome[]): string | undefined {
  const problems = outcomes.flatMap((one) =>
    "error" in one
      ? [one.error.message]
      : one.outages.map(
          ({ target, error }) => `${one.manifest.id} is not in target ${target}: ${error.message}`,
        ),
  );
  return problems.length > 0 ? problems.join("; ") : undefined;
}

function failureOf({ database, error }: { database: string; error: Error }) {
  const exitCode = error instanceof CommandError ? error.exitCode : ExitCode.failed;
  return { database, error: { kind: error.name, message: redact(error.message), exitCode } };
}

/** The manifest, and what became of each target. */
function documentOf({ manifest, targets, outages }: Extract<BackupOutcome, { manifest: Manifest }>) {
  const failed = outages.map(({ target, error }) => ({ name: target, error: redact(error.message) }));
  return { ...manifest, targets: [...targets.map((name) => ({ name })), ...failed] };
}

/** A failure outweighs a lease held elsewhere, which outweighs success. */
function worst(outcomes: BackupOutcome[]): ExitCode {
  const codes = outcomes.map((one) => ("error" in one ? failureOf(one).error.exitCode : ExitCode.ok));
  const order = [ExitCode.failed, ExitCode.usage, ExitCode.notRun, ExitCode.leaseHeld];
  return order.find((code) => codes.includes(code)) ?? ExitCode.ok;
}

function describe(outcome: BackupOutcome): string {
  if ("error" in outcome) return `FAILED ${outcome.database}: ${redact(outcome.error.message)}\n`;
  const { outages } = outcome;
  const { id, tables, rawBytes, storedBytes, seconds } = outcome.manifest;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const size = `${formatBytes(rawBytes)} stored as ${formatBytes(storedBytes)}`;
  const missing = outages.map(
    ({ target, error }) => `  not in ${target}: ${redact(error.message)}; copy brings it there later\n`,
  );
  return `${id}: ${tables.length} tables, ${rows} rows, ${size}, ${seconds.toFixed(1)} s; not verified yet\n${missing.join("")}`;
}
