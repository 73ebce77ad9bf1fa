/**
 * Whether bytes can be a stream of Brotli, which has no mark of its own: by its window, and by the header of its first block as far
 * as the first code for code lengths, which has to come out even (RFC 7932, sections 3.5, 9.1 and 9.2). Half
 * of all random bytes get past; a decoder costs more to set up than all other readings of a text.
 */
export function mayBeBrotli(bytes: Uint8Array): boolean {
  let at = 0;
  const read = (count: number): number => {
    let value = 0;
    for (let bit = 0; bit < count; bit++, at++) value += (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) * 2 ** bit;
    return value;
  };
  if (read(1) === 1 && read(3) === 0 && read(3) === 1) return false;
  const isLast = read(1) === 1;
  // An empty stream says nothing.
  if (isLast && read(1) === 1) return false;
  const nibbles = read(2) + 4;
  // Data to be skipped: what follows may be anything.
  if (nibbles === 7) return true;
  const length = read(nibbles * 4) + 1;
  // The highest digit is not zero where there are more than four.
  if (nibbles > 4 && length <= 16 ** (nibbles - 1)) return false;
  if (!isLast && read(1) === 1) {
    const padding = (8 - (at & 7)) & 7;
    return read(padding) === 0 && at / 8 + length <= bytes.length;
  }
  // Types of blocks for literals, commands and distances; with several, their own codes come first.
  for (let category = 0; category < 3; category++) if (read(1) === 1) return true;
  // Postfix bits, direct codes and the mode of the one context.
  read(8);
  // Trees for literals and for distances; with several, a map of them comes first.
  for (let category = 0; category < 2; category++) if (read(1) === 1) return true;
  const skipped = read(2);
  return skipped === 1 || isEven(skipped, read);
}

/** Lengths of codes by the bits that stand for them: two, three where both are set, four where all three are. */
const VALUES = [0, 4, 3, 2, 0, 4, 3, 1, 0, 4, 3, 2, 0, 4, 3, 5] as const;

/** Whether the lengths of up to 18 codes fill all there is room for, or are of one code alone. */
function isEven(skipped: number, read: (count: number) => number): boolean {
  let [room, codes] = [32, 0];
  for (let code = skipped; code < 18 && room > 0; code++) {
    let bits = read(2);
    if (bits === 3) bits += read(1) * 4;
    if (bits === 7) bits += read(1) * 8;
    const length = VALUES[bits] ?? 0;
    if (length === 0) continue;
    room -= 32 >> length;
    codes++;
  }
  return room === 0 || codes === 1;
}
