import type { Decoded } from "./bytes";
import { bytesDecoded } from "./bytes";
import { type Makeup, SIGNS } from "./makeup";

/**
 * Encodings beside base64 and hexadecimal: base32 of any alphabet, the kinds of base85, uuencode, and numbers of a large
 * base. They have no mark of their own, so only what turns out to be text, or begins as gzip does, was one of them; the
 * first bytes say so, and most attempts end there.
 */

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const CAPITALS = LETTERS.toUpperCase();
const DIGITS = "0123456789";

/** Shortest run that is looked into: what stands for nine bytes, less than any name of the inventory. */
const ONE_CASE = /(?<![A-Za-z0-9])(?:[a-z0-9]{15,}|[A-Z0-9]{15,})={0,6}(?![A-Za-z0-9])/g;
const MIN_ONE_CASE = 15;
const MIN_WORD = 13;
const WORD = /(?<![A-Za-z0-9])[A-Za-z0-9]{13,512}(?![A-Za-z0-9])/g;
/** Base45, as QR codes carry it: capitals, digits, blanks and nine signs. */
const MIN_BASE45 = 15;
const BASE45_RUN = /(?<![A-Za-z0-9])[0-9A-Z $%*+\-./:]{15,}(?![a-z])/g;
const PUNCTUATED = /(?:<~)?([!-~]{12,})/g;
/** Digests and ids are written so, and are none of these. */
const HEXADECIMAL = /^(?:[0-9a-f]+|[0-9A-F]+)$/;

const valuesOf = (alphabet: string): Int8Array => {
  const values = new Int8Array(128).fill(-1);
  [...alphabet].forEach((digit, value) => (values[digit.charCodeAt(0)] = value));
  return values;
};

const BASE32 = [
  `${LETTERS}234567`,
  `${DIGITS}${CAPITALS.slice(0, 22)}`,
  `${DIGITS}${LETTERS.slice(0, 22)}`,
  `${DIGITS}ABCDEFGHJKMNPQRSTVWXYZ`,
  `${DIGITS}abcdefghjkmnpqrstvwxyz`,
  "ybndrfg8ejkmcpqxot1uwisza345h769",
].map(valuesOf);
const BASE85 = [
  Array.from({ length: 85 }, (_, at) => String.fromCharCode(33 + at)).join(""),
  `${DIGITS}${CAPITALS}${LETTERS}!#$%&()*+-;<=>?@^_\`{|}~`,
  `${DIGITS}${LETTERS}${CAPITALS}.-:+=^!/*?&<>()[]{}@%$#`,
].map(valuesOf);
const BASE45 = valuesOf(`${DIGITS}${CAPITALS} $%*+-./:`);
/** Alphabets of numbers of a large base, and how many of their digits fit into a number of JavaScript. */
const NUMBERS = [
  [valuesOf(DIGITS), 10, 15],
  [valuesOf(DIGITS + LETTERS), 36, 10],
  [valuesOf(DIGITS + CAPITALS), 36, 10],
  [valuesOf("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"), 58, 8],
  [valuesOf(DIGITS + CAPITALS + LETTERS), 62, 8],
  [valuesOf(DIGITS + LETTERS + CAPITALS), 62, 8],
] as const;

const isPrintable = (byte: number): boolean => (byte >= 32 && byte < 127) || byte === 9 || byte === 10;

/** Whether bytes begin as a text does, or as gzip. */
export const beginsReadable = (bytes: Uint8Array): boolean =>
  bytes.length > 0 && (bytes.subarray(0, 12).every(isPrintable) || (bytes[0] === 0x1f && bytes[1] === 0x8b));

/** Digits of a run by an alphabet; undefined when one of them is none. */
function digitsOf(run: string, values: Int8Array): number[] | undefined {
  const digits: number[] = [];
  for (let at = 0; at < run.length; at++) {
    const value = values[run.charCodeAt(at)] ?? -1;
    if (value < 0) return undefined;
    digits.push(value);
  }
  return digits;
}

