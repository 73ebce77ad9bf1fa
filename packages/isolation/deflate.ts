import { Bits } from "./bits";

/**
 * Whether bytes can be a whole stream of raw deflate, which has no mark of its own, of something so long (RFC 1951, section 3.2): by
 * the codes of its first block, which have to come out even, or, where they are the fixed ones, by every symbol. A decoder
 * costs more to set up than all other readings of a text, and hardly any random bytes get past.
 */
export function mayBeDeflate(bytes: Uint8Array, least: number): boolean {
  const bits = new Bits(bytes);
  let made: number | undefined = 0;
  for (;;) {
    const isLast = bits.read(1) === 1;
    const kind = bits.read(2);
    if (kind === 0) return saysLengthTwice(bits);
    if (kind === 2) return hasEvenCodes(bits);
    made = kind === 1 ? madeByFixed(bits, made) : undefined;
    if (made === undefined) return false;
    if (isLast) return made >= least;
  }
}

/** A block that is stored as it is. */
function saysLengthTwice(bits: Bits): boolean {
  bits.align();
  return bits.read(16) + bits.read(16) === 0xffff;
}

/** A block with codes of its own: the lengths of the codes for their lengths fill all there is room for. */
function hasEvenCodes(bits: Bits): boolean {
  if (bits.read(5) > 29 || bits.read(5) > 29) return false;
  let room = 128;
  for (let left = bits.read(4) + 4; left > 0; left--) {
    const length = bits.read(3);
    if (length > 0) room -= 128 >> length;
  }
  return room === 0 && !bits.isOver;
}

const END = 256;
const LAST_LENGTH = 285;
const LAST_DISTANCE = 29;

/** How many bytes there are after a block with the fixed codes; undefined where it breaks off or reaches back too far. */
function madeByFixed(bits: Bits, before: number): number | undefined {
  for (let made = before; ;) {
    const symbol = fixedSymbol(bits);
    if (bits.isOver || symbol > LAST_LENGTH) return undefined;
    if (symbol === END) return made;
    if (symbol < END) made++;
    else {
      const length = lengthOf(symbol - END - 1, bits);
      const distance = bits.readCode(5);
      if (distance > LAST_DISTANCE || distanceOf(distance, bits) > made) return undefined;
      made += length;
    }
  }
}

function fixedSymbol(bits: Bits): number {
  const seven = bits.readCode(7);
  if (seven < 24) return 256 + seven;
  const eight = bits.readCode(1, seven);
  if (eight < 192) return eight - 48;
  if (eight < 200) return 280 + eight - 192;
  return 144 + bits.readCode(1, eight) - 400;
}

function lengthOf(code: number, bits: Bits): number {
  if (code < 8) return code + 3;
  if (code === 28) return 258;
  const extra = (code >> 2) - 1;
  return ((4 + (code & 3)) << extra) + 3 + bits.read(extra);
}

function distanceOf(code: number, bits: Bits): number {
  if (code < 4) return code + 1;
  const extra = (code >> 1) - 1;
  return ((2 + (code & 1)) << extra) + 1 + bits.read(extra);
}
