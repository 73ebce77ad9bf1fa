import { createHash, type Hash } from "node:crypto";

/** Bytes in front of every row: a zero, then the length of the row's text as a little-endian 32-bit number. */
export const ROW_HEADER_BYTES = 5;
export const NEWLINE = 0x0a;
/** Stands in front of a row whose length is not known before its end, which its line feed is. */
export const LONG_ROW = Buffer.alloc(ROW_HEADER_BYTES);
/** No row starts with a single backslash and a dot: COPY doubles every backslash of the data. */
const END_OF_ROWS = Buffer.from("\\.\n");

/**
 * Digest of a table's content: SHA-256 over its rows' COPY text in order, each behind a header with its length.
 *
 * The header is, on purpose, what pg_dump writes in front of a row in its custom format, and has the size of what
 * a server sends in front of a row of COPY TO STDOUT. Both streams can therefore be hashed in whole buffers; with
 * a hash call per row the digest would cost more than the dump. A row of more than `longRowBytes` has a length of zero
 * there: it is dumped in pieces, and the first one does not say how many follow. No row of COPY text is empty, and
 * none has a line feed but its last byte, so that no two contents have the same bytes.
 */
export class RowDigest {
  rows = 0;
  /** Bytes of the rows' text, headers excluded. */
  bytes = 0;
  private readonly hash: Hash = createHash("sha256");
  private unfinished: Buffer[] = [];
  private ended = false;
  private readonly rowSum: RowSum | undefined;

  /**
   * @param summing whether `sum` is asked for, which costs a hash per row
   * @param longRowBytes most bytes of a row whose length is digested, too
   */
  constructor(
    summing = false,
    readonly longRowBytes = Number.POSITIVE_INFINITY,
  ) {
    this.rowSum = summing ? new RowSum() : undefined;
  }

  /** Digest of the same rows whatever their order. */
  get sum(): string | undefined {
    return this.rowSum?.toString();
  }

  /** Hashes bytes that already are rows behind their headers; the caller counts `rows` and `bytes`. */
  framed(part: Buffer): void {
    this.hash.update(part);
    this.rowSum?.framed(part);
  }

  /** Takes COPY text cut anywhere, and puts the headers in itself. */
  text(part: Buffer): void {
    let from = 0;
    for (;;) {
      const newline = part.indexOf(NEWLINE, from);
      if (newline < 0) break;
      this.line(part.subarray(from, newline + 1));
      from = newline + 1;
    }
    if (from < part.length) this.unfinished.push(Buffer.from(part.subarray(from)));
  }

  /** @throws Error when the text ended in the middle of a row */
  digest(): string {
    if (this.unfinished.length > 0) throw new Error("the table's data end in the middle of a row");
    return this.hash.digest("hex");
  }

  private line(end: Buffer): void {
    const line = this.unfinished.length > 0 ? Buffer.concat([...this.unfinished, end]) : end;
    this.unfinished = [];
    this.ended ||= END_OF_ROWS.equals(line);
    if (!this.ended) this.row(line);
  }

  /** Takes a whole row, its line feed included. */
  row(line: Buffer): void {
    const header = Buffer.alloc(ROW_HEADER_BYTES);
    header.writeUInt32LE(line.length > this.longRowBytes ? 0 : line.length, 1);
    this.framed(header);
    this.framed(line);
    this.rows += 1;
    this.bytes += line.length;
  }
}

const SUM_BITS = 256;

/**
 * Digest of rows whose order a restore may change: the sum of each one's SHA-256. Equal rows add up instead of
 * cancelling each other out.
 */
class RowSum {
  private sum = 0n;
  private header: Buffer = Buffer.alloc(0);
  private row: Hash | undefined;
  private left = 0;

  /** Takes rows behind their headers, cut anywhere. */
  framed(part: Buffer): void {
    for (let at = 0; at < part.length;) {
      if (!this.row) {
        const wanted = ROW_HEADER_BYTES - this.header.length;
        this.header = Buffer.concat([this.header, part.subarray(at, at + wanted)]);
        at += wanted;
        if (this.header.length < ROW_HEADER_BYTES) return;
        // The end of a long row is its line feed.
        this.left = this.header.readUInt32LE(1) || Number.POSITIVE_INFINITY;
        this.row = createHash("sha256");
        this.header = Buffer.alloc(0);
      }
      const end = this.left < Number.POSITIVE_INFINITY ? -1 : part.indexOf(NEWLINE, at);
      if (end >= 0) this.left = end + 1 - at;
      const taken = part.subarray(at, Math.min(part.length, at + this.left));
      this.row.update(taken);
      at += taken.length;
      this.left -= taken.length;
      if (this.left > 0) return;
      this.sum = plus(this.sum, this.row.digest("hex"));
      this.row = undefined;
    }
  }

  toString(): string {
    return hex(this.sum);
  }
}

const plus = (sum: bigint, digest: string) => BigInt.asUintN(SUM_BITS, sum + BigInt(`0x${digest}`));
const hex = (sum: bigint) => sum.toString(16).padStart(64, "0");

/** What `RowDigest.sum` would be for the rows of several tables together. */
export const sumOf = (sums: readonly string[]) => hex(sums.reduce(plus, 0n));

/**
 * Digest of all large objects, whatever their order: the sum of each one's SHA-256 over its number and content.
 * Numbers are unique, so that no two objects can cancel each other out.
 */
export class LargeObjectSum {
  count = 0;
  bytes = 0;
  private sum = 0n;

  add(object: LargeObjectDigest): void {
    this.count += 1;
    this.bytes += object.bytes;
    this.sum = plus(this.sum, object.digest());
  }

  toString(): string {
    return hex(this.sum);
  }
}

export class LargeObjectDigest {
  bytes = 0;
  private readonly hash = createHash("sha256");

  constructor(readonly oid: number) {
    this.hash.update(`${oid}:`);
  }

  update(part: Buffer): void {
    this.bytes += part.length;
    this.hash.update(part);
  }

  digest(): string {
    return this.hash.digest("hex");
  }
}
