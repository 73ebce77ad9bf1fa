import { ask } from "../assertions";
import { compareRestored } from "../compareRestored";
import type { RunContext } from "../context";
import { seal } from "../document";
import { FailedError, messageOf, NotRunError } from "../../../packages/command/errors";
import { Ladder } from "../ladder";
import type { VerifyOptions } from "../options";
import { planOmissions, superusersOnly, type LeftOut, type Omissions } from "../leaveOut";
import { rolesOf } from "../ownership";
import { amcheck } from "../postgres/amcheck";
import type { TablesComparison } from "../postgres/compare";
import { withClient } from "../postgres/connect";
import type { ServerConnection } from "../postgres/connection";
import { createDatabase, dropPublic, lacksPublic, localeOf } from "../postgres/databases";
import { findProgram, majorOf, restoreProgram } from "../../../packages/programs/postgres";
import { isRefusal, missingExtensions, readWhole } from "../postgres/pgRestore";
import { startRestore } from "../postgres/restoreArchive";
import { openScratch, type Scratch } from "../postgres/scratchDatabase";
import type { Settings } from "../settings";
import { contradiction, requireSpace, type SpooledArchive } from "../spool";
import { Stages } from "../stages";
import { findArchive, spoolArchive } from "../store/archiveSource";
import { select, writeReport } from "../store/catalogue";
import { choose, openTargets, type Chosen } from "../store/fleet";
import type { Store } from "../store/store";
import type { TocEntry } from "../postgres/toc";
import { VERIFICATION_FORMAT, type CatalogueEntry, type Manifest, type VerifyReport } from "../types";

export const DEFAULT_TIMEOUT_SECONDS = 7_200;

interface Run {
  settings: Settings;
  context: RunContext;
  store: Store;
  ladder: Ladder;
  stages: Stages;
  signal: AbortSignal;
  /** Comparison of the tables, begun when their rows were in. */
  begun?: Promise<TablesComparison>;
  leftOut?: readonly LeftOut[];
}

/**
 * Proves one backup, level by level, up to a restore on a scratch server with every table's content compared, and
 * stores the report beside the backup. A backup that fails is a result; only a run that could not begin throws.
 */
