import type { Client } from "pg";
import type { RunContext } from "../context";
import { skewWarning } from "../clock";
import { Unsettled } from "../completeness";
import type { Job } from "../backup/job";
import { storeSnapshot } from "../backup/storeSnapshot";
import type { Held, Stored } from "../deliver";
import {
  FailedError,
  LeaseHeldError,
  messageOf,
  CommandError,
  UsageError,
} from "../../../packages/command/errors";
import type { BackupOptions, BackupOutcome } from "../options";
import { connect, disconnect, naming } from "../postgres/connect";
import { describeServer, withDatabase, type ServerConnection } from "../postgres/connection";
import { userDatabases } from "../postgres/databases";
import { askAhead, dumpProgram, findProgram, type Program } from "../../../packages/programs/postgres";
import { lockWaitMs, tableLocks } from "../postgres/locks";
import { openSnapshot } from "../postgres/snapshot";
import { serverOf, type Settings } from "../settings";
import { CLOCKS, lockContainer } from "../store/containers";
import { askAll, openTargets } from "../store/fleet";
import { takeLeaseInTime } from "../store/lease";
import { lockBlob } from "../store/names";
import type { Tier } from "../types";

const MIB = 1024 * 1024;
/** Block buffers of all databases that are dumped side by side. */
const UPLOAD_MEMORY = 32 * MIB;
/** Snapshots that are tried when tables are changed meanwhile, as a migration does, or somebody's tables of a moment. */
const SNAPSHOTS = 5;

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
  const encrypts = settings.recipients.length > 0;
  const known = askAhead(["pg_dump", "zstd", ...(encrypts ? (["age"] as const) : [])]);
  const keepers = (await openTargets(settings)).filter((place) => place.settings.containers[tier]);
  if (keepers.length === 0) containerOf(settings, tier);
  const choosing = naming(server, () => chooseDatabases(server, options, known));
  const asked = Promise.all([
    choosing,
    known.then(() => {
      if (encrypts) findProgram("age");
      return findProgram("zstd");
    }),
    askAll(keepers, async ({ store, settings: own }) => {
      const clock = await store.requireContainer(containerOf(own, tier));
      const warning = skewWarning(CLOCKS[store.kind], clock, context.now());
      if (warning) context.progress.note(`warning: ${warning}`);
    }),
  ]);
  const [{ databases, pgDump, session }, zstd, { answers, outages }] = await asked.catch(
    async (error: unknown) => {
      const chosen = await choosing.catch(() => undefined);
      if (chosen?.session) await disconnect(chosen.session);
      throw error;
    },
  );
  for (const { target, error } of outages) context.progress.note(`target ${target}: ${error.message}`);
  const places = answers.map(({ place }) => place);
  const parallel = Math.min(databases.length, settings.parallelDatabases);
  const memoryBytes = Math.floor(UPLOAD_MEMORY / Math.max(1, parallel) / places.length);
  const programs = { pgDump, zstd };
  const job: Job = { settings, context, places, outages, tier, programs, memoryBytes, session };
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

/**
 * @param known when the programs have been asked for their versions
 * @returns with the session in which a single database was asked for: to take its snapshot in
 */
async function chooseDatabases(
  server: ServerConnection,
  options: BackupOptions,
  known: Promise<void>,
): Promise<{ databases: string[]; pgDump: Program; session?: Client }> {
  const named = options.databases ?? [];
  if (named.some((name) => name === "")) throw new UsageError("--database: a database has a name");
  if (options.all && named.length > 0) throw new UsageError("--all and --database exclude each other");
  const first = named[0] ?? server.database;
  const client = await connect(withDatabase(server, first));
  let session: Client | undefined;
  try {
    const { rows } = await client.query<{ major: number }>(
      "SELECT current_setting('server_version_num')::int / 10000 AS major",
    );
    await known;
    const pgDump = dumpProgram(rows[0]?.major ?? 0, describeServer(server));
    const databases = options.all
      ? await userDatabases(client, server)
      : [...new Set(named.length > 0 ? named : [server.database])];
    if (databases.length === 0)
      throw new FailedError(`${describeServer(server)}: the server holds no database to back up`);
    if (databases.length === 1 && databases[0] === first) session = client;
    return { pgDump, databases, session };
  } finally {
    if (!session) await disconnect(client);
  }
}

/** How a backup says that it waited for somebody; pg_dump's wait for a lock ends as a statement's. */
const HELD_UP = /(lock|statement) timeout|^no data for /;

async function attempt(job: Job, database: string): Promise<BackupOutcome> {
  try {
    return { database, ...(await backUp(job, database)) };
  } catch (thrown) {
    const reason = job.context.signal.aborted ? job.context.signal.reason : thrown;
    const error = reason instanceof CommandError ? reason : new FailedError(messageOf(reason));
    const server = withDatabase(serverOf(job.settings), database);
    const locks = HELD_UP.test(error.message) ? await tableLocks(server).catch(() => []) : [];
    error.message = [`backup of ${describeServer(server)}: ${error.message}`, ...locks].join("; ");
    return { database, error };
  }
}

async function backUp(job: Job, database: string): Promise<Stored> {
  const { settings, context } = job;
  const server = withDatabase(serverOf(settings), database);
  // Before the lease: a database that is not there leaves nothing behind, not even a lock.
  let session: Client | undefined = job.session ?? (await connect(server));
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
      const exporting = session ?? (await connect(server));
      const snapshot = await openSnapshot(exporting, server, lockWaitMs(settings), context.rowLimits);
      session = undefined;
      try {
        const stored = await storeSnapshot(job, server, snapshot, ready);
        return { ...stored, outages: [...job.outages, ...outages, ...stored.outages] };
      } catch (error) {
        if (!(error instanceof Unsettled) || attempt === SNAPSHOTS) throw error;
        context.progress.note(`${error.message}; taking another snapshot`);
      } finally {
        await snapshot.close();
      }
    }
  } finally {
    await Promise.all([session && disconnect(session), ...held.map(({ lease }) => lease.release())]);
  }
}
