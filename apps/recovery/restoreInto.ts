import type { ArchiveFile } from "./archiveFile";
import { compareRestored } from "./compareRestored";
import type { RunContext } from "./context";
import type { Client } from "pg";
import { FailedError, NotRunError } from "../../packages/command/errors";
import { Ladder } from "./ladder";
import type { LeftOut } from "./leaveOut";
import { addressesInDefinitions } from "./mask/definitions";
import type { OwnershipPlan } from "./ownership";
import type { RestoreOptions } from "./options";
import type { ArchiveToc } from "./postgres/archive";
import { withClient } from "./postgres/connect";
import { withDatabase, type ServerConnection } from "./postgres/connection";
import { makeLoader, type Loader } from "./postgres/loader";
import { createDatabase, dropPublic, lacksPublic, localeOf } from "./postgres/databases";
import { isReadOnly, readProperties, restoreProperties } from "./postgres/properties";
import { majorOf, restoreProgram } from "../../packages/programs/postgres";
import { restoreRights } from "./postgres/rights";
import { startRestore } from "./postgres/restoreArchive";
import type { RunningRestore } from "./postgres/restoreTask";
import { copyEmpty, type Target } from "./postgres/target";
import type { TocEntry } from "./postgres/toc";
import { dropUnfinished, type NameLease } from "./postgres/unfinished";
import { probeRoles } from "./probe";
import { prepareRestore, type Preparation } from "./restorePreparation";
import type { Settings } from "./settings";
import { damageOf, requireSpace, type Spool, type SpooledArchive } from "./spool";
import type { Stages } from "./stages";
import { dropRehydrated, findArchive, rehydrate, spoolArchive } from "./store/archiveSource";
import type { Store } from "./store/store";
import type { DatabaseProperties, Manifest, TableMatch } from "./types";

export interface Run {
  settings: Settings;
  context: RunContext;
  store: Store;
  stages: Stages;
  manifest: Manifest;
}

/** What came of loading and comparing a backup; the ladder says whether its content is right. */
export interface Restored {
  rehydrateSeconds: number;
  plan: OwnershipPlan;
  warnings: string[];
  /** What was not brought back, each with its reason. */
  leftOut: LeftOut[];
  ladder: Ladder;
  tables: TableMatch[];
  /** Role without login that owns what has no owner on this server. */
  standIn?: string;
  /** What the database is to have that holds the content: the backup's, or those of the empty one it replaces. */
  properties?: DatabaseProperties;
}

/** A restore that runs, and what was decided before it began. */
interface Loading extends Preparation {
  running: RunningRestore;
  /** The database as who loads it enters it. */
  loaded: ServerConnection;
  loader?: Loader;
  properties?: DatabaseProperties;
}

/**
 * Fetches an archive, loads it into a database of its own and compares every table. It loads while the archive is still
 * being fetched, provided the statements it is about to run are those of the manifest; what turns out to be damaged
 * later is dropped with the database.
 * @throws FailedError when the backup is damaged or the restore fails, NotRunError when it could not be done
 */
