import { DatabaseError, type Client } from "pg";
import { FailedError, messageOf, CommandError } from "../../../packages/command/errors";
import { TableMasker } from "../mask/masker";
import { requireRulesOfParts } from "../mask/parts";
import { Slots } from "../slots";
import type { TableFingerprint } from "../types";
import { TablesComparer, type TablesComparison } from "./compare";
import { connect, disconnect } from "./connect";
import { loadTable } from "./copyIn";
import { EarlyRows } from "./earlyRows";
import { giveChecks, makeLooseKey, takeCheck } from "./looseConstraints";
import { makeNullable } from "./nullable";
import {
  RESTORE_SETTINGS,
  restoreProblem,
  restoreSection,
  scriptOf,
  wantedEntries,
  type RestoreProgram,
} from "./pgRestore";
import { searchPathOf } from "./properties";
import { builtAlone, planRestore, type PlannedTable } from "./restorePlan";
import type { RestoreTask, RunningRestore } from "./restoreTask";
import { sectionsOf, type TocEntry } from "./toc";

/** What the server says of a materialized view that reads another one before that is filled. */
const NOT_POPULATED = /has not been populated/;

/** Kinds that are an index, or made with one. */
const OF_INDEXES = new Set(["INDEX", "CONSTRAINT"]);

/** Lower ones go first; what makes a table usable goes before both, the largest table first. */
const RANK = { others: 0, comparison: 1 };

/**
 * Loads an archive into an empty database, table by table, while its file may still be growing: a table's keys and
 * indexes are built as soon as its rows are in, beside the loading of others, and its content is compared as soon as
 * nothing more urgent waits. At most `jobs` of these run at a time.
 * @throws in its promises: FailedError when the restore fails, NotRunError when the server's disk is full
 */
export function startRestore(task: RestoreTask): RunningRestore {
  const restore = new Restore(task);
  const built = restore.run();
  // Whoever waits for the one learns of the other's failure there.
  const compared = built.then(() => restore.comparison());
  for (const promise of [built, compared]) promise.catch(() => undefined);
  return { built, compared };
}

class Restore {
  private readonly early = new EarlyRows();
  private readonly broken = new AbortController();
  private readonly slots: Slots;
  private readonly signal: AbortSignal;
  private readonly program: RestoreProgram;
  private readonly idle: Client[] = [];
  private readonly comparer: TablesComparer;
  private readonly begun: Promise<void>[] = [];
  private readonly comparisons: Promise<void>[] = [];

  constructor(private readonly task: RestoreTask) {
    this.signal = AbortSignal.any([task.signal, this.broken.signal]);
    this.slots = new Slots(task.jobs);
    this.program = { ...task, file: task.archive.path, signal: this.signal };
    this.comparer = new TablesComparer(task.manifest);
  }

  async run(): Promise<void> {
    try {
      await this.build();
    } catch (error) {
      this.broken.abort(error);
      // Nothing may still be writing when a restore has failed.
      await Promise.allSettled(this.begun);
      await this.disconnect();
      this.task.signal.throwIfAborted();
      throw this.broken.signal.reason;
    }
  }

  async comparison(): Promise<TablesComparison> {
    try {
      await Promise.all(this.comparisons);
      return this.comparer.result();
    } finally {
      await this.disconnect();
    }
  }

