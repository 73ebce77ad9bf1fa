import { createHash } from "node:crypto";
import type { Client } from "pg";
import { quoteIdentifier } from "./postgres/connect";
import { ROW_HEADER_BYTES, RowDigest } from "./postgres/rows";

/** Ranges a table is divided into; each has about as many rows of the live table as the others. */
const RANGES = 16;
const WHOLE_NUMBERS = ["int2", "int4", "int8"];

/** How the rows of a table are told apart: by the first column of its primary key. */
export interface Key {
  column: string;
  /** Its place among the columns of the dump. */
  index: number;
  /** Compared as numbers; otherwise by the bytes of their text. */
  numeric: boolean;
  /** Smallest keys of all ranges but the first, ascending. */
  bounds: string[];
}

/** Rows of one range, whatever their order. */
export interface RangeContent {
  rows: number;
  sum: bigint;
}

/**
 * @param table as a dump quotes it
 * @param columns of the dump, in order
 * @returns undefined for a table without a primary key, or with one of other columns
 */
export async function keyOf(
  client: Client,
  table: string,
  columns: readonly string[],
): Promise<Key | undefined> {
  const { rows } = await client.query<{ column: string; type: string }>(
    `SELECT a.attname AS column, t.typname AS type FROM pg_catalog.pg_index i
       JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisprimary`,
    [table],
  );
  const [first] = rows;
  if (!first || !columns.includes(first.column)) return undefined;
  const numeric = WHOLE_NUMBERS.includes(first.type);
  const value = quoteIdentifier(first.column);
  const sorted = numeric ? value : `(${value})::pg_catalog.text COLLATE "C"`;
  const shares = Array.from({ length: RANGES - 1 }, (_, index) => (index + 1) / RANGES).join(", ");
  const found = await client.query<{ bounds: string[] | null }>(
    `SELECT (percentile_disc(ARRAY[${shares}]) WITHIN GROUP (ORDER BY ${sorted}))::text[] AS bounds FROM ONLY ${table}`,
  );
  const bounds = [...new Set((found.rows[0]?.bounds ?? []).filter((bound) => bound !== null))];
  return { column: first.column, index: columns.indexOf(first.column), numeric, bounds };
}

/** Sums up rows by range of their key. It takes them as COPY text, framed as in an archive, or one by one. */
export class RangeSums extends RowDigest {
  readonly ranges: RangeContent[];
  /** What there is of a row that is not all there; it is looked at again once there are as many bytes as it needs. */
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private needed = ROW_HEADER_BYTES;

  constructor(private readonly key: Key | undefined) {
    super();
    this.ranges = Array.from({ length: (key?.bounds.length ?? 0) + 1 }, () => ({ rows: 0, sum: 0n }));
  }

  override framed(part: Buffer): void {
    this.pendingBytes += part.length;
    if (this.pendingBytes < this.needed) {
      // A copy: the caller may reuse its buffer.
      this.pending.push(Buffer.from(part));
      return;
    }
    const bytes = this.pending.length > 0 ? Buffer.concat([...this.pending, part]) : part;
    let at = 0;
    this.needed = ROW_HEADER_BYTES;
    while (at + ROW_HEADER_BYTES <= bytes.length) {
      const length = ROW_HEADER_BYTES + bytes.readUInt32LE(at + 1);
      if (at + length > bytes.length) {
        this.needed = length;
        break;
      }
      this.add(bytes.subarray(at + ROW_HEADER_BYTES, at + length));
      at += length;
    }
    this.pending = at < bytes.length ? [Buffer.from(bytes.subarray(at))] : [];
    this.pendingBytes = bytes.length - at;
  }

  add(row: Buffer): void {
    const range = this.ranges[this.rangeOf(row)];
    if (!range) throw new Error("a row outside of every range");
    range.rows += 1;
    const digest = createHash("sha256").update(row).digest("hex");
    range.sum = BigInt.asUintN(256, range.sum + BigInt(`0x${digest}`));
  }

  private rangeOf(row: Buffer): number {
    if (!this.key) return 0;
    const { index, bounds, numeric } = this.key;
    const value = row.toString("latin1", 0, row.length - 1).split("\t", index + 1)[index] ?? "";
    const beyond = numeric
      ? (bound: string) => BigInt(value) < BigInt(bound)
      : (bound: string) => Buffer.compare(Buffer.from(value, "latin1"), Buffer.from(bound)) < 0;
    const found = bounds.findIndex(beyond);
    return found < 0 ? bounds.length : found;
  }
}
