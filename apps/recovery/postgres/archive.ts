import { createHash } from "node:crypto";
import { TextDecoder } from "node:util";
import type { SequenceValue, TableFingerprint } from "../types";
import { ArchiveReader, Incomplete } from "./archiveReader";
import { decoderFor } from "./encoding";
import { LargeObjectDigest, LargeObjectSum, ROW_HEADER_BYTES, RowDigest } from "./rows";
import { TableData } from "./tableData";
import {
  copyOutStatement,
  loadedThrough,
  quotedName,
  readEntry,
  readHeader,
  sequenceValue,
  type ArchiveHeader,
  type TocEntry,
} from "./toc";

/** What the start of an archive says about the rest, the table of contents. */
export interface ArchiveToc {
  header: ArchiveHeader;
  entries: TocEntry[];
  /** SHA-256 of the bytes up to the first block of data. */
  tocSha256: string;
}

/** What an archive holds, by content. */
export interface ArchiveContent extends ArchiveToc {
  tables: (TableFingerprint & { schema: string; table: string })[];
  sequences: SequenceValue[];
  largeObjects: { count: number; bytes: number; sum: string };
  /** Where the table of contents has room for the position of each block of data, and that position, in bytes. */
  offsets: { field: number; position: number }[];
}

const TABLE_BLOCK = 1;
const LARGE_OBJECT_BLOCK = 3;
/** From this release on pg_dump gathers several rows in one chunk, and chunks no longer are rows. */
const FIRST_MAJOR_WITH_GATHERED_ROWS = 19;

type State =
  | { at: "header" | "toc" | "block" }
  | { at: "table"; entry: TocEntry; data: TableData }
  | { at: "objects" }
  | { at: "object"; digest: LargeObjectDigest; left: number };

/** Called while an archive streams past. */
export interface ScanListener {
  /** The table of contents is complete. */
  toc?(toc: ArchiveToc): void;
  /** The entry's data begin at this position of the archive. */
  block?(entry: TocEntry, position: number): void;
  /** Whether `push` is to take no more than the header of the block that begins here. */
  stopsIn?(entry: TocEntry): boolean;
}

/**
 * Takes fingerprints from an uncompressed archive in pg_dump's custom format while it streams past, in constant
 * memory. It reads nothing twice and changes nothing.
 *
 * ```
 * for await (const part of stream) scanner.push(part);
 * const content = scanner.finish();
 * ```
 */
export class ArchiveScanner {
  private readonly decoder: TextDecoder;
  private state: State = { at: "header" };
  private carry: Buffer = Buffer.alloc(0);
  /** Position in the archive of the first byte that is not handled yet. */
  private position = 0;
  private readonly offsets: ArchiveContent["offsets"] = [];
  private header: ArchiveHeader | undefined;
  private readonly entries: TocEntry[] = [];
  private readonly awaited = new Map<number, TocEntry>();
  private readonly tables: ArchiveContent["tables"] = [];
  private readonly objects = new LargeObjectSum();
  private gathersRows = false;
  private readonly tocHash = createHash("sha256");
  private tocSha256 = "";
  private stopped = false;

  /**
   * @param encoding of the database that was dumped: names in the archive are in it
   * @param longRowBytes a longer chunk is the first piece of a row, which ends with a line feed; default: each is a row
   */
  constructor(
    encoding = "UTF8",
    private readonly listener: ScanListener = {},
    private readonly longRowBytes = Number.POSITIVE_INFINITY,
  ) {
    this.decoder = decoderFor(encoding);
  }

  /**
   * @returns how many bytes were taken: all of them, unless the listener wanted a stop
   * @throws Error when the bytes are not what pg_dump writes
   */
  push(part: Buffer): number {
    let buffer = this.carry.length > 0 ? Buffer.concat([this.carry, part]) : part;
    for (;;) {
      const before = this.state.at;
      const used = this.step(buffer);
      if (used === 0) break;
      if (before === "header" || before === "toc") this.hashToc(buffer.subarray(0, used));
      this.position += used;
      buffer = buffer.subarray(used);
      if (!this.stopped) continue;
      this.stopped = false;
      this.carry = Buffer.alloc(0);
      return part.length - buffer.length;
    }
    // A copy: the caller may reuse its buffer.
    this.carry = Buffer.from(buffer);
    return part.length;
  }

  /** @throws Error when the archive ended early or without the data of a table it announced */
  finish(): ArchiveContent {
    if (this.state.at !== "block" || this.carry.length > 0 || !this.header) {
      throw new Error(`the archive ends in the middle (${this.where()})`);
    }
    const missing = [...this.awaited.values()][0];
    if (missing) throw new Error(`the archive ends without the data of ${quotedName(missing)}`);
    return {
      header: this.header,
      entries: this.entries,
      tocSha256: this.tocSha256,
      tables: this.tables,
      sequences: this.entries.filter((entry) => entry.kind === "SEQUENCE SET").map(sequenceValue),
      largeObjects: { count: this.objects.count, bytes: this.objects.bytes, sum: this.objects.toString() },
      offsets: this.offsets,
    };
  }

