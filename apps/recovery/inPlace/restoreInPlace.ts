import type { Client } from "pg";
import { FailedError, UsageError } from "../../../packages/command/errors";
import { Ladder } from "../ladder";
import { planOmissions, type Omissions } from "../leaveOut";
import type { RestoreOptions } from "../options";
import { planOwnership, type OwnershipPlan } from "../ownership";
import type { TablesComparison } from "../postgres/compare";
import { connect, disconnect, withClient } from "../postgres/connect";
import { withDatabase, type ServerConnection } from "../postgres/connection";
import { wantedEntries, type RestoreProgram } from "../postgres/pgRestore";
import { besideName, reachable } from "../postgres/target";
import { isReadOnly } from "../postgres/properties";
import { quotedName, type TocEntry } from "../postgres/toc";
import { leaseName, type NameLease } from "../postgres/unfinished";
import { majorOf, restoreProgram } from "../../../packages/programs/postgres";
import { probeRoles } from "../probe";
import { majorVersion, onlineArchive, type Run } from "../restoreInto";
import { requireRoles } from "../restorePreparation";
import { manifestOf, selectEntries, type Selection } from "../selection";
import { damageOf, type SpooledArchive } from "../spool";
import { dropRehydrated, spoolArchive } from "../store/archiveSource";
import type { RestoreResult } from "../types";
import { decideActing, type Acting } from "./acting";
import { RowsBefore } from "./before";
import { partsOf, sqlName, tableName, type Parts } from "./parts";
import { replaceRows } from "./replaceRows";

/** What a restore in place reports, but for how long it took. */
type Result = Omit<RestoreResult, "seconds" | "stages">;

/**
 * Puts tables of a backup in the place of those of a database that is in use: rows of tables that are there are replaced,
 * tables that are gone are made, with everything that is theirs. All of it happens or none.
 * @throws UsageError unless the database's name was typed
 * @throws FailedError when references would break, columns would be lost, or the tables cannot be had
 */
export async function restoreInPlace(
  run: Run,
  server: ServerConnection,
  options: RestoreOptions,
): Promise<Result> {
  const { to, only, inPlace } = options;
  if (!only) throw new UsageError("--in-place: name what is restored with --table or --schema");
  if (options.replace !== undefined || options.masking)
    throw new UsageError("--in-place goes with neither --replace nor --mask");
  if (inPlace !== to)
    throw new UsageError(
      `--in-place: "${inPlace ?? ""}" was typed, the database is "${to}"; nothing was changed`,
    );
  const { context, stages } = run;
  const live = withDatabase(server, to);
  const maintenance = await reachable(server);
  const spooled = await fetchWhole(run, options);
  try {
    if ("problem" in spooled.content) throw new FailedError(spooled.content.problem);
    const { entries: all } = spooled.content;
    const selection = selectEntries(all, only);
    const lease = await leaseName(maintenance, to, context.progress.note);
    try {
      return await stages.run("replace", () =>
        withClient(live, (client) =>
          new InPlace(run, { live, maintenance, lease, options, selection, spooled }).work(client, all),
        ),
      );
    } finally {
      await lease.release();
    }
  } finally {
    spooled.remove();
  }
}

/** The archive, all of it there and undamaged. */
async function fetchWhole(run: Run, options: RestoreOptions): Promise<SpooledArchive> {
  const { settings, context, store, stages, manifest } = run;
  const online = await onlineArchive(run, options.wait);
  const spooled = await stages.run(
    "download",
    async (onBytes) =>
      (await spoolArchive(store, manifest, online.blob, settings, context.signal, onBytes)).spooled,
    manifest.storedBytes,
  );
  if (online.offline) await dropRehydrated(store, manifest, context);
  const problem = damageOf(spooled, manifest);
  if (!problem) return spooled;
  spooled.remove();
  throw new FailedError(`backup ${manifest.id} is damaged: ${problem}; nothing was changed`);
}

/** What was decided before anything is changed. */
interface Decided {
  parts: Parts;
  plan: OwnershipPlan;
  omissions: Omissions;
  program: RestoreProgram;
  acting: Acting;
}

class InPlace {
  constructor(
    private readonly run: Run,
    private readonly at: {
      live: ServerConnection;
      maintenance: ServerConnection;
      lease: NameLease;
      options: RestoreOptions;
      selection: Selection;
      spooled: SpooledArchive;
    },
  ) {}

  async work(client: Client, all: readonly TocEntry[]): Promise<Result> {
    const { settings, context, manifest } = this.run;
    const { options, selection, spooled } = this.at;
    const parts = await partsOf(client, all, selection);
    const plan = await planOwnership(client, parts.fresh);
    const omissions = planOmissions(parts.fresh, options.skip ?? [], plan.missingRoles);
    if (omissions.loose.checks.length + omissions.loose.foreignKeys.length > 0)
      throw new UsageError(
        "--skip constraint: not with --in-place: tables that are there keep their constraints",
      );
    requireRoles(plan, omissions);
    parts.fresh = parts.fresh.filter(({ dumpId }) => !omissions.entries.has(dumpId));
    const program: RestoreProgram = {
      pgRestore: restoreProgram(majorOf(manifest.runner.pgDump), await majorVersion(client)),
      server: this.at.maintenance,
      file: spooled.archive.path,
      directory: settings.scratchDirectory,
      jobs: 1,
      signal: context.signal,
    };
    const acting = await decideActing(client, { ...this.at, database: options.to }, parts, plan);
    try {
      return await this.replace(client, { parts, plan, omissions, program, acting }, all);
    } finally {
      await acting.loader?.drop(context.progress.note);
    }
  }

