import { isPrintable } from "./text";

/**
 * Texts written as the codes of their characters, whatever stands between: `chr(112)||chr(115)`, `\112\115`, `\70\73`,
 * `%u0070`, `[char]112+[char]115`, `160 163`. What stands between is the same each time, which words and lists of ports
 * seldom are; what comes out has to be text.
 */

/** Fewest codes that make a text. */
const MIN_CODES = 8;
const MAY_BE_DECIMAL = /(?:\d{2,3}\D{1,12}){7}\d{2}/;
const MAY_BE_HEX = /(?:[0-9a-f]{2,8}[^0-9a-f]{1,8}){7}[0-9a-f]{2}/i;

/** Longest text between two codes. */
const MAX_BETWEEN = 12;

/** Whether what follows a code goes on as before with something else in the middle: a text of which a part alone is codes. */
const isMixed = (gap: string, between: string): boolean =>
  gap.length > between.length &&
  gap.length <= MAX_BETWEEN + between.length &&
  gap[0] === between[0] &&
  gap.at(-1) === between.at(-1);

/** Rows of the numbers a pattern finds, each as long as what stands between stays the same. */
function rows(text: string, number: RegExp): string[][] {
  const found: string[][] = [];
  let [codes, between, end]: [string[], string | undefined, number] = [[], undefined, 0];
  let isPart = false;
  const close = (isInPart: boolean): void => {
    if (codes.length >= MIN_CODES && !isPart && !isInPart) found.push(codes);
    codes = [];
  };
  for (const { 0: code, index } of text.matchAll(number)) {
    const gap = text.slice(end, index);
    if (codes.length > 1 && between !== undefined && gap !== between) {
      const last = codes.at(-1) ?? "";
      const mixed = isMixed(gap, between);
      close(mixed);
      isPart = mixed;
      if (mixed || gap.length > MAX_BETWEEN) between = undefined;
      else codes = [last];
    }
    if (codes.length === 1) between = gap;
    codes.push(code);
    end = index + code.length;
  }
  close(false);
  return found;
}

/** Texts of the numbers a pattern finds. */
const texts = (text: string, number: RegExp, ...bases: readonly number[]): string[] =>
  rows(text, number).flatMap((codes) =>
    bases.flatMap((base) => {
      const read = codes.map((code) => parseInt(code, base));
      return read.every(isPrintable) ? [read.map((code) => String.fromCharCode(code)).join("")] : [];
    }),
  );

const MAY_BE_BYTES = /(?:\d{1,3}\D{1,12}){15}\d/;

/** Rows of numbers up to 255 in a text, which a program may make characters of with a key: `[90, 89, 91].map(x => x ^ 42)`. */
export function listedBytes(text: string): Buffer[] {
  if (text.length < 31 || !MAY_BE_BYTES.test(text)) return [];
  return rows(text, /(?<!\d)\d{1,3}(?!\d)/g).flatMap((numbers) => {
    const bytes = numbers.map(Number);
    return bytes.every((byte) => byte < 256) ? [Buffer.from(bytes)] : [];
  });
}

/**
 * Every text a text spells by codes.
 * @param mayBeDecimal whether it has eight numbers of two decimal digits and more
 * @param mayBeHex the same of hexadecimal digits
 */
export function spelled(text: string, mayBeDecimal = true, mayBeHex = true): string[] {
  // Escapes are resolved as such: those of a name written in part are no text of their own.
  if (text.length < 23 || !(mayBeDecimal || mayBeHex) || /\\[uUxX]/.test(text)) return [];
  return [
    ...(mayBeDecimal && MAY_BE_DECIMAL.test(text) ? texts(text, /(?<!\d)\d{2,3}(?!\d)/g, 10, 8) : []),
    ...(mayBeHex && MAY_BE_HEX.test(text) ? texts(text, /(?<![0-9a-f])[0-9a-f]{2,8}(?![0-9a-f])/gi, 16) : []),
  ];
}

/** Codes with nothing between them. */
const RUN = /(?<!\d)\d{24,4096}(?!\d)/g;
/** Codes with a sign or two between them, not the same each time. */
const UNEVEN = /(?<!\d)\d{2,3}(?:[^\w\n]{1,2}\d{2,3}){11,2000}(?!\d)/g;

/** Codes of a run: two digits below a hundred and three from there, or three each, decimal or octal. */
const RUNS: readonly (readonly [RegExp, number])[] = [
  [/1[0-2]\d|[3-9]\d/g, 10],
  [/\d{3}/g, 10],
  [/[01][0-7]{2}/g, 8],
];

/** Every text a text spells by codes with nothing, or with this and that, between them. */
export function spelledUnevenly(text: string): string[] {
  const read = (codes: readonly number[]): string[] =>
    codes.every(isPrintable) ? [String.fromCharCode(...codes)] : [];
  const runs = (text.match(RUN) ?? []).flatMap((run) =>
    RUNS.flatMap(([code, base]) => {
      const codes = run.match(code) ?? [];
      return codes.join("") === run ? read(codes.map((one) => parseInt(one, base))) : [];
    }),
  );
  return [...runs, ...(text.match(UNEVEN) ?? []).flatMap((list) => read(list.split(/\D+/).map(Number)))];
}
