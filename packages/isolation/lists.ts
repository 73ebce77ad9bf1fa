/**
 * Short literals of which a text makes one: a list that is joined as it stands, turned round or sorted, in whatever language.
 * Which order it comes to is not followed: names are looked for in any.
 */

const WORD = String.raw`[\w.~:/-]{1,60}`;
const MORE = "{1,11}";
const QUOTED = new RegExp(
  String.raw`(["'])${WORD}\1(?:(?:\s{0,9},\s{0,9}|\s{1,3})(["'])${WORD}\2)${MORE}`,
  "g",
);
/** Words without quotes: `%w[a b]` of Ruby, `qw(a b)` of Perl, `NAMES=(a b)` of a shell. */
const BARE = new RegExp(
  String.raw`(?:%w|\bqw\s?|\w=)[[({/]\s{0,9}(${WORD}(?:\s{1,9}${WORD})${MORE})\s{0,9}[\])}/]`,
  "g",
);
/** `"a_b".split("_")` */
const SPLIT = /(["'])([^"'\s]{5,200})\1\.split\s{0,3}\(\s{0,3}(["'])([^"']{1,3})\3/g;
/** Words as numbers of base 36, where a text turns numbers into such. */
const OF_BASE_36 = /(?<![\d.])36(?![\d.])/;
const NUMBERS = new RegExp(String.raw`\d{2,13}(?:\s{0,3}[,;]\s{0,3}\d{2,13})${MORE}`, "g");
/** Longest text that is looked through; in a larger one lists are data. */
const MAX_CHARS = 256 * 1024;

/** Lists of short literals in a text, each with two members or more. */
export function listsIn(text: string): string[][] {
  if (text.length > MAX_CHARS) return [];
  const found: string[][] = [];
  if (/["']/.test(text)) {
    for (const [list] of text.matchAll(QUOTED)) found.push(list.match(/[\w.~:/-]+/g) ?? []);
    for (const [, , whole = "", , by = ""] of text.matchAll(SPLIT)) found.push(whole.split(by));
  }
  for (const [, list = ""] of text.matchAll(BARE)) found.push(list.split(/\s+/));
  if (OF_BASE_36.test(text))
    for (const [list] of text.matchAll(NUMBERS))
      found.push((list.match(/\d+/g) ?? []).map((number) => Number(number).toString(36)));
  return found;
}