  private async build(): Promise<void> {
    const { archive, manifest, leaveOut } = this.task;
    const { entries } = await archive.whenListed();
    // The transfer keeps a processor busy, and the table that is loaded beside it is the first of the longest chain.
    void this.begin(this.slots.run(-Infinity, () => archive.whenComplete()));
    const wanted = wantedEntries(entries);
    const { checks = [], foreignKeys = [] } = this.task.loose ?? {};
    const keys = foreignKeys.flatMap(({ dumpId }) => wanted.get(dumpId) ?? []);
    for (const id of leaveOut ?? []) wanted.delete(id);
    const plan = planRestore(entries, manifest.tables);
    const sections = sectionsOf(entries);
    const [unmasked] = this.task.masking ? plan.others : [];
    if (unmasked)
      throw new FailedError(
        `the rows of ${unmasked.name} cannot be masked: they are not loaded one table at a time`,
      );
    const lines = (want: (id: number) => boolean) =>
      [...wanted].filter(([id]) => want(id)).map(([, line]) => line);
    await restoreSection(
      this.program,
      "pre-data",
      lines(() => true),
      1,
    );

    const taken = await this.connected(async (client) => {
      if (this.task.masking) await requireRulesOfParts(client, this.task.masking.rules, manifest.tables);
      await makeNullable(client, manifest.nullable);
      const each = [];
      for (const name of checks) each.push(...(await takeCheck(client, name)));
      return each;
    });

    const loaded = new Set(plan.tables.map(({ entry }) => entry.dumpId));
    const alone = builtAlone(plan);
    const indexes: Promise<void>[] = [];
    const loading = plan.tables.map((table) => this.table(table, wanted, indexes));
    const built = (id: number) => sections.get(id) === "post-data";
    const between = (id: number) =>
      built(id) && !alone.has(id) && !plan.last.has(id) && !plan.secured.has(id);
    const forRows = new Set(
      entries.flatMap(({ dumpId, kind }) =>
        between(dumpId) && !plan.oneByOne.has(dumpId) && OF_INDEXES.has(kind) ? [dumpId] : [],
      ),
    );
    const { jobs } = this.task;
    const rest = this.early.rest(searchPathOf(manifest), async (late) => {
      const others = plan.tables.flatMap(({ fingerprint }, at) =>
        late.has(fingerprint.name) ? [] : loading[at],
      );
      await Promise.all([...others, archive.whenComplete()]);
      await Promise.all(indexes);
      await this.postData(
        lines((id) => forRows.has(id)),
        jobs,
      );
    });
    void this.begin(rest.then(() => undefined));
    const others = this.otherData(
      entries.filter(
        ({ dumpId, section }) => section === "data" && !loaded.has(dumpId) && wanted.has(dumpId),
      ),
      lines((id) => !loaded.has(id)),
      plan.others,
    );
    await Promise.all([...loading, others].map((part) => this.begin(part)));
    const indexed = await rest;
    const last = (id: number) => built(id) && plan.last.has(id);
    indexes.push(
      this.begin(
        this.slots.run(RANK.others, () =>
          this.postData(
            lines((id) => between(id) && !plan.oneByOne.has(id) && !(indexed && forRows.has(id))),
            jobs,
          ),
        ),
      ),
    );
    await Promise.all(indexes);
    await this.postData(
      lines((id) => between(id) && plan.oneByOne.has(id)),
      1,
    );
    await this.postData(
      lines((id) => last(id) && plan.oneByOne.has(id)),
      1,
    );
    await this.postData(
      lines((id) => last(id) && !plan.oneByOne.has(id) && !plan.refreshed.has(id)),
      jobs,
    );
    // Before policies are in force, which may hide from the tables' owner what the views were computed from.
    await this.refresh(lines((id) => plan.refreshed.has(id)));
    await this.secure(lines((id) => plan.secured.has(id)));
    await this.connected((client) => giveChecks(client, taken));
    for (const line of keys) await this.looseKey(line);
  }

  private async secure(list: string[]): Promise<void> {
    if (list.length > 0) await Promise.all(this.comparisons);
    await this.postData(list, this.task.jobs);
  }

  private async looseKey(line: string): Promise<void> {
    const script = await scriptOf(this.program, "post-data", [line]);
    await this.connected((client) => makeLooseKey(client, script));
  }

