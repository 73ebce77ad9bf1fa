import type { ArchiveFile } from "./archiveFile";
import { compareRestored } from "./compareRestored";
import type { RunContext } from "./context";
import { FailedError, NotRunError } from "./errors";
import { Ladder } from "./ladder";
import type { RestoreOptions } from "./options";
import { planOwnership, type OwnershipPlan } from "./ownership";
import type { ArchiveToc } from "./postgres/archive";
import { withClient } from "./postgres/connect";
import { createDatabase } from "./postgres/databases";
import { missingExtensions } from "./postgres/pgRestore";
import { findProgram } from "./postgres/programs";
import { startRestore, type RunningRestore } from "./postgres/restoreArchive";
import { dropDatabase, type Target } from "./postgres/target";
import type { Settings } from "./settings";
import { contradiction, requireSpace, startSpool, type Spool, type SpooledArchive } from "./spool";
import type { Stages } from "./stages";
import { dropRehydrated, findArchive, openArchive, rehydrate } from "./store/archiveSource";
import type { BlobStore } from "./store/client";
import type { Manifest, TableMatch } from "./types";

interface Run {
  settings: Settings;
  context: RunContext;
  store: BlobStore;
  stages: Stages;
  manifest: Manifest;
}

/** What came of loading and comparing a backup; the ladder says whether its content is right. */
export interface Restored {
  rehydrateSeconds: number;
  plan: OwnershipPlan;
  warnings: string[];
  ladder: Ladder;
  tables: TableMatch[];
}

/** A restore that runs, and what was decided before it began. */
interface Loading {
  plan: OwnershipPlan;
  warnings: string[];
  running: RunningRestore;
}

/**
 * Fetches an archive, loads it and compares every table. Into a database of its own it loads while the archive is
 * still being fetched, provided the statements it is about to run are those of the manifest; what turns out to be
 * damaged later is dropped with the database.
 * @throws FailedError when the backup is damaged or the restore fails, NotRunError when it could not be done
 */
export async function restoreInto(run: Run, target: Target, options: RestoreOptions): Promise<Restored> {
  const { settings, context, store, stages, manifest } = run;
  const online = await onlineArchive(run, options.wait);
  const attempt = new Attempt(run, target);
  try {
    const spooled = await stages.run(
      "download",
      async (onBytes) => {
        const spool = startSpool({
          source: await openArchive(store, manifest, online.blob, attempt.signal),
          manifest,
          directory: settings.scratchDirectory,
          zstd: findProgram("zstd"),
          signal: attempt.signal,
          onBytes,
        });
        attempt.beginEarly(spool);
        return spool.spooled;
      },
      manifest.storedBytes,
    );
    if (online.offline) await dropRehydrated(store, manifest, context);
    const problem = damage(spooled, manifest);
    if (problem) throw new FailedError(`backup ${manifest.id} is damaged: ${problem}; nothing was restored`);
    const { plan, warnings, running } = await attempt.begun(spooled);
    await stages.run("restore", () => running.built);
    const ladder = new Ladder("L4", context.signal);
    const place = () => ({ server: target.working, manifest });
    const { jobs } = settings;
    const { signal } = context;
    const tables = await compareRestored(ladder, stages, place, { jobs, signal, begun: running.compared });
    await stages.run("analyze", () => withClient(target.working, (client) => client.query("ANALYZE")));
    return { rehydrateSeconds: online.rehydrateSeconds, plan, warnings, ladder, tables };
  } catch (error) {
    await attempt.undo(error);
    throw error;
  } finally {
    await attempt.clean();
  }
}

/** What has been started for one restore, so that it can be ended and undone. */
class Attempt {
  readonly signal: AbortSignal;
  private readonly failed = new AbortController();
  private spool: Spool | undefined;
  private early: Promise<Loading | undefined> | undefined;
  private loading: Loading | undefined;
  private wroteTo = false;

  constructor(
    private readonly run: Run,
    private readonly target: Target,
  ) {
    this.signal = AbortSignal.any([run.context.signal, this.failed.signal]);
  }

  /** Begins to load what is being fetched, if a damaged archive can do no harm. */
  beginEarly(spool: Spool): void {
    this.spool = spool;
    const expected = this.run.manifest.tocSha256;
    // Somebody's own database, if only an empty one, is not touched before the whole archive is known to be right.
    if (this.target.kind === "empty" || expected === undefined) return;
    const begin = async () => {
      const toc = await spool.archive.whenListed().catch(() => undefined);
      return toc?.tocSha256 === expected ? this.begin(spool.archive, toc) : undefined;
    };
    this.early = begin();
    this.early
      .then((loading) => loading?.running.built.catch((error: unknown) => this.giveUp(error)))
      .catch((error: unknown) => this.failed.abort(error));
  }

