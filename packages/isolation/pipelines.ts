/**
 * What a shell's filters make of a literal: `echo a_b | tr _ -`, `echo xxab | cut -c3-`, `echo aXX | sed s/XX/b/`, `rev`. The
 * literal itself goes nowhere else, so what comes out is what counts.
 */

/** A program that passes one word on, and the bar after it. */
const SOURCE =
  /\b(?:echo|printf)\s{1,9}(?:-[ne]{1,2}\s{1,9})?(["']?)([^\s|;&<>()`$"'%]{1,1000})\1\s{0,9}\|\s{0,9}/g;
const BAR = /\s{0,9}\|\s{0,9}/y;

type Filter = readonly [RegExp, (text: string, ...groups: string[]) => string | undefined];

/** Characters of a set of `tr`, with its ranges written out; undefined when it has classes of its own. */
function characters(set: string): string[] | undefined {
  if (/[[\\]/.test(set)) return undefined;
  return [...set.matchAll(/(.)-(.)|(.)/gs)].flatMap(([, from = "", to = "", one]) => {
    if (one !== undefined) return [one];
    const first = from.charCodeAt(0);
    const length = Math.max(0, to.charCodeAt(0) - first + 1);
    return Array.from({ length }, (_, at) => String.fromCharCode(first + at));
  });
}

function translated(text: string, from: string, to: string): string | undefined {
  const [keys, values] = [characters(from), characters(to)];
  if (!keys || !values || values.length === 0) return undefined;
  // A shorter second set goes on with its last character.
  const table = new Map(keys.map((key, at) => [key, values[Math.min(at, values.length - 1)] ?? key]));
  return [...text].map((one) => table.get(one) ?? one).join("");
}

function without(text: string, set: string): string | undefined {
  const gone = characters(set);
  return gone && [...text].filter((one) => !gone.includes(one)).join("");
}

const FILTERS: readonly Filter[] = [
  [
    /sed\s{1,9}(?:-[Ee]\s{1,9})?(["']?)s([/|#,@:])([\w.-]{1,60})\2([\w.-]{0,60})\2(g?)\1/y,
    (text, _quote, _by, from = "", to = "", all = "") =>
      all === "g" ? text.replaceAll(from, to) : text.replace(from, () => to),
  ],
  [
    /sed\s{1,9}(["']?)y([/|#,@:])([\w.-]{1,60})\2([\w.-]{1,60})\2\1/y,
    (text, _quote, _by, from = "", to = "") => translated(text, from, to),
  ],
  [/tr\s{1,9}-d\s{1,9}(["']?)([^\s"'|;&)`]{1,80})\1/y, (text, _quote, set = "") => without(text, set)],
  [
    /tr\s{1,9}(["']?)([^\s"'|;&)`-][^\s"'|;&)`]{0,80})\1\s{1,9}(["']?)([^\s"'|;&)`]{1,80})\3/y,
    (text, _quote, from = "", _other, to = "") => translated(text, from, to),
  ],
  [
    /cut\s{1,9}-c\s{0,9}(\d{0,4})-(\d{0,4})/y,
    (text, from = "", to = "") =>
      text.slice(Math.max(0, Number(from || 1) - 1), to === "" ? undefined : Number(to)),
  ],
  [/rev\b/y, (text) => [...text].reverse().join("")],
];

/** The filter that stands at a place of a text, done to a literal: what comes out, and where it ends. */
function filteredAt(text: string, at: number, literal: string): { literal: string; end: number } | undefined {
  for (const [pattern, apply] of FILTERS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const made = match ? apply(literal, ...match.slice(1)) : undefined;
    if (match && made !== undefined) return { literal: made, end: at + match[0].length };
  }
  return undefined;
}

/** A text with each literal that is passed through filters replaced by what they make of it; others stay. */
export function filtered(text: string): string {
  if (!text.includes("|")) return text;
  let [result, kept] = ["", 0];
  for (const match of text.matchAll(SOURCE)) {
    if (match.index < kept) continue;
    let done: { literal: string; end: number } | undefined;
    let next = filteredAt(text, match.index + match[0].length, match[2] ?? "");
    while (next) {
      done = next;
      BAR.lastIndex = next.end;
      const bar = BAR.exec(text);
      next = bar ? filteredAt(text, next.end + bar[0].length, next.literal) : undefined;
    }
    if (!done) continue;
    result += `${text.slice(kept, match.index)}echo ${done.literal}`;
    kept = done.end;
  }
  return result + text.slice(kept);
}
