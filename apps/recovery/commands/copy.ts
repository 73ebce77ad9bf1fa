import { createHash } from "node:crypto";
import type { Command } from "commander";
import type { RunContext } from "../context";
import { retainUntil } from "../deliver";
import { seal } from "../document";
import {
  ExitCode,
  FailedError,
  LeaseHeldError,
  messageOf,
  UsageError,
} from "../../../packages/command/errors";
import type { CopyOptions } from "../options";
import { paced } from "../pace";
import { formatBytes } from "../progress";
import { table, type RunVerb } from "../runner";
import type { Settings } from "../settings";
import { ARRIVAL_MS, behind } from "../store/behind";
import { readManifest, writeManifest } from "../store/catalogue";
import { lockContainer } from "../store/containers";
import { openTargets, readFleet, recoveryError, type FleetEntry, type Place } from "../store/fleet";
import { takeLease, type Lease } from "../store/lease";
import { copyLockBlob, instantOf, lockBlob } from "../store/names";
import { uploadNew } from "../store/upload";
import type { CatalogueEntry, CopyResult, Manifest } from "../types";

/** A backup, where it is and where it is to go. */
interface Task {
  backup: FleetEntry;
  to: Place;
}

/**
 * Brings every target what it lacks: each missing archive is read from a target that holds it, compared with its manifest
 * on the way, and written as a backup is written, archive first and manifest last. Nothing is replaced. It keeps no backup
 * waiting: their lease is another one, and a backup that may itself still be on its way to a target is left to it.
 * @returns what became of each; targets that do not answer are among them
 */
export async function runCopy(
  settings: Settings,
  options: CopyOptions,
  context: RunContext,
): Promise<CopyResult[]> {
  const places = await openTargets(settings);
  for (const name of [options.from, options.to]) if (name !== undefined) requireTarget(settings, name);
  if (options.from !== undefined && options.from === options.to)
    throw new UsageError("--from and --to name the same target");
  const { backups, outages } = await readFleet(places);
  const results: CopyResult[] = outages
    .filter(({ target }) => options.to === undefined || options.to === target)
    .map(({ target, error }) => ({
      id: "",
      to: target,
      outcome: "failed",
      bytes: 0,
      problem: error.message,
    }));
  if (options.id !== undefined && !backups.some(({ id }) => id === options.id))
    throw new UsageError(`no backup "${options.id}" in the catalogue; see the verb list`);
  const down = new Set(outages.map(({ target }) => target));
  const tasks: Task[] = places
    .filter(({ name }) => !down.has(name) && (options.to === undefined || options.to === name))
    .flatMap((to) => behind(to, backups, context.now(), 0).map((backup) => ({ backup, to })))
    .filter(({ backup }) => options.id === undefined || backup.id === options.id)
    .filter(({ backup }) => options.database === undefined || backup.database === options.database);
  for (const task of tasks) {
    context.signal.throwIfAborted();
    results.push(await attempt(task, options, context));
  }
  return results;
}

function requireTarget(settings: Settings, name: string): void {
  const known = settings.targets.map((target) => target.name);
  if (!known.includes(name)) throw new UsageError(`target "${name}": unknown; allowed: ${known.join(", ")}`);
}

async function attempt(task: Task, options: CopyOptions, context: RunContext): Promise<CopyResult> {
  const { backup, to } = task;
  const result = { id: backup.id, to: to.name, bytes: 0 };
  const sources = backup.held.filter(
    ({ place, entry }) =>
      entry.manifest &&
      entry.verification?.verdict !== "FAIL" &&
      (options.from === undefined || options.from === place.name),
  );
  let lease: Lease | undefined;
  try {
    const container = lockContainer(to.settings);
    const { environment } = to.settings;
    lease = await takeLease(to.store, container, copyLockBlob(environment, backup.database), context);
    if (mayArrive(backup, to.settings, context.now())) {
      const running = to.store.lock(container, lockBlob(environment, backup.database));
      if ((await running.state()) === "held")
        throw new LeaseHeldError("a backup runs there, which may still bring it; the next copy looks again");
    }
    const problems: string[] = [];
    for (const source of sources) {
      try {
        const copied = await copyFrom(source, to, lease, context);
        return { ...result, from: source.place.name, outcome: "copied", ...copied };
      } catch (error) {
        context.signal.throwIfAborted();
        problems.push(`from ${source.place.name}: ${recoveryError(error).message}`);
      }
    }
    const problem = problems.join("; ") || `target ${options.from ?? ""} does not hold it`;
    return { ...result, outcome: "failed", problem };
  } catch (error) {
    context.signal.throwIfAborted();
    const outcome = error instanceof LeaseHeldError ? "busy" : "failed";
    return { ...result, outcome, problem: messageOf(error) };
  } finally {
    await lease?.release();
  }
}

/** Whether the run that made it may still be writing it to the target. */
function mayArrive({ held }: FleetEntry, { targetPatienceSeconds }: Settings, now: Date): boolean {
  const grace = Math.max(ARRIVAL_MS, 2 * targetPatienceSeconds * 1000);
  return held.some(({ entry: { manifest } }) => {
    const finished = Date.parse(manifest?.finishedAt ?? "");
    return now.getTime() - finished < grace;
  });
}

