import type { Client } from "pg";
import { leftOutFor, type LeftOut } from "../leaveOut";
import { quote, type TocEntry } from "../postgres/toc";
import { IN_PUBLICATION, type Selection } from "../selection";

/** What of a selection a database that is in use has already, and what it must be given. */
export interface Parts {
  /** Tables that are there: those whose rows are replaced, and those that they cannot do without. */
  existing: TocEntry[];
  /** Of these the ones that were asked for. */
  replaced: TocEntry[];
  /** Everything that is not there and is made, foreign keys left out. */
  fresh: TocEntry[];
  /** Foreign keys of the backup that a table which is made has, or had from another: checked when they are made. */
  keys: TocEntry[];
  leftOut: LeftOut[];
}

const FUNCTIONS = ["FUNCTION", "PROCEDURE", "AGGREGATE"];
const TYPES = ["TYPE", "DOMAIN"];
const RELATIONS = ["TABLE", "FOREIGN TABLE", "SEQUENCE", "VIEW", "MATERIALIZED VIEW"];
/** Kinds that can be looked up by name. One of another kind is made where what it belongs to is. */
const LOOKED_UP = new Set(["SCHEMA", "EXTENSION", ...FUNCTIONS, ...TYPES, ...RELATIONS]);
/** How rows come, and what says how the archive is read. */
const NO_DEFINITION = new Set(["TABLE DATA", "SEQUENCE SET", "ENCODING", "STDSTRINGS", "SEARCHPATH"]);
const KEY = "FK CONSTRAINT";

export const tableName = ({ schema, name }: TocEntry) => `${schema}.${name}`;
export const sqlName = ({ schema, name }: TocEntry) => `${quote(schema)}.${quote(name)}`;

/** Compares a selection with a database. @param all entries of the whole archive */
export async function partsOf(
  client: Client,
  all: readonly TocEntry[],
  selection: Selection,
): Promise<Parts> {
  const candidates = [...selection.entries, ...selection.without];
  const tables = all.filter(({ kind }) => kind === "TABLE");
  const asked = [...new Set([...candidates.filter(({ kind }) => LOOKED_UP.has(kind)), ...tables])];
  const there = await existing(client, asked);
  const made = new Set(
    selection.entries
      .filter(({ kind, dumpId }) => LOOKED_UP.has(kind) && !there.has(dumpId))
      .map(({ dumpId }) => dumpId),
  );
  const byId = new Map(all.map((entry) => [entry.dumpId, entry]));
  const absent = (id: number) => byId.get(id)?.kind === "TABLE" && !there.has(id) && !made.has(id);
  const leftOut: LeftOut[] = [];
  for (let before = -1; before !== made.size;) {
    before = made.size;
    for (const entry of candidates) {
      const { kind, dumpId, dependencies } = entry;
      if (made.has(dumpId) || kind === KEY || LOOKED_UP.has(kind) || NO_DEFINITION.has(kind)) continue;
      if (dependencies.some((id) => made.has(id)) && !dependencies.some(absent)) made.add(dumpId);
    }
  }
  dropInherited(candidates, byId, made);
  const tablesOf = (key: TocEntry) =>
    key.dependencies.flatMap((id) => {
      const entry = byId.get(id);
      return entry?.kind === "TABLE" ? [id] : (entry?.dependencies ?? []);
    });
  const keys = all.filter((entry) => {
    if (entry.kind !== KEY || !tablesOf(entry).some((id) => made.has(id))) return false;
    if (!tablesOf(entry).some(absent)) return true;
    leftOut.push(leftOutFor(entry, "one of its tables is not in the database"));
    return false;
  });
  for (const entry of all)
    if (IN_PUBLICATION.has(entry.kind) && entry.dependencies.some((id) => made.has(id)))
      leftOut.push(leftOutFor(entry, "whose the publication is adds it again, by ALTER PUBLICATION"));
  const inUse = selection.entries.filter(({ kind, dumpId }) => kind === "TABLE" && there.has(dumpId));
  return {
    existing: inUse,
    replaced: inUse.filter(({ dumpId }) => selection.tables.has(dumpId)),
    fresh: candidates.filter(({ dumpId }) => made.has(dumpId)),
    keys,
    leftOut,
  };
}

/** A partition that is given to a table which is there gets that one's indexes and keys by itself. */
function dropInherited(
  candidates: readonly TocEntry[],
  byId: ReadonlyMap<number, TocEntry>,
  made: Set<number>,
): void {
  for (const { kind, dumpId, dependencies } of candidates) {
    if (kind !== "INDEX ATTACH") continue;
    // It names both indexes and, for their locks, both tables.
    const indexes = dependencies.filter((id) => byId.get(id)?.kind !== "TABLE");
    if (indexes.every((id) => made.has(id))) continue;
    for (const id of [dumpId, ...indexes]) made.delete(id);
  }
}

/** Numbers of the entries whose objects the database has. */
async function existing(client: Client, entries: readonly TocEntry[]): Promise<Set<number>> {
  const named = ({ kind, schema, name }: TocEntry) => {
    if (kind === "SCHEMA") return quote(name);
    return kind === "EXTENSION" || FUNCTIONS.includes(kind) ? name : `${quote(schema)}.${quote(name)}`;
  };
  const { rows } = await client.query<{ id: number }>(
    `SELECT w.id FROM unnest($1::int[], $2::text[], $3::text[], $4::text[]) AS w(id, kind, schema, name)
     WHERE CASE
       WHEN w.kind = 'SCHEMA' THEN pg_catalog.to_regnamespace(w.name) IS NOT NULL
       WHEN w.kind = 'EXTENSION' THEN EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = w.name)
       WHEN w.kind = ANY($5) THEN pg_catalog.to_regtype(w.name) IS NOT NULL
       WHEN w.kind = ANY($6) THEN EXISTS (
         SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = w.schema AND w.name = p.proname || '(' || COALESCE(
           (SELECT pg_catalog.string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.position)
            FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, position)),
           CASE WHEN p.prokind = 'a' THEN '*' ELSE '' END) || ')')
       ELSE pg_catalog.to_regclass(w.name) IS NOT NULL END`,
    [
      entries.map(({ dumpId }) => dumpId),
      entries.map(({ kind }) => kind),
      entries.map(({ schema }) => schema),
      entries.map(named),
      TYPES,
      FUNCTIONS,
    ],
  );
  return new Set(rows.map(({ id }) => id));
}
