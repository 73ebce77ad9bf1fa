import { ArchiveReader } from "./archiveReader";

/** What the start of an archive says about it. */
export interface ArchiveHeader {
  /** Format version, 1.14 (PostgreSQL 12-15), 1.15 (16) or 1.16 (17, 18). */
  version: string;
  compressed: boolean;
  database: string;
  serverVersion: string;
  dumpVersion: string;
  entries: number;
  offsetBytes: number;
}

/** In which part of a restore an entry has its place; a comment or a grant goes with what it is about. */
export type Section = "none" | "pre-data" | "data" | "post-data";

/** One line of an archive's table of contents, as far as fingerprints need it. */
export interface TocEntry {
  dumpId: number;
  /** `TABLE DATA`, `SEQUENCE SET`, `BLOBS`, … */
  kind: string;
  section: Section;
  schema: string;
  name: string;
  owner: string;
  /** Text of the definition; kept only where something is taken from it. */
  definition: string;
  /** Statement that removes the object; kept only of kinds that have an owner. */
  dropStatement: string;
  copyStatement: string;
  hasData: boolean;
  /** Entries that must be there first; some may not be in the table of contents. */
  dependencies: number[];
  /** Where in the bytes read from the entry says at which position its data are; a dump to a pipe leaves that open. */
  offsetField: number;
}

/** How pg_dump says that a partition's rows go in through the topmost table, which puts them where they belong. */
const THROUGH_ROOT = /^-- load via partition root (.+)$/m;
const KEPT_DEFINITIONS = new Set([
  ...["SEQUENCE SET", "ACL", "DEFAULT ACL", "INDEX", "CONSTRAINT", "POLICY", "PUBLICATION", "USER MAPPING"],
  // Numbers of the large objects it stands for, one a line.
  "BLOB METADATA",
]);
/**
 * Rights on the database itself name the one that was backed up, which may be another by now, or gone: they come back as
 * its properties do, and pg_restore passes over them too.
 */
export const isDatabaseAcl = ({ kind, name }: TocEntry): boolean =>
  kind === "ACL" && name.startsWith("DATABASE ");

