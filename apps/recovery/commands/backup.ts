import { RestError } from "@azure/storage-blob";
import type { Command } from "commander";
import type { RunContext } from "../context";
import { secondsBetween, skewWarning } from "../clock";
import { seal } from "../document";
import { ExitCode, FailedError, messageOf, RecoveryError, UsageError } from "../errors";
import type { BackupOptions, BackupOutcome } from "../options";
import { connect, withClient } from "../postgres/connect";
import { describeServer, withDatabase, type ServerConnection } from "../postgres/connection";
import { startDump } from "../postgres/dump";
import type { ArchiveContent } from "../postgres/archive";
import { userDatabases } from "../postgres/databases";
import { dumpProgram, findProgram, type Program } from "../postgres/programs";
import { openSnapshot, type Snapshot } from "../postgres/snapshot";
import { parseTierOption } from "../parse";
import { formatBytes } from "../progress";
import { redact } from "../redact";
import { exitCodeHelp, runVerb } from "../runner";
import { serverOf, type Settings } from "../settings";
import { BlobStore } from "../store/client";
import { writeManifest } from "../store/catalogue";
import { takeLease, type Lease } from "../store/lease";
import { archiveBlob, lockBlob, newBackupId } from "../store/names";
import { uploadNew } from "../store/upload";
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
  store: BlobStore;
  container: string;
  tier: Tier;
  programs: { pgDump: Program; zstd: Program };
  memoryBytes: number;
}

/**
 * Backs databases up, each in one consistent snapshot. A backup exists once its manifest is written, and that is
 * the last thing that happens; on any failure before, nothing of it is visible in the catalogue.
 * @returns one outcome per database
 * @throws RecoveryError when nothing could be started: settings, programs, server or container
 */
export async function runBackup(
  settings: Settings,
  options: BackupOptions,
  context: RunContext,
): Promise<BackupOutcome[]> {
  const server = serverOf(settings);
  const tier = options.tier ?? "daily";
  const container = containerOf(settings, tier);
  const zstd = findProgram("zstd");
  const store = await BlobStore.open(settings);
  const [{ databases, pgDump }] = await Promise.all([
    chooseDatabases(server, options),
    store.requireContainer(container).then((clock) => {
      const warning = skewWarning("blob service", clock, context.now());
      if (warning) context.progress.note(`warning: ${warning}`);
    }),
  ]);
  const parallel = Math.min(databases.length, settings.parallelDatabases);
  const memoryBytes = Math.floor(UPLOAD_MEMORY / Math.max(1, parallel));
  const programs = { pgDump, zstd };
  const job: Job = { settings, context, store, container, tier, programs, memoryBytes };
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
    return { database, manifest: await backUp(job, database) };
  } catch (thrown) {
    const reason = job.context.signal.aborted ? job.context.signal.reason : thrown;
    const error = reason instanceof RecoveryError ? reason : new FailedError(messageOf(reason));
    error.message = `backup of ${describeServer(withDatabase(serverOf(job.settings), database))}: ${error.message}`;
    return { database, error };
  }
}

async function backUp(job: Job, database: string): Promise<Manifest> {
  const { settings, context, store } = job;
  const server = withDatabase(serverOf(settings), database);
  // Before the lease: a database that is not there leaves nothing behind, not even a lock.
  await (await connect(server)).end();
  const lease = await takeLease(
    store,
    settings.containers.daily,
    lockBlob(settings.environment, database),
    context,
  );
  try {
    for (let attempt = 1; ; attempt += 1) {
      const snapshot = await openSnapshot(server);
      try {
        return await storeSnapshot(job, server, snapshot, lease);
      } catch (error) {
        if (!(error instanceof Rewritten) || attempt === SNAPSHOTS) throw error;
        context.progress.note(`${error.message}; taking another snapshot`);
      } finally {
        await snapshot.close();
      }
    }
  } finally {
    await lease.release();
  }
}

