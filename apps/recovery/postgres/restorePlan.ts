import type { TableFingerprint } from "../types";
import { quotedName, type TocEntry } from "./toc";

/** Below this a table's indexes take less time than a process of their own would. */
const LARGE_TABLE_BYTES = 32 * 1024 * 1024;
const MOST_LARGE_TABLES = 50;
/** They need everything else: a view's content is what its tables hold, a trigger on DDL must not see a restore's. */
const VIEW_DATA = "MATERIALIZED VIEW DATA";
const LAST_KINDS = new Set([VIEW_DATA, "EVENT TRIGGER"]);

/**
 * They lock several tables, or all partitions of one; two of them side by side may wait for each other for ever, which the
 * server ends with an error. pg_restore keeps two apart only where both name the same table.
 */
const LOCKS_SEVERAL = new Set(["INDEX ATTACH", "TRIGGER", "RULE", "POLICY", "PUBLICATION TABLE"]);

/** A table whose rows are loaded on their own. */
export interface PlannedTable {
  entry: TocEntry;
  fingerprint: TableFingerprint;
  /** Keys of a large table, which lock it and are therefore built before its indexes. */
  keys: TocEntry[];
  /** Indexes of a large table, which are built as soon as its rows are in, the slow kinds first. */
  indexes: TocEntry[];
}

/** What of an archive is restored when. Everything that is not named here comes in between, in pg_restore's order. */
export interface RestorePlan {
  tables: PlannedTable[];
  /** Tables whose rows pg_restore loads: those it did not create, and those loaded through another table. */
  others: TableFingerprint[];
  /** Entries that need an index of a large table, or everything. */
  last: Set<number>;
  /** Entries that are built one by one. */
  oneByOne: Set<number>;
  /** What puts policies into force: not before the tables' content is compared, which they may hide from its owner. */
  secured: Set<number>;
  /** Contents of materialized views, of which one may read another: they come one by one, after everything. */
  refreshed: Set<number>;
}

/** Decides what can be done table by table, so that the longest chain of work begins first. */
export function planRestore(entries: readonly TocEntry[], tables: readonly TableFingerprint[]): RestorePlan {
  const fingerprints = new Map(tables.map((table) => [table.name, table]));
  const created = new Map(
    entries.filter(({ kind }) => kind === "TABLE").map((entry) => [`${entry.schema}\0${entry.name}`, entry]),
  );
  const planned = new Map<number, PlannedTable>();
  for (const entry of entries) {
    const table = created.get(`${entry.schema}\0${entry.name}`);
    if (entry.kind !== "TABLE DATA" || !entry.hasData || !table) continue;
    const name = quotedName(entry);
    const fingerprint = fingerprints.get(name);
    if (!fingerprint || !entry.copyStatement.startsWith(`COPY ${name} `)) continue;
    planned.set(table.dumpId, { entry, fingerprint, keys: [], indexes: [] });
    fingerprints.delete(name);
  }
  const large = new Set(
    [...planned]
      .filter(([, { fingerprint }]) => fingerprint.bytes >= LARGE_TABLE_BYTES)
      .sort(([, one], [, other]) => other.fingerprint.bytes - one.fingerprint.bytes)
      .slice(0, MOST_LARGE_TABLES)
      .map(([dumpId]) => dumpId),
  );
  const byId = new Map(entries.map((entry) => [entry.dumpId, entry]));
  for (const entry of entries) {
    const table = planned.get(entry.dependencies.find((id) => large.has(id)) ?? -1);
    if (!table || !isEarly(entry, byId)) continue;
    (entry.kind === "INDEX" ? table.indexes : table.keys).push(entry);
  }
  for (const { indexes } of planned.values()) indexes.sort((one, other) => slowness(other) - slowness(one));
  const all = [...planned.values()];
  const indexes = new Set(all.flatMap((table) => table.indexes).map(({ dumpId }) => dumpId));
  const last = dependents(entries, indexes);
  return {
    tables: all,
    others: [...fingerprints.values()],
    last,
    oneByOne: oneByOne(entries, byId),
    secured: new Set(entries.filter(({ kind }) => kind === "ROW SECURITY").map(({ dumpId }) => dumpId)),
    refreshed: new Set(entries.filter(({ kind }) => kind === VIEW_DATA).map(({ dumpId }) => dumpId)),
  };
}

/** An index or a key that needs nothing but its table, and is one statement: a second one may lock the table. */
function isEarly(entry: TocEntry, byId: ReadonlyMap<number, TocEntry>): boolean {
  if (entry.kind !== "INDEX" && entry.kind !== "CONSTRAINT") return false;
  if (/;\s*\S/.test(entry.definition)) return false;
  return entry.dependencies.every((id) => (byId.get(id)?.section ?? "pre-data") === "pre-data");
}

function oneByOne(entries: readonly TocEntry[], byId: ReadonlyMap<number, TocEntry>): Set<number> {
  // Names both the partitioned table and its partition.
  const partitioned = new Set(
    entries.filter(({ kind }) => kind === "TABLE ATTACH").flatMap(({ dependencies }) => dependencies),
  );
  /** A foreign key names its own table, and of the other one only the key. */
  const touches = (id: number): boolean =>
    partitioned.has(id) || (byId.get(id)?.dependencies ?? []).some((table) => partitioned.has(table));
  // What needs one of them, such as its comment, follows it.
  return withDependents(
    entries,
    ({ kind, dependencies }) =>
      LOCKS_SEVERAL.has(kind) || (kind === "FK CONSTRAINT" && dependencies.some(touches)),
  );
}

/** Numbers of the entries that match, and of all that need one of them, directly or not. */
function withDependents(entries: readonly TocEntry[], matches: (entry: TocEntry) => boolean): Set<number> {
  const found = new Set(entries.filter(matches).map(({ dumpId }) => dumpId));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { dumpId, dependencies } of entries)
      if (dependencies.some((id) => found.has(id))) found.add(dumpId);
  }
  return found;
}

/** B-trees are sorted in; the other kinds take several times as long. */
const slowness = ({ definition }: TocEntry) => (/ USING btree /.test(definition) ? 0 : 1);

const dependents = (entries: readonly TocEntry[], indexes: ReadonlySet<number>): Set<number> =>
  withDependents(
    entries,
    ({ kind, dependencies }) => LAST_KINDS.has(kind) || dependencies.some((id) => indexes.has(id)),
  );

/** Entries that are built on their own. */
export const builtAlone = ({ tables }: RestorePlan) =>
  new Set(tables.flatMap(({ keys, indexes }) => [...keys, ...indexes]).map(({ dumpId }) => dumpId));