/** The bytes of a run in base32 of an alphabet; undefined when it is none, or when its first bytes do not pass. */
function fromBase32(
  run: string,
  values: Int8Array,
  passes: (beginning: Uint8Array) => boolean,
): Buffer | undefined {
  const digits = digitsOf(run, values);
  if (!digits) return undefined;
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const digit of digits) {
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
    if (bytes.length === 8 && !passes(Uint8Array.from(bytes))) return undefined;
  }
  return Buffer.from(bytes);
}

const RFC_4648 = valuesOf(`${CAPITALS}234567`);

/** The bytes of a run in base32 as RFC 4648 has it, in capitals and without its padding. */
export const base32Bytes = (run: string): Buffer => fromBase32(run, RFC_4648, () => true) ?? Buffer.alloc(0);

function fromBase85(run: string, values: Int8Array, passes = beginsReadable): Buffer | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < run.length; at += 5) {
    const group = run.slice(at, at + 5);
    const digits = digitsOf(group, values);
    if (!digits || group.length === 1) return undefined;
    const value = [...digits, 84, 84, 84, 84].slice(0, 5).reduce((sum, digit) => sum * 85 + digit, 0);
    if (value >= 2 ** 32) return undefined;
    bytes.push(...[24, 16, 8, 0].slice(0, group.length - 1).map((shift) => (value / 2 ** shift) & 0xff));
    if (at === 5 && !passes(Uint8Array.from(bytes))) return undefined;
  }
  return Buffer.from(bytes);
}

/** Two bytes of three digits, the lowest first, and one of the last two. */
function fromBase45(run: string): Buffer | undefined {
  const digits = digitsOf(run, BASE45);
  if (!digits) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < digits.length; at += 3) {
    const [low = 0, middle, high] = digits.slice(at, at + 3);
    if (middle === undefined) return undefined;
    const value = low + middle * 45 + (high ?? 0) * 2025;
    if (value > (high === undefined ? 0xff : 0xffff)) return undefined;
    bytes.push(...(high === undefined ? [value] : [value >> 8, value & 0xff]));
    if (at === 9 && !beginsReadable(Uint8Array.from(bytes))) return undefined;
  }
  return Buffer.from(bytes);
}

/** Smallest number of digits of a base whose next digit no longer matters to the first two bytes. */
const MIN_TELLING = 2 ** 30;

/**
 * Whether a number can begin as a text does, or as gzip: by its first two bytes, which its first digits tell unless they are zeros. Of
 * random ones one in seven gets past; the number itself takes longer than all the rest.
 */
function mayBeginReadable(digits: readonly number[], base: number, perStep: number): boolean {
  const first = digits.slice(0, perStep);
  const value = first.reduce((sum, digit) => sum * base + digit, 0);
  if (value < MIN_TELLING) return true;
  const bits = Math.log2(value) + (digits.length - first.length) * Math.log2(base);
  const bytes = 2 ** ((bits % 8) + 8);
  const [least, most] = [Math.floor(bytes - 0.001), Math.floor(bytes + 0.001)];
  // So close to the next one, the digits that were left out decide.
  if (least !== most) return true;
  return (isPrintable(least >> 8) && isPrintable(least & 255)) || least === 0x1f8b;
}

function fromNumber(run: string, values: Int8Array, base: number, perStep: number): Buffer | undefined {
  const digits = digitsOf(run, values);
  if (!digits || !mayBeginReadable(digits, base, perStep)) return undefined;
  let number = 0n;
  for (let at = 0; at < digits.length; at += perStep) {
    const step = digits.slice(at, at + perStep);
    const value = step.reduce((sum, digit) => sum * base + digit, 0);
    number = number * BigInt(base) ** BigInt(step.length) + BigInt(value);
  }
  const hex = number.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return bytes.every(isPrintable) || beginsReadable(bytes) ? bytes : undefined;
}

