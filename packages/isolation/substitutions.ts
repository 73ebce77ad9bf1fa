/** Replacements by a pattern, as the tools that rewrite names know them. */

/** Each with its pattern and what is put in its place; of CoreDNS, of sed, of Python, of JavaScript, of Prometheus. */
const SUBSTITUTIONS: readonly RegExp[] = [
  /\bname\s+regex\s+()(\S{2,200})\s+(\S{1,200})/g,
  /\bs([/|#,@])((?:(?!\1)[^\n]){2,200})\1((?:(?!\1)[^\n]){0,100})\1/g,
  /\bsub\s{0,3}\(\s{0,3}r?(["'])([^"'\n]{2,200})\1\s{0,3},\s{0,3}r?["']([^"'\n]{0,100})["']/g,
  /\.replace\s{0,3}\(\s{0,3}()\/([^/\n]{2,200})\/[a-z]{0,4}\s{0,3},\s{0,3}["'`]([^"'`\n]{0,100})["'`]/g,
  /\bregex:\s{0,9}(["']?)([^\s"']{2,200})["']?\s{1,40}(?:\w{1,40}:\s{0,9}\S{1,80}\s{1,40})?replacement:\s{0,9}["']?([^\s"']{1,100})/g,
];
const HAS_SUBSTITUTION = /regex|\bs[/|#,@]|sub\s{0,3}\(|\.replace/;
/** Most patterns of one text, and most parts of a pattern that stand for anything. */
const MAX_PATTERNS = 20;
const MAX_WILD = 3;
/** Longest name a pattern is tried on. */
const MAX_NAME_CHARS = 100;

/** What stands for anything in a pattern; a dot alone is mostly meant as one. */
const WILD = /^(?:\.|\[[^\]\n]{1,40}\]|\\[wdsS])(?:[*+]\??|\{\d{1,3}(?:,\d{0,3})?\})/;
const LITERAL = /^(?:\\([./_-])|\[([./_-])\]|([\w./:-]))/;

/**
 * A pattern of literals, groups and parts that stand for anything, as one that takes no more than a moment on any name;
 * undefined for patterns with more to them, and for those without a group, which are told as plain replacements.
 */
function simplePattern(pattern: string): RegExp | undefined {
  let [rest, made, wild, groups] = [pattern, "", 0, 0];
  while (rest !== "") {
    const anything = WILD.exec(rest)?.[0];
    const literal = LITERAL.exec(rest);
    if (anything !== undefined) {
      if (++wild > MAX_WILD) return undefined;
      made += ".*";
      rest = rest.slice(anything.length);
    } else if (literal) {
      made += (literal[1] ?? literal[2] ?? literal[3] ?? "").replace(/[.]/, "\\.");
      rest = rest.slice(literal[0].length);
    } else if (/^[()^$]/.test(rest)) {
      // Names of groups, and what says that a group is none, are left out: its number is what counts.
      const opening = /^\((?:\?P?<\w{1,30}>|\?:)?/.exec(rest)?.[0];
      groups += opening === undefined ? 0 : 1;
      made += opening === undefined ? rest.slice(0, 1) : opening.includes("?:") ? "(?:" : "(";
      rest = rest.slice(opening?.length ?? 1);
    } else {
      return undefined;
    }
  }
  if (groups === 0) return undefined;
  try {
    return new RegExp(made);
  } catch {
    return undefined;
  }
}

const withGroups = (replacement: string): string =>
  replacement
    .replace(/\$(?!\d|\{\d\})/g, "$$$$")
    .replace(/\\(\d)|\$?\{(\d)\}/g, (_, a?: string, b?: string) => `$${a ?? b ?? ""}`);

/** Makes of a name what a text's replacements by patterns with groups make of it; none where the text has no such. */
export function rewritesIn(text: string): ((name: string) => string)[] {
  if (!HAS_SUBSTITUTION.test(text)) return [];
  return SUBSTITUTIONS.flatMap((substitution) =>
    [...text.matchAll(substitution)].slice(0, MAX_PATTERNS),
  ).flatMap(([, , pattern = "", replacement = ""]) => {
    const from = simplePattern(pattern);
    if (!from) return [];
    const to = withGroups(replacement);
    return [(name: string): string => (name.length > MAX_NAME_CHARS ? name : name.replace(from, to))];
  });
}