  /**
   * Fills materialized views one after the other. The dump knows which of them read which, unless they do so through a
   * function: one that finds another empty comes again after the rest.
   */
  private async refresh(list: string[]): Promise<void> {
    const filled = async (lines: string[]) => {
      try {
        await this.postData(lines, 1);
        return true;
      } catch (error) {
        if (!NOT_POPULATED.test(messageOf(error))) throw error;
        return false;
      }
    };
    if (await filled(list)) return;
    for (let waiting = list; waiting.length > 0;) {
      const early: string[] = [];
      for (const line of waiting) if (!(await filled([line]))) early.push(line);
      if (early.length === waiting.length) return this.postData(early, 1);
      waiting = early;
    }
  }

  private async postData(list: string[], jobs: number): Promise<void> {
    if (list.length > 0) await restoreSection(this.program, "post-data", list, jobs);
  }

  /** Loads one table, then builds its keys; its indexes are built meanwhile, and its content compared. */
  private async table(
    { entry, fingerprint, keys, indexes }: PlannedTable,
    wanted: ReadonlyMap<number, string>,
    building: Promise<void>[],
  ): Promise<void> {
    const { archive, manifest, masking } = this.task;
    const urgency = -1 - fingerprint.bytes;
    let expected = fingerprint;
    const build = (entries: TocEntry[]) =>
      restoreSection(
        this.program,
        "post-data",
        entries.flatMap(({ dumpId }) => wanted.get(dumpId) ?? []),
        1,
      );
    const load = async (searchPath?: string) => {
      await archive.whenBegun(entry);
      await this.slots.run(urgency, () =>
        this.connected(async (client) => {
          const masker = masking && new TableMasker(entry, masking.rules, masking.key, manifest.longRowBytes);
          const rows = masker?.messages(archive);
          await loadTable(client, archive, entry, manifest.server.encoding, { rows, searchPath });
          if (masker) expected = { ...fingerprint, ...masker.content() };
        }),
      );
    };
    try {
      await this.early.load(fingerprint.name, load);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const said = error instanceof DatabaseError ? `ERROR: ${error.message}` : messageOf(error);
      throw restoreProblem(this.task.server, `the rows of ${fingerprint.name} could not be loaded`, said);
    }
    if (keys.length > 0) await this.slots.run(urgency, () => build(keys));
    for (const index of indexes) building.push(this.begin(this.slots.run(urgency, () => build([index]))));
    this.compare(expected);
  }

  /** Sequences, large objects, and tables that are not loaded one by one: all need the whole archive. */
  private async otherData(
    entries: TocEntry[],
    lines: string[],
    tables: readonly TableFingerprint[],
  ): Promise<void> {
    await this.task.archive.whenComplete();
    if (entries.length > 0) {
      const jobs = entries.some(({ kind }) => kind !== "SEQUENCE SET") ? this.task.jobs : 1;
      await this.slots.run(RANK.others, () => restoreSection(this.program, "data", lines, jobs));
    }
    for (const table of tables) this.compare(table);
  }

  private compare(table: TableFingerprint): void {
    if (!this.task.compare) return;
    const comparison = this.slots.run(RANK.comparison, () =>
      this.connected((client) => this.comparer.compare(client, table)),
    );
    this.comparisons.push(this.begin(comparison));
  }

  /** Takes note of a part of the restore; the first one that fails ends all others. */
  private begin(part: Promise<void>): Promise<void> {
    part.catch((error: unknown) => this.broken.abort(error));
    this.begun.push(part);
    return part;
  }

  private async connected<T>(work: (client: Client) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const client = this.idle.pop() ?? (await connect(this.task.server, RESTORE_SETTINGS));
    const stop = () => client.connection.stream.destroy();
    this.signal.addEventListener("abort", stop, { once: true });
    try {
      const result = await work(client);
      this.idle.push(client);
      return result;
    } catch (error) {
      await disconnect(client);
      this.signal.throwIfAborted();
      throw error;
    } finally {
      this.signal.removeEventListener("abort", stop);
    }
  }

  private async disconnect(): Promise<void> {
    await Promise.all(this.idle.splice(0).map(disconnect));
  }
}
