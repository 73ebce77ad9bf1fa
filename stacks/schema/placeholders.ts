/** Words that keep a place free until somebody writes what is meant, or that mean nothing. */
const WORDS =
  /^(todo|tbd|fixme|x{3,}|change ?me|replace ?me|placeholder|dummy|foo|bar|baz|qux|lorem|ipsum|asdf|qwerty|none|n a|na|unknown|undefined|null|nan|example|sample|your|my ?org|octocat)$/;

const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Whether a text is a placeholder, or has one among its words. */
export const isPlaceholder = (text: string): boolean =>
  [words(text).join(" "), ...words(text)].some((word) => WORDS.test(word));

/** Whether a text has words, three different ones at least, and not the letters one presses to get past a check. */
export function isSentence(text: string): boolean {
  const meant = words(text).filter((word) => /\p{L}{2,}/u.test(word) && !/^(.)\1+$/.test(word));
  return new Set(meant).size >= 3 && !isPlaceholder(text);
}

/** Digits in a row that no id or digest has by chance: one in ten million. */
const RUN = 8;

/** Whether hexadecimal digits were typed: a part of them over and over, one digit many times, or as one counts. */
export function isTyped(hex: string): boolean {
  const lower = hex.toLowerCase();
  const periods = Array.from({ length: Math.min(16, hex.length / 2) }, (_, index) => index + 1);
  if (periods.some((period) => lower.slice(period) === lower.slice(0, -period))) return true;
  let [same, counted] = [1, 1];
  const digits = [...hex].map((digit) => Number.parseInt(digit, 16));
  return digits.some((digit, at) => {
    const before = digits[at - 1];
    same = digit === before ? same + 1 : 1;
    counted = before !== undefined && digit === (before + 1) % 16 ? counted + 1 : 1;
    return same >= RUN || counted >= RUN;
  });
}