/** Kinds whose objects have an owner that a dump names. */
export const OWNED_KINDS: ReadonlySet<string> = new Set([
  ...[
    "AGGREGATE",
    "COLLATION",
    "CONVERSION",
    "DOMAIN",
    "EVENT TRIGGER",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
  ],
  ...[
    "FUNCTION",
    "MATERIALIZED VIEW",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "PROCEDURAL LANGUAGE",
  ],
  ...["PROCEDURE", "PUBLICATION", "SCHEMA", "SEQUENCE", "SERVER", "STATISTICS", "TABLE", "TYPE", "VIEW"],
  ...["TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "BLOB", "BLOB METADATA"],
]);
const SECTIONS: readonly (Section | undefined)[] = [undefined, "none", "pre-data", "data", "post-data"];
const MAGIC = "PGDMP";
const CUSTOM_FORMAT = 1;
const OLDEST = 14;
const NEWEST = 16;

/**
 * @throws Incomplete when the header is not all there yet
 * @throws Error when this is no custom-format archive of a supported version
 */
export function readHeader(reader: ArchiveReader): ArchiveHeader {
  const magic = reader.buffer.toString("latin1", 0, MAGIC.length);
  if (!MAGIC.startsWith(magic)) throw new Error("not an archive in pg_dump's custom format");
  reader.skip(MAGIC.length);
  const [major, minor] = [reader.byte(), reader.byte()];
  reader.byte();
  if (major !== 1 || minor < OLDEST || minor > NEWEST) {
    throw new Error(
      `archive version ${major}.${minor} is not supported; supported: 1.${OLDEST} to 1.${NEWEST}`,
    );
  }
  const integerBytes = reader.byte();
  const offsetBytes = reader.byte();
  const format = reader.byte();
  if (integerBytes !== 4) throw new Error(`archive with ${integerBytes}-byte integers is not supported`);
  if (format !== CUSTOM_FORMAT) throw new Error("not an archive in pg_dump's custom format");
  const compressed = (minor >= 15 ? reader.byte() : reader.integer()) !== 0;
  for (let part = 0; part < 7; part += 1) reader.integer(); // creation time, from seconds to daylight saving
  const database = reader.string() ?? "";
  const serverVersion = reader.string() ?? "";
  const dumpVersion = reader.string() ?? "";
  const entries = reader.integer();
  return {
    version: `${major}.${minor}`,
    compressed,
    database,
    serverVersion,
    dumpVersion,
    entries,
    offsetBytes,
  };
}

/** @throws Incomplete when the entry is not all there yet */
export function readEntry(reader: ArchiveReader, header: ArchiveHeader): TocEntry {
  const dumpId = reader.integer();
  const hasData = reader.integer() !== 0;
  reader.string(); // OID of the catalogue the object is in
  reader.string(); // OID of the object
  const name = reader.string() ?? "";
  const kind = reader.string() ?? "";
  const section = SECTIONS[reader.integer()];
  if (!section) throw new Error(`the table of contents is damaged: ${kind} ${name} is in no section`);
  const definition = reader.string() ?? "";
  const dropStatement = reader.string() ?? "";
  const copyStatement = reader.string() ?? "";
  const schema = reader.string() ?? "";
  reader.string(); // tablespace
  reader.string(); // table access method
  if (header.version === "1.16") reader.integer(); // relation kind
  const owner = reader.string() ?? "";
  reader.string(); // whether the table has OIDs: never, since PostgreSQL 12
  const dependencies: number[] = [];
  for (let id = reader.string(); id !== null; id = reader.string()) dependencies.push(Number(id));
  const offsetField = reader.position;
  reader.skip(1 + header.offsetBytes);
  return {
    dumpId,
    kind,
    section,
    schema,
    name,
    owner,
    definition: KEPT_DEFINITIONS.has(kind) || THROUGH_ROOT.test(definition) ? definition : "",
    dropStatement: OWNED_KINDS.has(kind) ? dropStatement : "",
    copyStatement,
    hasData,
    dependencies,
    offsetField,
  };
}

/**
 * The section each entry is restored in, by its number: what has none of its own, such as a comment, belongs to the one of
 * the entry before it, in the order of the archive. pg_restore goes by the order of the list it is given, in which that
 * entry may be missing.
 */
export function sectionsOf(entries: readonly TocEntry[]): Map<number, Section> {
  let current: Section = "pre-data";
  return new Map(
    entries.map(({ dumpId, section }) => [dumpId, (current = section === "none" ? current : section)]),
  );
}

/** pg_dump ends a table's rows with a line psql would understand as their end; it is no row. */
const END_MARKER = Buffer.from("\\.\n\n\n");

/**
 * Whether the chunk of a table's data that starts here is the end marker.
 * @param end of the bytes that are there
 * @returns undefined when more bytes are needed to tell
 */
export function isEndMarker(buffer: Buffer, start: number, length: number, end: number): boolean | undefined {
  if (length !== END_MARKER.length) return false;
  if (start + length > end) return undefined;
  return END_MARKER.compare(buffer, start, start + length) === 0;
}

export const quote = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`;

/** The table's name exactly as pg_dump quotes it in the entry's COPY statement. */
export function quotedName(entry: TocEntry): string {
  for (const schema of [entry.schema, quote(entry.schema)]) {
    for (const name of [entry.name, quote(entry.name)]) {
      if (entry.copyStatement.startsWith(`COPY ${schema}.${name} `)) return `${schema}.${name}`;
    }
  }
  return `${quote(entry.schema)}.${quote(entry.name)}`;
}

/** The table, as the dump quotes it, through which the rows of a partition are loaded; undefined: its own. */
export const loadedThrough = ({ kind, definition }: TocEntry): string | undefined =>
  kind === "TABLE DATA" ? THROUGH_ROOT.exec(definition)?.[1] : undefined;

/**
 * The statement that reads what the entry's COPY loads.
 * @throws Error when the entry loads its data in another way (a dump made with --inserts)
 */
export function copyOutStatement(entry: TocEntry): string {
  const name = quotedName(entry);
  const [, table = "", columns = ""] =
    /^COPY ((?:"(?:[^"]|"")*"|[^\s"(])+) ?([^]*) FROM stdin;\s*$/.exec(entry.copyStatement) ?? [];
  if (!table) throw new Error(`${name} is not dumped with COPY`);
  return `COPY ${loadedThrough(entry) === undefined ? table : name} ${columns} TO STDOUT`;
}

/** Name, last value and "has been used" of a `SEQUENCE SET` entry. */
export function sequenceValue(entry: TocEntry): { name: string; value: string; called: boolean } {
  const match = /setval\('((?:[^']|'')+)', (-?\d+), (true|false)\)/.exec(entry.definition);
  if (!match) throw new Error(`the value of sequence ${quotedName(entry)} is not where it is expected`);
  return {
    name: (match[1] as string).replaceAll("''", "'"),
    value: match[2] as string,
    called: match[3] === "true",
  };
}
