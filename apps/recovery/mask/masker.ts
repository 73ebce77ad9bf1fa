import type { ArchiveFile } from "../archiveFile";
import { FailedError, messageOf } from "../../../packages/command/errors";
import { wholeRows } from "../postgres/archiveRows";
import { COPY_DATA, LENGTH_BYTES } from "../postgres/copyQuery";
import { ROW_HEADER_BYTES, RowDigest } from "../postgres/rows";
import type { TocEntry } from "../postgres/toc";
import { keysOf, looksLikeAddress, personalKind } from "./catalogue";
import { maskValue, type Mask } from "./masks";
import { columnsOf, type MaskRules } from "./rules";

const SENT_BYTES = 256 * 1024;
const NULL = "\\N";
/** How a value of type bytea begins, its backslash escaped. */
const HEX = "\\\\x";
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};
const MEANINGS = new Map(Object.entries(ESCAPES).map(([character, escape]) => [escape.slice(1), character]));

const unescape = (text: string) =>
  text.replace(/\\([^])/g, (_, after: string) => MEANINGS.get(after) ?? after);
const escape = (text: string) => text.replace(/[\\\b\f\n\r\t\v]/g, (character) => ESCAPES[character] ?? "");

const ADDRESSES = "e-mail addresses";
/** Names of keys that are remembered: an application has few, but some key a value by what may be anything. */
const KEYS_KEPT = 10_000;

/** Masks the rows of one table between the archive and the server: what is masked never reaches it as it was. */
export class TableMasker {
  private readonly digest: RowDigest;
  private readonly masks: (Mask | undefined)[];
  private readonly names: string[];
  /** Keys within values that say nothing of persons. */
  private readonly plainKeys = new Set<string>();

  constructor(
    private readonly entry: TocEntry,
    rules: MaskRules,
    private readonly key: Buffer,
    longRowBytes?: number,
  ) {
    this.digest = new RowDigest(false, longRowBytes);
    const { table, columns } = columnsOf(entry.copyStatement);
    this.names = columns.map((column) => `${table}.${column}`);
    this.masks = this.names.map((name) => rules.columns.get(name));
  }

  /** The entry's rows as messages of the protocol, masked. A part is only valid until the next one is asked for. */
  async *messages(archive: ArchiveFile): AsyncGenerator<Buffer> {
    let parts: Buffer[] = [];
    let bytes = 0;
    for await (const row of wholeRows(archive, this.entry)) {
      const masked = this.row(row);
      this.digest.row(masked);
      const header = Buffer.alloc(ROW_HEADER_BYTES);
      header[0] = COPY_DATA;
      header.writeUInt32BE(masked.length + LENGTH_BYTES, 1);
      parts.push(header, masked);
      bytes += header.length + masked.length;
      if (bytes < SENT_BYTES) continue;
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
    if (parts.length > 0) yield Buffer.concat(parts);
  }

  /** What was handed on, for comparison with what the server has then. */
  content(): { rows: number; bytes: number; sha256: string } {
    const { rows, bytes } = this.digest;
    return { rows, bytes, sha256: this.digest.digest() };
  }

  private row(row: Buffer): Buffer {
    const fields = row.toString("latin1", 0, row.length - 1).split("\t");
    const masked = fields.map((field, index) => {
      const mask = this.masks[index];
      if (field === NULL) return field;
      if (mask === undefined) {
        const what = this.personal(field);
        if (what !== undefined)
          throw new FailedError(
            `column ${this.names[index] ?? ""} holds ${what} and has no rule: nothing of it is kept`,
          );
        return field;
      }
      if (mask.kind === "keep") return field;
      return this.masked(mask, field, index);
    });
    return Buffer.from(`${masked.join("\t")}\n`, "latin1");
  }

  /** What in a field gives data of persons away. */
  private personal(field: string): string | undefined {
    if (looksLikeAddress(field)) return ADDRESSES;
    // Bytes are dumped in hexadecimal.
    if (field.startsWith(HEX)) {
      const bytes = Buffer.from(field.slice(HEX.length), "hex").toString("latin1");
      if (looksLikeAddress(bytes, true)) return ADDRESSES;
    }
    for (const key of keysOf(field)) {
      if (this.plainKeys.has(key)) continue;
      const kind = personalKind(key);
      if (kind !== undefined) return `${kind} in JSON, by the name of a key,`;
      if (this.plainKeys.size === KEYS_KEPT) this.plainKeys.clear();
      this.plainKeys.add(key);
    }
    return undefined;
  }

  private masked(mask: Mask, field: string, index: number): string {
    try {
      const value = maskValue(mask, unescape(field), this.key);
      return value === null ? NULL : escape(value);
    } catch (error) {
      throw new FailedError(
        `column ${this.names[index] ?? ""} ${messageOf(error)}, which mask ${mask.kind} would leave as it is: nothing of it is kept`,
      );
    }
  }
}