export async function runVerify(
  settings: Settings,
  options: VerifyOptions,
  context: RunContext,
): Promise<VerifyReport> {
  const places = await openTargets(settings, options.target);
  const pick = (catalogue: CatalogueEntry[]) => select(catalogue, options.backup, context.now());
  const chosen = await choose(places, options.backup, pick, context.progress.note);
  const { entry, place } = chosen;
  const { store } = place;
  const timeout = AbortSignal.timeout((options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000);
  const signal = AbortSignal.any([context.signal, timeout]);
  const through = options.through ?? "L6";
  const run: Run = {
    settings,
    context,
    store,
    ladder: new Ladder(through, signal),
    stages: new Stages(context),
    signal,
  };
  const where = places.length > 1 ? ` in target ${place.name}` : "";
  context.progress.note(`verification of ${entry.id}${where} starts`);
  const startedAt = context.now();
  const scratch: VerifyReport["scratch"] = { kind: "none", version: "" };
  const tables: VerifyReport["tables"] = [];
  await climb(run, chosen, options, scratch, tables);
  const endedAt = context.now();
  const report = seal<Omit<VerifyReport, "digest">>({
    format: VERIFICATION_FORMAT,
    id: entry.id,
    environment: settings.environment,
    database: entry.database,
    tier: entry.tier,
    verdict: run.ladder.verdict(),
    through,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    seconds: Math.max(0, (endedAt.getTime() - startedAt.getTime()) / 1000),
    manifestDigest: entry.manifest?.digest ?? null,
    scratch,
    stages: run.stages.list,
    checks: run.ladder.checks,
    tables,
  });
  if (options.record !== false) await writeReport(store, entry.container, report);
  return report;
}

async function climb(
  run: Run,
  { entry, manifest }: Pick<Chosen, "entry" | "manifest">,
  options: VerifyOptions,
  scratchFacts: VerifyReport["scratch"],
  tables: VerifyReport["tables"],
): Promise<void> {
  const { ladder, stages, signal, settings } = run;
  await ladder.check(
    "manifest",
    "L0",
    "a manifest with its own digest",
    () =>
      Promise.resolve({
        match: manifest !== undefined,
        expected: "a manifest with its own digest",
        actual: entry.problem ?? "a manifest with its own digest",
      }),
    true,
  );
  let spooled: SpooledArchive | undefined;
  let scratch: Scratch | undefined;
  try {
    const expectedDigest = manifest
      ? `${manifest.storedBytes} bytes, SHA-256 ${manifest.sha256}`
      : "the stored archive";
    await ladder.check(
      "archive-digest",
      "L0",
      expectedDigest,
      async () => {
        spooled = await stages.run(
          "download",
          (onBytes) => download(run, known(manifest), onBytes),
          manifest?.storedBytes,
        );
        const actual = `${spooled.storedBytes} bytes, SHA-256 ${spooled.sha256}`;
        return { match: actual === expectedDigest, expected: expectedDigest, actual };
      },
      true,
    );
    await ladder.check("archive-content", "L1", "the content the manifest describes", async () => {
      const expected = "the content the manifest describes";
      const { content } = known(spooled);
      const problem = "problem" in content ? content.problem : contradiction(content, known(manifest));
      return { match: problem === undefined, expected, actual: problem ?? expected };
    });
    await ladder.check(
      "archive-read",
      "L1",
      "pg_restore reads it to the end",
      async () => {
        const expected = "pg_restore reads it to the end";
        await stages.run("read archive", () =>
          readWhole(findProgram("pg_restore"), known(spooled).archive.path, signal),
        );
        return { match: true, expected, actual: expected };
      },
      true,
    );
    await ladder.check(
      "restore",
      "L2",
      "restored without an error",
      async () => {
        scratch = await stages.run("scratch server", () =>
          openScratch(settings, known(manifest), signal, run.context.progress.note),
        );
        Object.assign(scratchFacts, { kind: scratch.kind, version: scratch.version });
        const place = await restoreInto(run, scratch, known(manifest), known(spooled));
        return { match: true, expected: "restored without an error", actual: place };
      },
      true,
    );
    const place = () => ({ server: known(scratch).database, manifest: known(manifest) });
    const { begun, leftOut } = run;
    const compared = { jobs: settings.jobs, signal, begun, leftOut };
    tables.push(...(await compareRestored(ladder, stages, place, compared)));
    await askQuestions(run, options, place);
  } finally {
    spooled?.remove();
    await scratch?.stop();
  }
}

/** A value an earlier check produced; the barrier keeps later checks from running without it. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw new NotRunError("an earlier check did not get that far");
  return value;
}

async function download(
  run: Run,
  manifest: Manifest,
  onBytes: (bytes: number) => void,
): Promise<SpooledArchive> {
  const { store, settings, signal } = run;
  const archive = await findArchive(store, manifest).catch((error: unknown) => {
    throw new NotRunError(messageOf(error));
  });
  if (!archive) throw new FailedError(`the archive ${manifest.archive.blob} is missing`);
  if (archive.offline)
    throw new NotRunError("the archive is offline (Archive tier); a restore rehydrates it first");
  const needed =
    manifest.rawBytes +
    (run.ladder.wants("L2") && !settings.scratchServer ? manifest.server.databaseBytes : 0);
  requireSpace(settings.scratchDirectory, needed, "the verification");
  return (await spoolArchive(store, manifest, archive.blob, settings, signal, onBytes)).spooled;
}

async function restoreInto(
  run: Run,
  scratch: Scratch,
  manifest: Manifest,
  spooled: SpooledArchive,
): Promise<string> {
  const { content } = spooled;
  if ("problem" in content) throw new NotRunError("the archive cannot be read");
  const omissions = omissionsOn(scratch, content.entries);
  const kept = content.entries.filter(({ dumpId }) => !omissions.entries.has(dumpId));
  const pgRestore = restoreProgram(majorOf(manifest.runner.pgDump), majorOf(scratch.version));
  const locale = await withClient(scratch.maintenance, async (client) => {
    const missing = await missingExtensions(client, manifest.inventory);
    if (missing.length > 0)
      throw new NotRunError(`the scratch server lacks extensions: ${missing.join(", ")}`);
    const instead = await createDatabase(client, scratch.database.database, manifest);
    await scratch.created(client);
    return instead;
  });
  const provided = await scratch.provision(scratch.database.database, kept, manifest.inventory);
  if (lacksPublic(manifest, content.entries)) await dropPublic(scratch.database);
  await scratch.lendRoles(content.entries.filter(({ kind }) => kind !== "ACL").flatMap(rolesOf));
  try {
    const { jobs } = run.settings;
    const { signal } = run;
    const { built, compared } = startRestore({
      pgRestore,
      targetMajor: majorOf(scratch.version),
      server: scratch.database,
      archive: spooled.archive,
      directory: run.settings.scratchDirectory,
      manifest,
      jobs,
      leaveOut: new Set([...omissions.entries, ...provided]),
      compare: run.ladder.wants("L4"),
      signal,
    });
    run.begun = compared;
    await run.stages.run("restore", () => built);
  } catch (error) {
    if (!(error instanceof FailedError)) throw error;
    // Text may sort or match differently here; that says nothing about the backup.
    if (locale)
      throw new NotRunError(
        `without the locale ${localeOf(manifest)}, which is not installed here: ${error.message}`,
      );
    if (isRefusal(error.message) && !scratch.superuser) throw unproved(error.message);
    throw error;
  }
  run.leftOut = omissions.list;
  const without = omissions.list.map(({ kind, name }) => `${kind} ${name}`).join(", ");
  return [
    "restored without an error",
    ...(locale ? [`with locale ${locale} instead of ${localeOf(manifest)}`] : []),
    ...(without ? [`but for what only a superuser may create: ${without}`] : []),
  ].join(", ");
}

/** What cannot come back on a scratch server, whose restoring role is no superuser. */
function omissionsOn(scratch: Scratch, entries: readonly TocEntry[]): Omissions {
  try {
    return planOmissions(entries, scratch.superuser ? [] : superusersOnly(entries), []);
  } catch (error) {
    throw unproved(messageOf(error));
  }
}

const unproved = (problem: string) =>
  new NotRunError(
    `${problem}; only a superuser can restore this backup: name a server of its own, and such a role, in SCRATCH_DATABASE_URL`,
  );

async function askQuestions(
  run: Run,
  options: VerifyOptions,
  place: () => { server: ServerConnection; manifest: Manifest },
): Promise<void> {
  const { ladder, stages, signal, settings } = run;
  await ladder.check("amcheck", "L5", "no damage found", () =>
    stages.run("amcheck", () => amcheck(findProgram("pg_amcheck"), place().server, settings.jobs, signal)),
  );
  for (const assertion of options.assertions ?? []) {
    await ladder.check(assertion.id, "L6", "true", async () => {
      const { server, manifest } = place();
      return withClient(server, (client) => ask(client, assertion, manifest.snapshotAt));
    });
  }
}
