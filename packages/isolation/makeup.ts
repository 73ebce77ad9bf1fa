/** Signs an encoding, a place or a way of writing is told by, one bit each. */
export const SIGNS = {
  notAscii: 1 << 0,
  lineEnd: 1 << 1,
  percent: 1 << 2,
  backslash: 1 << 3,
  ampersand: 1 << 4,
  equals: 1 << 5,
  quote: 1 << 6,
  dollar: 1 << 7,
  hash: 1 << 8,
  at: 1 << 9,
  bar: 1 << 10,
  plus: 1 << 11,
  less: 1 << 12,
  parenthesis: 1 << 13,
  brace: 1 << 14,
  bracket: 1 << 15,
  tilde: 1 << 16,
  dot: 1 << 17,
  slash: 1 << 18,
  comma: 1 << 19,
} as const;

const ALL_SIGNS = (1 << 20) - 1;

/** Above the signs: what a character can be a digit or a part of. */
const DIGIT = 1 << 24;
const HEX = 1 << 25;
const WORD = 1 << 26;
const BASE64 = 1 << 27;
const BASE45 = 1 << 28;
const DUMP = 1 << 29;

const WRITTEN: readonly (readonly [characters: RegExp, bits: number])[] = [
  [/[\r\n]/, SIGNS.lineEnd],
  [/%/, SIGNS.percent],
  [/\\/, SIGNS.backslash],
  [/&/, SIGNS.ampersand],
  [/=/, SIGNS.equals],
  [/["'`]/, SIGNS.quote],
  [/\$/, SIGNS.dollar],
  [/#/, SIGNS.hash],
  [/@/, SIGNS.at],
  [/\|/, SIGNS.bar],
  [/\+/, SIGNS.plus],
  [/</, SIGNS.less],
  [/\(/, SIGNS.parenthesis],
  [/\{/, SIGNS.brace],
  [/\[/, SIGNS.bracket],
  [/~/, SIGNS.tilde],
  [/\./, SIGNS.dot],
  [/\//, SIGNS.slash],
  [/,/, SIGNS.comma],
  [/\d/, DIGIT],
  [/[0-9a-f]/i, HEX],
  [/[A-Za-z0-9]/, WORD],
  [/[A-Za-z0-9+/_-]/, BASE64],
  [/[0-9A-Z $%*+\-./:]/, BASE45],
  [/[0-9a-fx\s:,]/i, DUMP],
];

const BITS = Int32Array.from({ length: 128 }, (_, code) =>
  WRITTEN.reduce(
    (bits, [characters, bit]) => (characters.test(String.fromCharCode(code)) ? bits | bit : bits),
    0,
  ),
);

/** Of a character beyond ASCII: it may be a blank between bytes. */
const BEYOND = SIGNS.notAscii | DUMP;

/**
 * What a text is made of, found in one pass: enough to tell of most texts that they are in none of a dozen encodings, without
 * looking for each.
 */
export interface Makeup {
  /** Which of {@link SIGNS} it has. */
  readonly signs: number;
  /** How many decimal digits it has. */
  readonly digits: number;
  /** How many numbers of two decimal, or hexadecimal, digits and more it has. */
  readonly numbers: number;
  readonly hexNumbers: number;
  /** Longest run of letters and digits, in characters; below, those of what some encodings write. */
  readonly word: number;
  /** Digits of base64, of either alphabet. */
  readonly base64: number;
  readonly base45: number;
  /** Hexadecimal digits with what stands between them in dumps of bytes. */
  readonly dump: number;
}

export function makeupOf(text: string): Makeup {
  let [signs, digits, numbers, hexNumbers] = [0, 0, 0, 0];
  let [word, base64, base45, dump] = [0, 0, 0, 0];
  let [inNumber, inHex, inWord, inBase64, inBase45, inDump] = [0, 0, 0, 0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const bits = code < 128 ? (BITS[code] ?? 0) : BEYOND;
    signs |= bits;
    inNumber = bits & DIGIT ? inNumber + 1 : 0;
    inHex = bits & HEX ? inHex + 1 : 0;
    inWord = bits & WORD ? inWord + 1 : 0;
    inBase64 = bits & BASE64 ? inBase64 + 1 : 0;
    inBase45 = bits & BASE45 ? inBase45 + 1 : 0;
    inDump = bits & DUMP ? inDump + 1 : 0;
    if (inNumber > 0) digits++;
    if (inNumber === 2) numbers++;
    if (inHex === 2) hexNumbers++;
    if (inWord > word) word = inWord;
    if (inBase64 > base64) base64 = inBase64;
    if (inBase45 > base45) base45 = inBase45;
    if (inDump > dump) dump = inDump;
  }
  return { signs: signs & ALL_SIGNS, digits, numbers, hexNumbers, word, base64, base45, dump };
}