  /** The restore that runs; it begins now unless it has begun. */
  async begun({ archive, content }: SpooledArchive): Promise<Loading> {
    if ("problem" in content) throw new FailedError(content.problem);
    return (await this.early) ?? this.begin(archive, content);
  }

  /** Ends everything and leaves no database that somebody may take for restored. */
  async undo(error: unknown): Promise<void> {
    this.failed.abort(error);
    await this.early?.catch(() => undefined);
    const { loading, target } = this;
    await Promise.allSettled([loading?.running.built, loading?.running.compared]);
    if (!this.wroteTo) return;
    if (target.kind === "empty") {
      this.run.context.progress.note(
        `database "${target.working.database}" holds part of a restore: drop it`,
      );
    } else {
      await dropDatabase(target.maintenance, target.working.database);
    }
  }

  async clean(): Promise<void> {
    const spooled = await this.spool?.spooled.catch(() => undefined);
    spooled?.remove();
  }

  private async begin(archive: ArchiveFile, toc: ArchiveToc): Promise<Loading> {
    const { settings, manifest } = this.run;
    const warnings: string[] = [];
    const plan = await this.prepare(toc, warnings);
    this.signal.throwIfAborted();
    this.wroteTo = true;
    const running = startRestore({
      pgRestore: findProgram("pg_restore"),
      server: this.target.working,
      archive,
      manifest,
      jobs: settings.jobs,
      keepOwnership: plan.keep,
      compare: true,
      signal: this.signal,
    });
    this.loading = { plan, warnings, running };
    return this.loading;
  }

  /** A server that cannot go on ends the download; any other failure may be the archive's, which its digest tells. */
  private giveUp(error: unknown): void {
    if (error instanceof NotRunError) this.failed.abort(error);
  }

  private async prepare({ entries }: ArchiveToc, warnings: string[]): Promise<OwnershipPlan> {
    const { target } = this;
    const { manifest } = this.run;
    return withClient(target.maintenance, async (client) => {
      const missing = await missingExtensions(client, manifest.inventory);
      if (missing.length > 0) {
        throw new FailedError(
          `the server does not offer the extensions ${missing.join(", ")}; allow them first (azure.extensions)`,
        );
      }
      const plan = await planOwnership(client, entries, manifest.inventory);
      if (!plan.keep) {
        const reasons = [
          ...plan.missingRoles.map((role) => `role ${role} does not exist`),
          ...plan.foreignOwners.map((role) => `the restoring role is no member of ${role}`),
        ];
        warnings.push(`owners and grants are not restored: ${reasons.join(", ")}`);
      }
      if (target.kind !== "empty") {
        const locale = await createDatabase(client, target.working.database, manifest.server);
        this.wroteTo = true;
        if (locale)
          warnings.push(
            `the server has no locale ${manifest.server.collate}; ${locale} is used: text may sort differently`,
          );
      }
      return plan;
    });
  }
}

/** The archive's name in the store, once it is online there. */
async function onlineArchive(
  run: Run,
  wait: RestoreOptions["wait"],
): Promise<{ blob: string; offline: boolean; rehydrateSeconds: number }> {
  const { settings, context, store, stages, manifest } = run;
  const archive = await findArchive(store, manifest);
  if (!archive) throw new FailedError(`the archive of ${manifest.id} is missing: ${manifest.archive.blob}`);
  requireSpace(settings.scratchDirectory, manifest.rawBytes, "the restore");
  if (!archive.offline) return { ...archive, rehydrateSeconds: 0 };
  const waitedFrom = context.now().getTime();
  const blob = await stages.run("rehydrate", () => rehydrate(store, manifest, context, wait));
  return { blob, offline: true, rehydrateSeconds: (context.now().getTime() - waitedFrom) / 1000 };
}

function damage(spooled: SpooledArchive, manifest: Manifest): string | undefined {
  if (spooled.storedBytes !== manifest.storedBytes || spooled.sha256 !== manifest.sha256) {
    return `the archive has ${spooled.storedBytes} bytes with SHA-256 ${spooled.sha256}, not those of its manifest`;
  }
  return "problem" in spooled.content ? spooled.content.problem : contradiction(spooled.content, manifest);
}