async function storeSnapshot(
  job: Job,
  server: ServerConnection,
  snapshot: Snapshot,
  lease: Lease,
): Promise<Manifest> {
  const { settings, context, store, container, tier, programs } = job;
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
  const signal = AbortSignal.any([context.signal, lease.lost, stalled.signal, failed.signal]);
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
  let result: { content: ArchiveContent; rawBytes: number } | undefined;
  try {
    const blob = archiveBlob(at);
    const stored = await uploadNew(store.container(container).getBlockBlobClient(blob), dump.stored, {
      expectedBytes: expected / 2,
      signal,
      memoryBytes: job.memoryBytes,
      accessTier: tier === "monthly" ? settings.monthlyAccessTier : undefined,
      metadata: { backup: at.id },
      onProgress: () => watchdog.refresh(),
      async beforeCommit() {
        result = await dump.finish();
        await unchanged;
        requireComplete(snapshot, result.content, await counting);
        await lease.confirm();
      },
    });
    if (!result) throw new FailedError("the archive was stored without its content having been read");
    const manifest = describeBackup(job, server, snapshot, result, {
      ...at,
      startedAt,
      clockAheadSeconds,
      storedBytes: stored.bytes,
      sha256: stored.sha256,
      blob,
    });
    await lease.confirm();
    await writeManifest(store, container, manifest);
    context.progress.note(
      `backup ${manifest.id} done: ${manifest.tables.length} tables, ${stored.bytes} bytes`,
    );
    return manifest;
  } catch (error) {
    const cause: unknown = signal.aborted ? signal.reason : (dump.problem() ?? error);
    failed.abort(error);
    await dump.finish().catch(() => undefined);
    if (cause instanceof RecoveryError) throw cause;
    throw cause instanceof RestError
      ? store.explain(cause, `upload to container "${container}"`)
      : new FailedError(messageOf(cause));
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
    archive: { container: job.container, blob: run.blob, compression: "zstd" as const },
    server: snapshot.server,
    runner: { pgDump: job.programs.pgDump.version, clockAheadSeconds: run.clockAheadSeconds },
    tables: content.tables
      .map(({ name, rows, bytes, sha256, copy }) => ({ name, rows, bytes, sha256, copy }))
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
    largeObjects: content.largeObjects,
    sequences: content.sequences,
    inventory: snapshot.inventory,
  });
}

export function registerBackup(program: Command): void {
  program
    .command("backup")
    .description("back databases up, each in one consistent snapshot, with fingerprints of every table")
    .option("--database <name...>", "databases to back up (default: the one DATABASE_URL names)")
    .option("--all", "every database of the server, templates and Azure's own excluded")
    .option(
      "--tier <tier>",
      "daily or monthly: which container and how long it is kept",
      parseTierOption,
      "daily",
    )
    .option("--json", "print the manifest; an array with --all or several databases")
    .addHelpText("after", exitCodeHelp)
    .action((options: { database?: string[]; all?: boolean; tier: Tier; json?: boolean }) => {
      const needs =
        options.tier === "monthly"
          ? (["database", "store", "monthly"] as const)
          : (["database", "store"] as const);
      return runVerb("backup", options, needs, async (settings, context) => {
        const request = { databases: options.database, all: options.all, tier: options.tier };
        const outcomes = await runBackup(settings, request, context);
        const several = options.all === true || (options.database?.length ?? 0) > 1;
        const [first] = outcomes;
        if (!several && first && "error" in first) throw first.error;
        const documents = outcomes.map((one) => ("error" in one ? failureOf(one) : one.manifest));
        for (const one of outcomes) if ("error" in one) context.progress.note(`error: ${one.error.message}`);
        return {
          document: several ? documents : documents[0],
          text: outcomes.map(describe).join(""),
          exitCode: worst(outcomes),
        };
      });
    });
}

function failureOf({ database, error }: { database: string; error: Error }) {
  const exitCode = error instanceof RecoveryError ? error.exitCode : ExitCode.failed;
  return { database, error: { kind: error.name, message: redact(error.message), exitCode } };
}

/** A failure outweighs a lease held elsewhere, which outweighs success. */
function worst(outcomes: BackupOutcome[]): ExitCode {
  const codes = outcomes.map((one) => ("error" in one ? failureOf(one).error.exitCode : ExitCode.ok));
  const order = [ExitCode.failed, ExitCode.usage, ExitCode.notRun, ExitCode.leaseHeld];
  return order.find((code) => codes.includes(code)) ?? ExitCode.ok;
}

function describe(outcome: BackupOutcome): string {
  if ("error" in outcome) return `FAILED ${outcome.database}: ${redact(outcome.error.message)}\n`;
  const { id, tables, rawBytes, storedBytes, seconds } = outcome.manifest;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const size = `${formatBytes(rawBytes)} stored as ${formatBytes(storedBytes)}`;
  return `${id}: ${tables.length} tables, ${rows} rows, ${size}, ${seconds.toFixed(1)} s; not verified yet\n`;
}
