import { UsageError } from "../../packages/command/errors";
import { leftOutFor, type LeftOut } from "./leaveOut";
import { quote, quotedName, sequenceValue, type TocEntry } from "./postgres/toc";
import type { Manifest } from "./types";

/** What of a backup is wanted. */
export interface Wanted {
  /** `schema.table`, or a name that only one schema has. */
  tables?: readonly string[];
  schemas?: readonly string[];
}

/** A part of an archive that can be restored on its own. */
export interface Selection {
  entries: TocEntry[];
  /** Numbers of the wanted tables, partitions included: those whose rows are wanted, too. */
  tables: ReadonlySet<number>;
  /** What belongs to a wanted table and needs one that is not wanted. */
  without: TocEntry[];
  leftOut: LeftOut[];
}

/** They belong to the table, sequence or view they name first, and come with it. */
const COMES_ALONG = new Set([
  ...[
    "TABLE DATA",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "DEFAULT",
    "TABLE ATTACH",
    "INDEX ATTACH",
  ],
  ...[
    "INDEX",
    "CONSTRAINT",
    "CHECK CONSTRAINT",
    "FK CONSTRAINT",
    "TRIGGER",
    "RULE",
    "POLICY",
    "ROW SECURITY",
  ],
  ...["STATISTICS", "COMMENT", "ACL", "MATERIALIZED VIEW DATA"],
]);

/** What a publication, which is nobody's part, holds of a table or a schema. */
export const IN_PUBLICATION: ReadonlySet<string> = new Set([
  "PUBLICATION TABLE",
  "PUBLICATION TABLES IN SCHEMA",
]);

/** How the archive itself is to be read. */
const OF_EVERY_ARCHIVE = new Set(["ENCODING", "STDSTRINGS", "SEARCHPATH"]);

/**
 * Wanted tables with their rows, keys and rights, and whatever definitions they cannot do without: types, functions,
 * sequences, schemas. Partitions come with their table.
 * @throws UsageError for a table or a schema the backup does not have
 */
export function selectEntries(entries: readonly TocEntry[], wanted: Wanted): Selection {
  const byId = new Map(entries.map((entry) => [entry.dumpId, entry]));
  const tables = withPartitions(entries, chosenTables(entries, wanted));
  const kept = new Set<number>();
  const isOther = (id: number) => byId.get(id)?.kind === "TABLE" && !tables.has(id) && !kept.has(id);
  /** Everything an entry needs; undefined: a table that is not wanted is among it. */
  const needs = (id: number, seen = new Set<number>()): Set<number> | undefined => {
    if (kept.has(id) || seen.has(id) || !byId.has(id)) return seen;
    if (isOther(id)) return undefined;
    seen.add(id);
    for (const next of byId.get(id)?.dependencies ?? []) if (!needs(next, seen)) return undefined;
    return seen;
  };
  const keep = (id: number) => {
    if (kept.has(id) || !byId.has(id)) return;
    kept.add(id);
    // A table that another one inherits from or is named in a type comes without its rows.
    for (const next of byId.get(id)?.dependencies ?? []) keep(next);
  };
  for (const { dumpId, kind } of entries) if (OF_EVERY_ARCHIVE.has(kind)) kept.add(dumpId);
  for (const id of tables) keep(id);
  const inSchema = ({ kind, schema, name, section }: TocEntry) =>
    (section === "pre-data" || kind === "DEFAULT ACL") &&
    wanted.schemas?.includes(kind === "SCHEMA" ? name : schema) === true;
  /** A foreign key depends on both tables and belongs to the one it is named after: `orders orders_customer_fkey`. */
  const isOwn =
    ({ schema, name }: TocEntry) =>
    (id: number) => {
      const table = byId.get(id);
      return table?.kind === "TABLE" && table.schema === schema && name.startsWith(`${table.name} `);
    };
  // Of the column it numbers: any other sequence comes because it is needed.
  const isTable = (id: number) => byId.get(id)?.kind === "TABLE";
  const belongs = (entry: TocEntry) =>
    inSchema(entry) ||
    (COMES_ALONG.has(entry.kind) &&
      entry.dependencies
        .filter(
          entry.kind === "FK CONSTRAINT" ? isOwn(entry) : entry.kind === "SEQUENCE" ? isTable : () => true,
        )
        .some((id) => kept.has(id)));
  const withoutRows = ({ kind, dependencies }: TocEntry) =>
    kind === "TABLE DATA" && !dependencies.some((id) => tables.has(id));
  for (let before = -1; before !== kept.size;) {
    before = kept.size;
    for (const entry of entries) {
      if (kept.has(entry.dumpId) || withoutRows(entry) || !belongs(entry)) continue;
      for (const id of needs(entry.dumpId) ?? []) kept.add(id);
    }
  }
  const without = entries.filter((entry) => !kept.has(entry.dumpId) && !withoutRows(entry) && belongs(entry));
  const wantedSchema = (id: number) => {
    const { kind, name = "" } = byId.get(id) ?? {};
    return kind === "SCHEMA" && wanted.schemas?.includes(name) === true;
  };
  const published = entries.filter(
    ({ kind, dependencies }) =>
      IN_PUBLICATION.has(kind) && dependencies.some((id) => tables.has(id) || wantedSchema(id)),
  );
  const leftOut = [
    ...without.map((entry) => leftOutFor(entry, "it needs a table that was not asked for")),
    ...published.map((entry) => leftOutFor(entry, "publications come with the whole backup alone")),
  ];
  return { entries: entries.filter(({ dumpId }) => kept.has(dumpId)), tables, without, leftOut };
}

