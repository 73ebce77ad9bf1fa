/** Words that keep a place free until somebody writes what is meant, or that mean nothing. */
const WORDS =
  /^(todo|tbd|fixme|x{3,}|change ?me|replace ?me|placeholder|dummy|foo|bar|baz|qux|lorem|ipsum|asdf|qwerty|none|n a|na|unknown|undefined|null|example|sample|your|my ?org|octocat)$/;

const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Whether a text is a placeholder, or has one among its words. */
export const isPlaceholder = (text: string): boolean =>
  [words(text).join(" "), ...words(text)].some((word) => WORDS.test(word));

/** Whether a text has words, three different ones at least, and not the letters one presses to get past a check. */
export function isSentence(text: string): boolean {
  const meant = words(text).filter((word) => /\p{L}{2,}/u.test(word) && !/^(.)\1+$/.test(word));
  return new Set(meant).size >= 3 && !isPlaceholder(text);
}

const COUNTED = "0123456789abcdef0123456789";
/** Digits in a row that no id or digest has by chance: one in ten million. */
const RUN = 8;

/** Whether hexadecimal digits were typed: a part of them over and over, one digit many times, or as one counts. */
export function isTyped(hex: string): boolean {
  const digits = hex.toLowerCase();
  if (/^(.{1,16})\1+$/.test(digits) || new RegExp(`(.)\\1{${RUN - 1}}`).test(digits)) return true;
  return Array.from({ length: Math.max(0, digits.length - RUN + 1) }, (_, at) =>
    digits.slice(at, at + RUN),
  ).some((part) => COUNTED.includes(part));
}
