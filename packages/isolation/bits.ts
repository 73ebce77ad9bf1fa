/** Takes numbers off bytes, the lowest bit first, as compressed streams hold them. Past the end every bit is zero. */
export class Bits {
  /** How many bits were taken. */
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Whether more was taken than there is. */
  get isOver(): boolean {
    return this.at > this.bytes.length * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++, this.at++) value |= this.bit(this.at) << bit;
    return value;
  }

  /** The bits of a code, which stand the highest first. */
  readCode(count: number, begun = 0): number {
    let code = begun;
    for (let bit = 0; bit < count; bit++, this.at++) code = (code << 1) | this.bit(this.at);
    return code;
  }

  /** Passes over what is left of a byte. */
  align(): void {
    this.at = (this.at + 7) & ~7;
  }

  private bit(at: number): number {
    return ((this.bytes[at >> 3] ?? 0) >> (at & 7)) & 1;
  }
}