/** How a table may be called: with its schema or without, each part quoted or not, as reports have it. */
function spellings({ schema, name }: TocEntry): string[] {
  const names = [name, quote(name)];
  return [...names, ...[schema, quote(schema)].flatMap((of) => names.map((one) => `${of}.${one}`))];
}

function chosenTables(entries: readonly TocEntry[], { tables = [], schemas = [] }: Wanted): Set<number> {
  const all = entries.filter(({ kind }) => kind === "TABLE");
  const chosen = all.filter(({ schema }) => schemas.includes(schema));
  for (const name of tables) {
    const found = all.filter((entry) => spellings(entry).includes(name));
    const [first, second] = found;
    if (!first) throw new UsageError(`--table ${name}: the backup has no such table`);
    if (second)
      throw new UsageError(
        `--table ${name}: several schemas have one: ${found.map((entry) => `${entry.schema}.${entry.name}`).join(", ")}`,
      );
    chosen.push(first);
  }
  for (const name of schemas)
    if (
      !entries.some(({ kind, schema, name: own }) => schema === name || (kind === "SCHEMA" && own === name))
    )
      throw new UsageError(`--schema ${name}: the backup has no such schema`);
  return new Set(chosen.map(({ dumpId }) => dumpId));
}

/** Partitions hold the rows of the tables they belong to. */
function withPartitions(entries: readonly TocEntry[], chosen: Set<number>): Set<number> {
  const key = ({ schema, name }: TocEntry) => `${schema}\0${name}`;
  const byName = new Map(
    entries.filter(({ kind }) => kind === "TABLE").map((entry) => [key(entry), entry.dumpId]),
  );
  const attached = entries.filter(({ kind }) => kind === "TABLE ATTACH");
  for (let before = -1; before !== chosen.size;) {
    before = chosen.size;
    for (const entry of attached) {
      const partition = byName.get(key(entry));
      if (partition === undefined) continue;
      if (entry.dependencies.some((id) => id !== partition && chosen.has(id))) chosen.add(partition);
    }
  }
  return chosen;
}

/** The manifest of what was selected. */
export function manifestOf(manifest: Manifest, { entries }: Pick<Selection, "entries">): Manifest {
  const tables = new Set(entries.filter(({ kind }) => kind === "TABLE DATA").map(quotedName));
  const sequences = new Set(
    entries.filter(({ kind }) => kind === "SEQUENCE SET").map((entry) => sequenceValue(entry).name),
  );
  const extensions = new Set(entries.filter(({ kind }) => kind === "EXTENSION").map(({ name }) => name));
  return {
    ...manifest,
    tables: manifest.tables.filter(({ name }) => tables.has(name)),
    sequences: manifest.sequences.filter(({ name }) => sequences.has(name)),
    nullable: manifest.nullable?.filter(({ table }) => tables.has(table)),
    inventory: {
      ...manifest.inventory,
      extensions: manifest.inventory.extensions.filter(({ name }) => extensions.has(name)),
    },
  };
}
