import { Transform, type TransformCallback } from "node:stream";
import { COPY_DATA, LENGTH_BYTES } from "./copyQuery";

const HEADER_BYTES = 1 + LENGTH_BYTES;

/**
 * Passes on what a server sends, and cuts rows of COPY … TO STDOUT of more than `longRowBytes` into messages of one byte
 * more than that, the last one shorter. A client that writes each message where it comes then never holds such a row,
 * and whoever reads what it wrote knows the first piece by its length and the last by its line feed.
 */
export class RowCutter extends Transform {
  private carry: Buffer = Buffer.alloc(0);
  /** Bytes to come of the message that is being passed on. */
  private left = 0;
  /** Those of them that belong to the piece whose header was sent; as many as `left` when the message is not cut. */
  private piece = 0;

  constructor(private readonly longRowBytes: number) {
    super();
  }

  override _transform(part: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const buffer = this.carry.length > 0 ? Buffer.concat([this.carry, part]) : part;
    const end = buffer.length;
    let sent = 0;
    let position = 0;
    for (;;) {
      if (this.piece > 0) {
        const taken = Math.min(this.piece, end - position);
        position += taken;
        this.piece -= taken;
        this.left -= taken;
        if (this.piece > 0) break;
      }
      if (this.left > 0) {
        if (position > sent) this.push(buffer.subarray(sent, position));
        sent = position;
        this.pushHeader();
        continue;
      }
      if (position + HEADER_BYTES > end) break;
      const length = buffer.readUInt32BE(position + 1) - LENGTH_BYTES;
      this.left = length;
      if (buffer[position] === COPY_DATA && length > this.longRowBytes) {
        if (position > sent) this.push(buffer.subarray(sent, position));
        position += HEADER_BYTES;
        sent = position;
        this.pushHeader();
      } else {
        position += HEADER_BYTES;
        this.piece = length;
      }
    }
    if (position > sent) this.push(buffer.subarray(sent, position));
    this.carry = Buffer.from(buffer.subarray(position));
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.carry.length > 0) this.push(this.carry);
    done();
  }

  private pushHeader(): void {
    this.piece = Math.min(this.left, this.longRowBytes + 1);
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = COPY_DATA;
    header.writeUInt32BE(this.piece + LENGTH_BYTES, 1);
    this.push(header);
  }
}