  private async replace(
    client: Client,
    { parts, plan, omissions, program, acting }: Decided,
    all: readonly TocEntry[],
  ): Promise<Result> {
    const { settings, context, manifest } = this.run;
    const { live, lease, options, selection, spooled } = this.at;
    const { loader, borrowed } = acting;
    const lines = wantedEntries(all);
    const list = selection.entries.flatMap(({ dumpId }) => lines.get(dumpId) ?? []);
    const data = selection.entries.filter(({ kind, hasData }) => kind === "TABLE DATA" && hasData);
    const expected = manifestOf(manifest, selection);
    const name = await besideName(client, options.to, "before", context.now());
    let before: RowsBefore | undefined;
    let compared: TablesComparison;
    const worker = loader ? await connect(loader.enter(live)) : client;
    const stop = () => worker.connection.stream.destroy();
    context.signal.addEventListener("abort", stop, { once: true });
    try {
      const part = { entries: selection.entries, list };
      if (parts.existing.length > 0)
        before = await RowsBefore.make(name, expected, program, part, lease, loader);
      const replacement = {
        ...{ archive: spooled.archive, manifest: expected, parts, data, plan, program, lines },
        ...{ borrowed, asking: client },
        sequences: selection.entries.filter(({ kind }) => kind === "SEQUENCE SET"),
        note: context.progress.note,
      };
      compared = await replaceRows(worker, replacement, before);
    } catch (error) {
      await disconnect(worker);
      await before?.drop();
      context.signal.throwIfAborted();
      throw error;
    } finally {
      context.signal.removeEventListener("abort", stop);
    }
    // From here on it is done, whatever else may fail.
    if (worker !== client) await disconnect(worker);
    await loader?.leave();
    if (before?.isEmpty) await before.drop();
    else await before?.finish(options.to, manifest.id);
    const names = data.map(sqlName);
    if (names.length > 0) await client.query(`ANALYZE ${names.join(", ")}`);
    const ladder = new Ladder("L4", context.signal);
    await ladder.check("fingerprints", "L4", compared.expected, () => Promise.resolve(compared));
    const standIn = await loader?.dismiss(options.to);
    const warnings: string[] = acting.warning === undefined ? [] : [acting.warning];
    if (settings.probes.length > 0)
      await probeRoles(ladder, settings.probes, live.database, isReadOnly(manifest.properties));
    else
      warnings.push(
        "no role was tried: the platform's connection strings are not set (PROBE_API_URL and others)",
      );
    const leftOut = [...parts.leftOut, ...omissions.list];
    warnings.push(...leftOut.map(({ kind, name: own, reason }) => `${kind} ${own} is left out: ${reason}`));
    const previous = before && !before.isEmpty ? before.database : undefined;
    return {
      id: manifest.id,
      database: options.to,
      fingerprints: "match",
      verdict: ladder.verdict(),
      snapshotAt: manifest.snapshotAt,
      rehydrateSeconds: 0,
      ownership: plan.keep ? "kept" : "restoring-role",
      missingRoles: plan.missingRoles,
      leftOut,
      standIn,
      previousDatabase: previous,
      inPlace: data.map((entry) => ({
        table: tableName(entry),
        before: before?.rows.get(entry.dumpId) ?? null,
        after: expected.tables.find(({ name: own }) => own === quotedName(entry))?.rows ?? 0,
      })),
      warnings,
      checks: ladder.checks,
      tables: compared.tables,
      nextSteps: await nextSteps(client, parts, previous),
    };
  }
}

async function nextSteps(client: Client, { existing, fresh }: Parts, previous?: string): Promise<string[]> {
  const { rows } = await client.query<{ view: string }>(
    `SELECT DISTINCT r.ev_class::regclass::text AS view FROM pg_catalog.pg_rewrite r
       JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind = 'm'
       JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
     WHERE d.refobjid IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS w(name)) ORDER BY 1`,
    [existing.map(sqlName)],
  );
  const made = fresh.filter(({ kind }) => kind === "TABLE").map(tableName);
  return [
    ...rows.map(({ view }) => `Refresh ${view}, which was computed from the rows before.`),
    ...(made.length > 0
      ? [`Views and functions that were dropped with ${made.join(", ")} are made again by a migration.`]
      : []),
    ...(previous
      ? [
          `What came since the backup is in database "${previous}", with the rows as they were: take from it what is missing, and drop it once whoever owns the data agrees.`,
        ]
      : []),
    "Back up, and verify that backup.",
  ];
}
