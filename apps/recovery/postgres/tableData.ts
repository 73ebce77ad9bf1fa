import { ArchiveReader } from "./archiveReader";
import { LONG_ROW, NEWLINE, ROW_HEADER_BYTES, type RowDigest } from "./rows";
import { isEndMarker } from "./toc";

/** Digests the data of one table while its chunks stream past, in constant memory. */
export class TableData {
  /** The chunk that ends the table was taken. */
  closed = false;
  /** Bytes to come of the chunk that is being taken. */
  private left = 0;
  private ended = false;
  private inLongRow = false;

  /**
   * @param table name for messages
   * @param digest whose `longRowBytes` says which chunks are whole rows
   * @param gathersRows whether a chunk is several rows and a piece of the next
   */
  constructor(
    private readonly table: string,
    readonly digest: RowDigest,
    private readonly gathersRows: boolean,
  ) {}

  /**
   * The hot loop: one step per row, no call and no object per row.
   * @returns bytes at the start of the buffer that were taken; 0: more are needed
   * @throws Error when they are not what pg_dump writes
   */
  take(buffer: Buffer): number {
    if (this.inLongRow) return this.longRow(buffer);
    const { digest, gathersRows } = this;
    const { longRowBytes } = digest;
    const end = buffer.length;
    let position = Math.min(this.left, end);
    let left = this.left - position;
    let length = -1;
    if (gathersRows && position > 0) digest.text(buffer.subarray(0, position));
    while (left === 0 && position + ROW_HEADER_BYTES <= end) {
      const start = position + ROW_HEADER_BYTES;
      length =
        (buffer[position + 1] as number) |
        ((buffer[position + 2] as number) << 8) |
        ((buffer[position + 3] as number) << 16) |
        ((buffer[position + 4] as number) << 24);
      if (buffer[position] !== 0 || length < 0) throw this.damaged("a chunk has a negative length");
      if (length === 0) break;
      if (this.ended) throw this.damaged("rows follow the end marker");
      if (!gathersRows && isEndMarker(buffer, start, length, end) !== false) break;
      if (length > longRowBytes && !gathersRows) {
        this.beginLongRow(buffer.subarray(0, position), length);
        return start;
      }
      position = start + length;
      if (position > end) {
        left = position - end;
        position = end;
      } else if (!gathersRows && buffer[position - 1] !== NEWLINE) {
        throw this.damaged("a row does not end with a line feed");
      }
      if (gathersRows) {
        digest.text(buffer.subarray(start, position));
      } else {
        digest.rows += 1;
        digest.bytes += length;
      }
    }
    if (!gathersRows && position > 0) digest.framed(buffer.subarray(0, position));
    this.left = left;
    if (left > 0 || position + ROW_HEADER_BYTES > end) return position;
    if (length === 0) {
      this.closed = true;
      return position + ROW_HEADER_BYTES;
    }
    if (position + ROW_HEADER_BYTES + length > end) return position;
    this.ended = true;
    return position + ROW_HEADER_BYTES + length;
  }

  private beginLongRow(before: Buffer, length: number): void {
    if (before.length > 0) this.digest.framed(before);
    this.digest.framed(LONG_ROW);
    this.digest.rows += 1;
    this.left = length;
    this.inLongRow = true;
  }

  /** A row in several chunks, each behind its length; a line feed ends the last one. */
  private longRow(buffer: Buffer): number {
    if (this.left === 0) {
      if (buffer.length < ROW_HEADER_BYTES) return 0;
      this.left = new ArchiveReader(buffer).integer();
      if (this.left <= 0) throw this.damaged("a row does not end with a line feed");
      return ROW_HEADER_BYTES;
    }
    const part = buffer.subarray(0, this.left);
    this.digest.framed(part);
    this.digest.bytes += part.length;
    this.left -= part.length;
    if (this.left === 0) this.inLongRow = part.at(-1) !== NEWLINE;
    return part.length;
  }

  private damaged(how: string): Error {
    return new Error(`the data of ${this.table} are damaged: ${how}`);
  }
}
