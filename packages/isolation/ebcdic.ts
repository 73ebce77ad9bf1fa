/** Characters names and settings are written with, by their bytes in EBCDIC, code page 37. */
const CHARACTERS: ReadonlyMap<number, string> = new Map(
  [
    [0x81, "abcdefghi"],
    [0x91, "jklmnopqr"],
    [0xa2, "stuvwxyz"],
    [0xc1, "ABCDEFGHI"],
    [0xd1, "JKLMNOPQR"],
    [0xe2, "STUVWXYZ"],
    [0xf0, "0123456789"],
    [0x15, "\n"],
    [0x25, "\n"],
    [0x40, " "],
    [0x4b, "."],
    [0x60, "-/"],
    [0x6d, "_"],
    [0x7a, ":"],
    [0x7c, "@'=\""],
  ].flatMap(([first, characters]) =>
    [...String(characters)].map((one, at): [number, string] => [Number(first) + at, one]),
  ),
);

/** Shortest text that is looked for: shorter ones turn up by chance. */
const MIN_BYTES = 16;

/** A text in EBCDIC, all of whose characters are known here; undefined for other bytes. */
export function fromEbcdic(bytes: Uint8Array): string | undefined {
  if (bytes.length < MIN_BYTES) return undefined;
  let text = "";
  for (const byte of bytes) {
    const character = CHARACTERS.get(byte);
    if (character === undefined) return undefined;
    text += character;
  }
  return text;
}
