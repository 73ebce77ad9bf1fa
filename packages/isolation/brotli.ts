import { Bits } from "./bits";

/**
 * Whether bytes can be a stream of Brotli, which has no mark of its own: by its window, and by its first block as far as its
 * first code that is written out, which has to come out even (RFC 7932, sections 3.4, 3.5, 7.3, 9.1 and 9.2). One in twenty
 * random ones gets past; a decoder costs more to set up than all other readings of a text.
 */
export function mayBeBrotli(bytes: Uint8Array): boolean {
  const bits = new Bits(bytes);
  if (bits.read(1) === 1 && bits.read(3) === 0 && bits.read(3) === 1) return false;
  const isLast = bits.read(1) === 1;
  // An empty stream says nothing.
  if (isLast && bits.read(1) === 1) return false;
  const nibbles = bits.read(2) + 4;
  if (nibbles === 7) return maySkip(bits, bytes.length);
  const length = bits.read(nibbles * 4) + 1;
  // The highest digit is not zero where there are more than four.
  if (nibbles > 4 && length <= 16 ** (nibbles - 1)) return false;
  if (!isLast && bits.read(1) === 1) return isPadded(bits) && bits.at / 8 + length <= bytes.length;
  return mayBeCompressed(bits) && !bits.isOver;
}

const isPadded = (bits: Bits): boolean => bits.read((8 - (bits.at & 7)) & 7) === 0;

/** Data to be skipped: what follows may be anything. */
function maySkip(bits: Bits, size: number): boolean {
  if (bits.read(1) === 1) return false;
  const count = bits.read(2);
  const length = count === 0 ? 0 : bits.read(count * 8) + 1;
  return isPadded(bits) && bits.at / 8 + length <= size;
}

/** Sizes of the alphabets of what a block is made of. */
const LITERALS = 256;
const COMMANDS = 704;
const COUNTS = 26;

function mayBeCompressed(bits: Bits): boolean {
  // Types of blocks for literals, commands and distances: with several come the codes for which it is and how long.
  for (let category = 0; category < 3; category++) {
    const types = readCount(bits);
    if (types > 1) return mayBeCodes(bits, types + 2, COUNTS);
  }
  const postfix = bits.read(2);
  const direct = bits.read(4) << postfix;
  // The mode of the one context.
  bits.read(2);
  // Trees for literals and for distances: with several comes a map of them, which has a code of its own.
  for (let category = 0; category < 2; category++) {
    const trees = readCount(bits);
    if (trees > 1) return mayBeCodes(bits, trees + (bits.read(1) === 1 ? bits.read(4) + 1 : 0));
  }
  return mayBeCodes(bits, LITERALS, COMMANDS, 16 + direct + (48 << postfix));
}

/** A number from 1 to 256. */
function readCount(bits: Bits): number {
  if (bits.read(1) === 0) return 1;
  const extra = bits.read(3);
  return (1 << extra) + 1 + bits.read(extra);
}

/** Whether codes for alphabets of some sizes can follow each other. The first that is written out decides for all. */
function mayBeCodes(bits: Bits, ...sizes: readonly number[]): boolean {
  for (const size of sizes) {
    const skipped = bits.read(2);
    if (skipped !== 1) return isWrittenOut(bits, skipped, size);
    if (!isSimple(bits, size)) return false;
  }
  return true;
}

/** A code for one to four symbols, which are named. */
function isSimple(bits: Bits, size: number): boolean {
  const count = bits.read(2) + 1;
  const width = 32 - Math.clz32(size - 1);
  const symbols = Array.from({ length: count }, () => bits.read(width));
  if (count === 4) bits.read(1);
  return symbols.every((symbol) => symbol < size) && new Set(symbols).size === count;
}

/** The order in which the lengths of the codes for lengths stand. */
const ORDER = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const;
/** Lengths by the bits that stand for them: two, three where both are set, four where all three are. */
const VALUES = [0, 4, 3, 2, 0, 4, 3, 1, 0, 4, 3, 2, 0, 4, 3, 5] as const;

/** Whether the lengths of up to 18 codes for lengths, and those they stand for, fill all there is room for. */
function isWrittenOut(bits: Bits, skipped: number, size: number): boolean {
  const lengths = new Array<number>(ORDER.length).fill(0);
  let [room, codes] = [32, 0];
  for (let at = skipped; at < ORDER.length && room > 0; at++) {
    let written = bits.read(2);
    if (written === 3) written += bits.read(1) * 4;
    if (written === 7) written += bits.read(1) * 8;
    const length = VALUES[written] ?? 0;
    if (length === 0) continue;
    lengths[ORDER[at] ?? 0] = length;
    room -= 32 >> length;
    codes++;
  }
  // One code alone takes no bits.
  return codes === 1 || (room === 0 && fills(bits, lengths, size));
}

const REPEAT = 16;
const ROOM = 1 << 15;

/** Whether the lengths of an alphabet's codes come out even; a repeated one says that one comes, and what follows may be anything. */
function fills(bits: Bits, lengths: readonly number[], size: number): boolean {
  let room = ROOM;
  for (let symbol = 0; symbol < size && room > 0; symbol++) {
    const length = readSymbol(bits, lengths);
    if (bits.isOver) return false;
    if (length >= REPEAT) return true;
    if (length > 0) room -= ROOM >> length;
  }
  return room === 0;
}

/** The symbol whose code comes next, where codes of one length follow each other in the order of their symbols. */
function readSymbol(bits: Bits, lengths: readonly number[]): number {
  let [code, first] = [0, 0];
  for (let length = 1; ; length++) {
    code = bits.readCode(1, code);
    const symbols = lengths.flatMap((one, symbol) => (one === length ? symbol : []));
    const symbol = symbols[code - first];
    if (symbol !== undefined || bits.isOver) return symbol ?? 0;
    first = (first + symbols.length) << 1;
  }
}
