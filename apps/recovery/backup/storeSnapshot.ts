import { secondsBetween, skewWarning } from "../clock";
import { requireComplete, requireUnchanged, unlessGone } from "../completeness";
import { Deferred } from "../deferred";
import { deliver, settle, type Held, type Stored } from "../deliver";
import { encrypting } from "../encryption";
import { FailedError, messageOf, CommandError } from "../../../packages/command/errors";
import { paced } from "../pace";
import { describeServer, type ServerConnection } from "../postgres/connection";
import { startDump } from "../postgres/dump";
import { openSource } from "../postgres/dumpSource";
import { lockWaitMs } from "../postgres/locks";
import type { Snapshot } from "../postgres/snapshot";
import { FanOut } from "../store/fanOut";
import { archiveBlob, newBackupId } from "../store/names";
import type { Manifest } from "../types";
import { describeBackup } from "./describe";
import type { Job } from "./job";

/**
 * Dumps a snapshot and stores it in every target that waits, from one stream.
 * @throws Unsettled when the database was changed under the snapshot, FailedError when no target holds it in the end
 */
export async function storeSnapshot(
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
  const source = await openSource(server, snapshot, {
    jobs: settings.backupJobs,
    lockWaitMs: lockWaitMs(settings),
    signal,
    onFailure: (error) => failed.abort(error),
  });
  const dump = startDump({
    server: source.server,
    snapshot: snapshot.name,
    encoding: snapshot.server.encoding,
    longRowBytes: snapshot.longRowBytes,
    apart: source.apart,
    programs,
    lockWaitMs: lockWaitMs(settings),
    signal,
    onRawBytes(total) {
      watchdog.refresh();
      context.progress.bytes(total);
    },
    onLocked() {
      unchanged = source.locked().then(() => requireUnchanged(snapshot));
      unchanged.catch((error: unknown) => failed.abort(error));
    },
  });
  const counting = snapshot.countRows(signal);
  counting.catch(() => undefined);
  const facts = snapshot.facts.then((found) => {
    for (const { kind, name, reason } of found.notDumped)
      context.progress.note(`warning: ${kind} ${name} is not in the backup: ${reason}`);
    return found;
  });
  facts.catch((error: unknown) => failed.abort(error));
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
    const manifest = describeBackup(job, server, snapshot, await facts, result, {
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
    if (cause instanceof CommandError && !(cause instanceof FailedError)) throw cause;
    throw unlessGone(cause instanceof FailedError ? cause : new FailedError(messageOf(cause)));
  } finally {
    await source.close();
    clearTimeout(watchdog);
    context.progress.done();
  }
}