async function copyFrom(
  { place, entry }: { place: Place; entry: CatalogueEntry },
  to: Place,
  lease: Lease,
  context: RunContext,
): Promise<Pick<CopyResult, "bytes" | "resumedBytes">> {
  const container = to.settings.containers[entry.tier];
  if (!container) throw new FailedError(`${entry.id} cannot be copied`);
  const manifest = await readManifest(place.store, place.settings, entry);
  const { blob } = manifest.archive;
  const signal = AbortSignal.any([context.signal, lease.lost]);
  const locked = retainUntil(to, entry.tier, instantOf(entry.id) ?? context.now());
  context.progress.stage(`copy ${entry.id} from ${place.name} to ${to.name}`, manifest.storedBytes);
  try {
    let resumedBytes = 0;
    if (await to.store.find(container, blob)) await requireSame(to, container, manifest, signal);
    else {
      const task = { from: place, to, container, manifest, locked, lease, signal, context };
      resumedBytes = await copyArchive(task);
    }
    const { digest: _digest, ...rest } = manifest;
    const own = seal({ ...rest, archive: { ...rest.archive, container } });
    await lease.confirm();
    await writeManifest(to.store, container, own, locked);
    return { bytes: manifest.storedBytes, ...(resumedBytes > 0 && { resumedBytes }) };
  } finally {
    context.progress.done();
  }
}

/** A run that was killed may have left the archive and no manifest: if it is whole, only that is missing. */
async function requireSame(
  to: Place,
  container: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  const counter = new Counter(await to.store.open(container, manifest.archive.blob, signal));
  for await (const _ of counter);
  const problem = counter.problem(manifest);
  if (problem)
    throw new FailedError(
      `${container}/${manifest.archive.blob} is in the way: ${problem}; prune ends it after its retention`,
    );
}

/** @returns bytes that an earlier copy had brought there */
async function copyArchive({
  from,
  to,
  container,
  manifest,
  locked,
  lease,
  signal,
  context,
}: {
  from: Place;
  to: Place;
  container: string;
  manifest: Manifest;
  locked: Date;
  lease: Lease;
  signal: AbortSignal;
  context: RunContext;
}): Promise<number> {
  const { archive, storedBytes, tier } = manifest;
  const counter = new Counter(await from.store.open(archive.container, archive.blob, signal));
  const sink = to.store.blocks(container, archive.blob, {
    contentType: archive.encryption ? "application/octet-stream" : "application/zstd",
    retainUntil: locked,
    accessTier: tier === "monthly" && to.store.kind === "azure" ? to.settings.monthlyAccessTier : undefined,
    sha256: manifest.sha256,
  });
  let resumed = 0;
  await uploadNew(sink, archive.blob, paced(counter, to.settings.bandwidth, signal), {
    expectedBytes: storedBytes,
    signal,
    resumable: true,
    onResumed: (bytes) => (resumed = bytes),
    onProgress: context.progress.bytes,
    async beforeCommit() {
      const problem = counter.problem(manifest);
      if (problem) throw new FailedError(`the archive is damaged there: ${problem}`);
      await lease.confirm();
      return { sha256: manifest.sha256 };
    },
  }).catch((error: unknown) => {
    throw to.store.explain(signal.aborted ? signal.reason : error, `copy to "${container}"`);
  });
  if (resumed > 0)
    context.progress.note(`${manifest.id} to ${to.name}: ${formatBytes(resumed)} were there already`);
  return resumed;
}

/** Digests what passes through. */
class Counter implements AsyncIterable<Buffer> {
  private readonly hash = createHash("sha256");
  private bytes = 0;

  constructor(private readonly source: AsyncIterable<Buffer>) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for await (const part of this.source) {
      this.hash.update(part);
      this.bytes += part.length;
      yield part;
    }
  }

  /** What is wrong with what has passed; undefined when it is what the manifest says. To be asked once. */
  problem({ storedBytes, sha256 }: Manifest): string | undefined {
    const digest = this.hash.digest("hex");
    if (this.bytes === storedBytes && digest === sha256) return undefined;
    return `it has ${this.bytes} bytes with SHA-256 ${digest}, not those of its manifest`;
  }
}

interface CopyFlags {
  to?: string;
  from?: string;
  database?: string;
  json?: boolean;
}

export function registerCopy(program: Command, runVerb: RunVerb): void {
  program
    .command("copy")
    .description("bring targets the backups they lack, from those that hold them")
    .argument("[id]", "only this backup; see list")
    .option("--to <target>", "only to this target")
    .option("--from <target>", "only from this target")
    .option("--database <name>", "only backups of this database")
    .option("--json", "print what was done as one JSON array")
    .action((id: string | undefined, flags: CopyFlags) =>
      runVerb("copy", flags, ["store"], async (settings, context) => {
        const { to, from, database } = flags;
        const results = await runCopy(settings, { id, to, from, database }, context);
        const has = (outcome: CopyResult["outcome"]) => results.some((one) => one.outcome === outcome);
        const exitCode = has("failed") ? ExitCode.failed : has("busy") ? ExitCode.leaseHeld : ExitCode.ok;
        return { document: results, text: describe(results), exitCode };
      }),
    );
}

function describe(results: CopyResult[]): string {
  if (results.length === 0) return "every target holds what it should\n";
  const rows = results.map(({ outcome, id, from, to, bytes, problem }) => [
    outcome,
    id || "-",
    from ?? "-",
    to,
    bytes > 0 ? formatBytes(bytes) : "-",
    problem ?? "",
  ]);
  return table(["OUTCOME", "ID", "FROM", "TO", "STORED", "PROBLEM"], rows);
}