  private hashToc(part: Buffer): void {
    this.tocHash.update(part);
    if (this.state.at !== "block") return;
    this.tocSha256 = this.tocHash.digest("hex");
    const { entries, tocSha256 } = this;
    this.listener.toc?.({ header: this.header as ArchiveHeader, entries, tocSha256 });
  }

  private where(): string {
    const { state } = this;
    if (state.at === "table") return `data of ${quotedName(state.entry)}`;
    if (state.at === "object") return `large object ${state.digest.oid}`;
    return { header: "header", toc: "table of contents", block: "between blocks", objects: "large objects" }[
      state.at
    ];
  }

  /** Handles what it can at the start of the buffer and says how many bytes that took; 0: more are needed. */
  private step(buffer: Buffer): number {
    if (buffer.length === 0) return 0;
    if (this.state.at === "table") return this.tableData(this.state, buffer);
    if (this.state.at === "object") return this.objectData(this.state, buffer);
    const reader = new ArchiveReader(buffer, this.decoder);
    try {
      if (this.state.at === "header") this.readHeader(reader);
      else if (this.state.at === "toc") this.readToc(reader);
      else if (this.state.at === "block") this.openBlock(reader);
      else this.openObject(reader);
    } catch (error) {
      if (error instanceof Incomplete) return 0;
      throw error;
    }
    return reader.position;
  }

  private readHeader(reader: ArchiveReader): void {
    this.header = readHeader(reader);
    if (this.header.compressed) throw new Error("the archive is compressed; fingerprints need pg_dump -Z0");
    this.gathersRows = Number.parseInt(this.header.dumpVersion, 10) >= FIRST_MAJOR_WITH_GATHERED_ROWS;
    this.state = { at: this.header.entries > 0 ? "toc" : "block" };
  }

  private readToc(reader: ArchiveReader): void {
    const header = this.header as ArchiveHeader;
    let complete = 0;
    try {
      while (this.entries.length < header.entries) {
        const entry = readEntry(reader, header);
        entry.offsetField += this.position;
        complete = reader.position;
        this.entries.push(entry);
        if (entry.hasData) this.awaited.set(entry.dumpId, entry);
      }
      this.state = { at: "block" };
    } catch (error) {
      if (!(error instanceof Incomplete) || complete === 0) throw error;
      reader.position = complete;
    }
  }

  private openBlock(reader: ArchiveReader): void {
    const kind = reader.byte();
    const dumpId = reader.integer();
    const entry = this.awaited.get(dumpId);
    if (!entry) throw new Error(`the archive holds data nobody announced (entry ${dumpId})`);
    this.awaited.delete(dumpId);
    this.offsets.push({ field: entry.offsetField, position: this.position });
    this.listener.block?.(entry, this.position);
    this.stopped = this.listener.stopsIn?.(entry) === true;
    if (kind === TABLE_BLOCK) this.state = { at: "table", entry, data: this.dataOf(entry) };
    else if (kind === LARGE_OBJECT_BLOCK) this.state = { at: "objects" };
    else throw new Error(`the archive holds a block of the unknown kind ${kind}`);
  }

  private openObject(reader: ArchiveReader): void {
    // The archive's integers have a sign, and the numbers of objects have none.
    const oid = reader.integer() >>> 0;
    this.state = oid === 0 ? { at: "block" } : { at: "object", digest: new LargeObjectDigest(oid), left: 0 };
  }

  private dataOf(entry: TocEntry): TableData {
    const digest = new RowDigest(loadedThrough(entry) !== undefined, this.longRowBytes);
    return new TableData(quotedName(entry), digest, this.gathersRows);
  }

  private tableData({ entry, data }: State & { at: "table" }, buffer: Buffer): number {
    const used = data.take(buffer);
    if (data.closed) this.closeTable(entry, data.digest);
    return used;
  }

  private closeTable(entry: TocEntry, digest: RowDigest): void {
    const through = loadedThrough(entry);
    this.tables.push({
      name: quotedName(entry),
      schema: entry.schema,
      table: entry.name,
      rows: digest.rows,
      bytes: digest.bytes,
      sha256: digest.digest(),
      copy: copyOutStatement(entry),
      ...(through === undefined ? {} : { scattered: { through, sum: digest.sum ?? "" } }),
    });
    this.state = { at: "block" };
  }

  private objectData(state: State & { at: "object" }, buffer: Buffer): number {
    if (state.left > 0) {
      const take = Math.min(state.left, buffer.length);
      state.digest.update(buffer.subarray(0, take));
      state.left -= take;
      return take;
    }
    if (buffer.length < ROW_HEADER_BYTES) return 0;
    state.left = new ArchiveReader(buffer).integer();
    if (state.left < 0)
      throw new Error(`large object ${state.digest.oid} is damaged: a chunk has a negative length`);
    if (state.left === 0) {
      this.objects.add(state.digest);
      this.state = { at: "objects" };
    }
    return ROW_HEADER_BYTES;
  }
}