const MARKED85 = /<~([!-uz\s]{12,})~>/g;
const UUENCODED = /^begin [0-7]{3} [^\n]*\n((?:[ -`]+\n)+?)[` ]?\n?end/gm;

function fromUuencode(lines: string): Buffer {
  const bytes = lines.split("\n").map((line) => {
    const length = (line.charCodeAt(0) - 32) & 63;
    const sixes = [...line.slice(1)].map((one) => (one.charCodeAt(0) - 32) & 63);
    const found = Array.from({ length: Math.ceil(sixes.length / 4) }, (_, group) => {
      const [a = 0, b = 0, c = 0, d = 0] = sixes.slice(group * 4, group * 4 + 4);
      return [(a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d];
    });
    return Buffer.from(found.flat().slice(0, Number.isNaN(length) ? 0 : length));
  });
  return Buffer.concat(bytes);
}

const read = (bytes: Buffer | undefined, via: string): Decoded[] =>
  bytes && beginsReadable(bytes) ? bytesDecoded(bytes, via, false).filter((one) => !("final" in one)) : [];

/** A sign no address is written with, which base85 has among its digits. */
const ODD_SIGN = /[^\w\s./:=@,-]/;
/** Whether a run has the look of base85: signs among the letters, and none of what addresses are written with. */
const mayBeBase85 = (run: string): boolean => ODD_SIGN.test(run) && /[A-Za-z]/.test(run);

function base32(text: string, { word }: Makeup): Decoded[] {
  if (word < MIN_ONE_CASE) return [];
  const runs = text.match(ONE_CASE) ?? [];
  return runs
    .map((run) => run.replace(/=+$/, ""))
    .filter((run) => !HEXADECIMAL.test(run))
    .flatMap((run) => BASE32.flatMap((values) => read(fromBase32(run, values, beginsReadable), "base32")));
}

function numbers(text: string, { word }: Makeup): Decoded[] {
  if (word < MIN_WORD) return [];
  return (text.match(WORD) ?? [])
    .filter((run) => !HEXADECIMAL.test(run) || /^[1-9]\d{21,}$/.test(run))
    .flatMap((run) =>
      NUMBERS.flatMap(([values, base, perStep]) =>
        read(fromNumber(run, values, base, perStep), `base${base}`),
      ),
    );
}

function base85(text: string): Decoded[] {
  if (!ODD_SIGN.test(text)) return [];
  return [...text.matchAll(PUNCTUATED)]
    .flatMap(([, whole = ""]) => [...new Set([whole, ...whole.split(/["']/)])])
    .filter((run) => run.length >= 12 && mayBeBase85(run))
    .map((run) => run.replace(/~>$/, ""))
    .flatMap((run) => BASE85.flatMap((values) => read(fromBase85(run, values), "base85")));
}

/** Marked as what it is, base85 may hold anything, a compressed text too. */
function marked85(text: string, { signs }: Makeup): Decoded[] {
  const [values] = BASE85;
  if (!values || (signs & SIGNS.less) === 0) return [];
  return [...text.matchAll(MARKED85)].flatMap(([, whole = ""]) => {
    const bytes = fromBase85(whole.replace(/\s/g, ""), values, () => true);
    return bytes ? bytesDecoded(bytes, "base85") : [];
  });
}

function base45(text: string, makeup: Makeup): Decoded[] {
  if (makeup.base45 < MIN_BASE45) return [];
  return (text.match(BASE45_RUN) ?? []).flatMap((run) => read(fromBase45(run.trim()), "base45"));
}

function uuencoded(text: string): Decoded[] {
  if (!text.includes("begin ")) return [];
  return [...text.matchAll(UUENCODED)].flatMap(([, lines = ""]) =>
    read(fromUuencode(lines.trimEnd()), "uuencode"),
  );
}

const ENCODINGS: readonly ((text: string, makeup: Makeup) => Decoded[])[] = [
  base32,
  numbers,
  base85,
  marked85,
  base45,
  uuencoded,
];

/** What runs of a text stand for in one of these encodings. */
export const otherBases = (text: string, makeup: Makeup): Decoded[] =>
  text.length < 12 ? [] : ENCODINGS.flatMap((decode) => decode(text, makeup));