export async function restoreInto(
  run: Run,
  target: Target,
  lease: NameLease,
  options: RestoreOptions,
): Promise<Restored> {
  const { settings, context, store, stages, manifest } = run;
  const online = await onlineArchive(run, options.wait);
  const attempt = new Attempt(run, target, lease, options);
  try {
    const spooled = await stages.run(
      "download",
      async (onBytes) => {
        const spool = await spoolArchive(store, manifest, online.blob, settings, attempt.signal, onBytes);
        attempt.beginEarly(spool);
        return spool.spooled;
      },
      manifest.storedBytes,
    );
    if (online.offline) await dropRehydrated(store, manifest, context);
    const problem = damageOf(spooled, manifest);
    if (problem) throw new FailedError(`backup ${manifest.id} is damaged: ${problem}; nothing was restored`);
    const loading = await attempt.begun(spooled);
    const { plan, warnings, running, leftOut, notDumped, entries, properties, expected } = loading;
    const { loaded, loader } = loading;
    await stages.run("restore", () => running.built);
    // Beside the comparison, which leaves a processor to it towards its end.
    const analyzed = withClient(loaded, (client) => client.query("ANALYZE"));
    analyzed.catch(() => undefined);
    const ladder = new Ladder("L4", context.signal);
    const place = () => ({ server: loaded, manifest: expected });
    const { jobs } = settings;
    const { signal } = context;
    const tables = await compareRestored(ladder, stages, place, {
      jobs,
      signal,
      begun: running.compared,
      leftOut,
      part: options.only !== undefined,
    });
    await stages.run("analyze", () => analyzed);
    const { database } = target.working;
    await loader?.leave();
    await loader?.handBack(database);
    await ladder.check("rights", "L3", "owners and grants as dumped", () =>
      stages.run("rights", async () => {
        const { owners, grants, problems } = await restoreRights(target.working, entries, plan);
        const expected = `${owners} owners and ${grants} grants as dumped`;
        const more = problems.length > 5 ? `; and ${problems.length - 5} more` : "";
        const actual = problems.length === 0 ? expected : problems.slice(0, 5).join("; ") + more;
        return { match: problems.length === 0, expected, actual };
      }),
    );
    const standIn = await loader?.dismiss(database);
    if (standIn !== undefined)
      warnings.push(
        `what has no owner on this server belongs to role ${standIn}, which was made without login`,
      );
    if (properties) {
      const restore = (client: Client) => restoreProperties(client, target.working.database, properties);
      warnings.push(...(await withClient(target.maintenance, restore)));
    }
    // Of a part nobody expects that an application can work with it.
    if (options.only) {
      context.progress.note("no role was tried: this is a part of the backup");
    } else if (settings.probes.length > 0) {
      await stages.run("roles", () =>
        probeRoles(ladder, settings.probes, target.working.database, isReadOnly(properties)),
      );
    } else {
      warnings.push(
        "no role was tried: the platform's connection strings are not set (PROBE_API_URL and others)",
      );
    }
    const { rehydrateSeconds } = online;
    return {
      ...{ rehydrateSeconds, plan, warnings, ladder, tables, standIn, properties },
      leftOut: [...leftOut, ...notDumped],
    };
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
  private loader: Loader | undefined;

  constructor(
    private readonly run: Run,
    private readonly target: Target,
    private readonly lease: NameLease,
    private readonly options: RestoreOptions,
  ) {
    this.signal = AbortSignal.any([run.context.signal, this.failed.signal]);
  }

  /** Begins to load what is being fetched, if a damaged archive can do no harm. */
  beginEarly(spool: Spool): void {
    this.spool = spool;
    const expected = this.run.manifest.tocSha256;
    if (expected === undefined) return;
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
    const { note } = this.run.context.progress;
    if (this.wroteTo) await dropUnfinished(target.maintenance, target.working.database, note);
    await this.loader?.drop(note);
  }

  async clean(): Promise<void> {
    const spooled = await this.spool?.spooled.catch(() => undefined);
    spooled?.remove();
  }

  private async begin(archive: ArchiveFile, toc: ArchiveToc): Promise<Loading> {
    const { settings, manifest } = this.run;
    const { maintenance } = this.target;
    const { prepared, major, properties } = await withClient(maintenance, async (client) => {
      const ready = await prepareRestore(client, this.target, manifest, toc.entries, this.options);
      this.loader = await makeLoader(maintenance, this.lease);
      const own = await this.makeDatabase(client, toc.entries, ready.warnings);
      return { prepared: ready, major: await majorVersion(client), properties: own };
    });
    this.signal.throwIfAborted();
    const { working } = this.target;
    const { database } = working;
    const { loader } = this;
    await loader?.settle(database);
    const provision = this.options.provision ?? loader?.provision;
    const provided = await provision?.(database, prepared.entries, manifest.inventory);
    const loaded = loader?.enter(working) ?? working;
    const pgRestore = restoreProgram(majorOf(manifest.runner.pgDump), major);
    const directory = settings.scratchDirectory;
    if (this.options.masking) {
      const reading = { pgRestore, file: archive.path, directory, signal: this.signal };
      prepared.warnings.push(...(await addressesInDefinitions(reading, prepared.entries)));
    }
    const running = startRestore({
      pgRestore,
      server: loaded,
      archive,
      manifest: prepared.expected,
      jobs: settings.jobs,
      directory,
      leaveOut: new Set([...prepared.without, ...(provided ?? [])]),
      loose: prepared.loose,
      targetMajor: major,
      compare: true,
      masking: this.options.masking,
      signal: this.signal,
    });
    this.loading = { ...prepared, properties, running, loaded, loader };
    return this.loading;
  }

  /** A server that cannot go on ends the download; any other failure may be the archive's, which its digest tells. */
  private giveUp(error: unknown): void {
    if (error instanceof NotRunError) this.failed.abort(error);
  }

  /** @returns what belongs to the database that will have the content */
  private async makeDatabase(
    client: Client,
    entries: readonly TocEntry[],
    warnings: string[],
  ): Promise<DatabaseProperties | undefined> {
    const { target, lease, loader } = this;
    const { manifest } = this.run;
    this.wroteTo = true;
    if (target.kind === "empty") {
      await copyEmpty(client, target, loader?.role);
      await lease.mark(client, target.working.database);
      return withClient(withDatabase(target.working, target.name), readProperties);
    }
    const locale = await createDatabase(client, target.working.database, manifest, loader?.role);
    await lease.mark(client, target.working.database);
    if (lacksPublic(manifest, entries)) await dropPublic(target.working);
    if (locale)
      warnings.push(
        `the server has no locale ${localeOf(manifest)}; ${locale} is used: text may sort differently`,
      );
    return manifest.properties;
  }
}

export async function majorVersion(client: Client): Promise<number> {
  const { rows } = await client.query<{ major: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  );
  return rows[0]?.major ?? 0;
}

/** The archive's name in the store, once it is online there. */
export async function onlineArchive(
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
