import { TextDecoder } from "node:util";
/** Thrown when a value is not complete yet; the caller comes back with more bytes. */
export class Incomplete extends Error {}

/**
 * Reads the scalar values of pg_dump's custom format from a buffer.
 * Integers are a sign byte and four bytes, lowest first; strings are an integer length (-1: null) and bytes.
 */
export class ArchiveReader {
  position = 0;

  constructor(
    readonly buffer: Buffer,
    private readonly decoder: TextDecoder = new TextDecoder(),
  ) {}

  byte(): number {
    this.require(1);
    return this.buffer[this.position++] as number;
  }

  integer(): number {
    this.require(5);
    const sign = this.buffer[this.position];
    const value = this.buffer.readUInt32LE(this.position + 1);
    this.position += 5;
    return sign ? -value : value;
  }

  string(): string | null {
    const length = this.integer();
    if (length < 0) return null;
    this.require(length);
    const text = this.decoder.decode(this.buffer.subarray(this.position, this.position + length));
    this.position += length;
    return text;
  }

  skip(bytes: number): void {
    this.require(bytes);
    this.position += bytes;
  }

  private require(bytes: number): void {
    if (this.position + bytes > this.buffer.length) throw new Incomplete();
  }
}
