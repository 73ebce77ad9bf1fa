import { assignments } from "./text";

/**
 * Texts that a text puts together itself: `printf "%s-%s" a b`, `concat('a', 'b')`, `["a", "b"].join("-")`,
 * `"{}".format("a")`, and replacements such as `s/a/b/`. Only literal arguments are put in: what is computed
 * beyond that stays with the network and the rights.
 */

const QUOTED = String.raw`"[^"\n]{0,300}"|'[^'\n]{0,300}'`;
const LITERAL = String.raw`(?:${QUOTED})`;
const ONE = String.raw`(?:\w{1,60}=)?(?:${QUOTED}|[\w.-]{1,200})`;
const BETWEEN = String.raw`(?:\s{0,20},\s{0,20}|\s{1,20})`;
/** Arguments of a call: literals and words with commas or spaces between. Never two without, so that none is tried twice. */
const ARGUMENTS = String.raw`${ONE}(?:${BETWEEN}${ONE}){0,40}`;
/** Longest text that is looked at, and longest that comes out. */
const MAX_CHARS = 256 * 1024;
const MAX_REPLACEMENTS = 20;

const bare = (literal: string): string => literal.trim().replace(/^(["'])(.*)\1$/s, "$2");
const ARGUMENT = new RegExp(String.raw`(?:(\w+)=)?(${LITERAL}|[\w.-]+)`, "g");
const argumentsOf = (list: string): string[] =>
  [...list.matchAll(ARGUMENT)].map(([, , one = ""]) => bare(one));

/** What the names of a text stand for, as it assigns them itself. */
type Names = (name: string) => string | undefined;

/**
 * Values of a call's arguments, by place and by name. A word between commas is the name of a variable: one that the text
 * gives no value has none.
 */
function valuesOf(list: string, isCall: boolean, names: Names): Map<string, string | undefined> {
  const values = new Map<string, string | undefined>();
  let next = 0;
  for (const [, name, one = ""] of list.matchAll(ARGUMENT)) {
    const isVariable = isCall && /^[A-Za-z_][\w.]*$/.test(one);
    values.set(name ?? String(next++), isVariable ? names(one) : bare(one));
  }
  return values;
}

/** A format with its verbs and its numbered, named or empty braces filled, each by the argument it takes. */
function filled(format: string, values: ReadonlyMap<string, string | undefined>): string {
  let next = 0;
  return format
    .replace(/%(?:(\d)\$|\[(\d)\])?-?\d*[svdqi]/g, (whole, first?: string, second?: string) => {
      const position = first ?? second;
      return values.get(String(position === undefined ? next++ : Number(position) - 1)) ?? whole;
    })
    .replace(
      /\{(\w{0,60})(?::[^{}]{0,20})?\}/g,
      (whole, name: string) => values.get(name === "" ? String(next++) : name) ?? whole,
    );
}

type Rewrite = readonly [RegExp, (names: Names, ...groups: string[]) => string];

const CALLS: readonly Rewrite[] = [
  // printf "a-%s" b · format('a-{0}', 'b') · string.Format("a-{0}", "b") · {{ printf "a-%s" "b" }}
  [
    new RegExp(
      String.raw`\b(?:[a-z]\w{0,20}\.)?(?:s?printf|format)!?\s{0,9}\(?\s{0,9}(${LITERAL})(${BETWEEN})(${ARGUMENTS})\s{0,9}\)?`,
      "gi",
    ),
    (names, _, format = "", between = "", list = "") =>
      filled(bare(format), valuesOf(list, between.includes(","), names)),
  ],
  // "a-{}".format("b") · "a-%s" % "b"
  [
    new RegExp(
      String.raw`(${LITERAL})\s{0,9}(?:\.format\s{0,9}\(|%(?=[\s("']))\s{0,9}\(?(${ARGUMENTS})\s{0,9}\)?`,
      "g",
    ),
    (names, _, format = "", list = "") => filled(bare(format), valuesOf(list, true, names)),
  ],
  // "a-{0}" -f "b"
  [
    new RegExp(String.raw`(${LITERAL})\s{1,9}-f\s{1,9}(${ARGUMENTS})`, "g"),
    (names, _, format = "", list = "") => filled(bare(format), valuesOf(list, false, names)),
  ],
  // concat('a', 'b')
  [
    new RegExp(String.raw`\bconcat\s{0,9}\(\s{0,9}(${ARGUMENTS})\s{0,9}\)`, "gi"),
    (_names, _, list = "") => argumentsOf(list).join(""),
  ],
  // concat_ws('-', 'a', 'b') · join("-", ["a", "b"]) · join "-" (list "a" "b")
  [
    new RegExp(
      String.raw`\b(?:concat_ws|join)\s{0,9}\(?\s{0,9}(${LITERAL})\s{0,9},?\s{0,9}[[(]?\s{0,9}(?:(?:list|array|tuple)\s{1,9})?(${ARGUMENTS})\s{0,9}[\])]{0,3}`,
      "gi",
    ),
    (_names, _, by = "", list = "") => argumentsOf(list).join(bare(by)),
  ],
  // ["a", "b"].join("-")
  [
    new RegExp(
      String.raw`\[\s{0,20}(${ARGUMENTS})\s{0,20}\]\s{0,9}\.join\s{0,9}\(\s{0,9}(${LITERAL})?\s{0,9}\)`,
      "g",
    ),
    (_names, _, list = "", by = "','") => argumentsOf(list).join(bare(by)),
  ],
  // "-".join(["a", "b"])
  [
    new RegExp(
      String.raw`(${LITERAL})\.join\s{0,9}\(\s{0,9}[[(]?\s{0,20}(${ARGUMENTS})\s{0,20}[\])]?\s{0,9}\)`,
      "g",
    ),
    (_names, _, by = "", list = "") => argumentsOf(list).join(bare(by)),
  ],
];
/** A name before or after a sign that joins texts: `a + "b"`. */
const JOINED_NAME =
  /(?<=(?:\+|~|\.\.)[ \t]{0,3})[A-Za-z_]\w{0,60}(?![\w(.[])|(?<![\w.])[A-Za-z_]\w{0,60}(?=[ \t]{0,3}(?:\+(?![+=])|~|\.\.))/g;
/** Longest text in which names are joined: in a program of any size most names are of one letter, and of many things. */
const MAX_JOINED_CHARS = 64 * 1024;
const HAS_JOINED_NAME = /\w[ \t]{0,3}(?:\+|~|\.\.)[ \t]{0,3}["'`\w]/;

/** A text with the names it gives values itself put in where it joins texts, as literals. */
function withJoinedNames(text: string): string {
  if (text.length > MAX_JOINED_CHARS || !HAS_JOINED_NAME.test(text)) return text;
  const own = assignments(text);
  if (own.size === 0) return text;
  return text.replace(JOINED_NAME, (name) => {
    const value = own.get(name);
    return value !== undefined && /^[\w.-]+$/.test(value) ? `'${value}'` : name;
  });
}

/** A map or list of literals that a text gives a name, and one of its members. */
const NAMED_MAP =
  /\b([A-Za-z_]\w{0,40})["']?\s{0,3}(?::=|=|:)\s{0,3}(?:(?:dict|Map\.of|map\[string\]string|Object\.freeze)\s{0,3}\(?\s{0,3})?[{[(]([^{}[\]()]{3,2000})[}\])]/g;
const MEMBER =
  /(?:["':]?([\w-]{1,60})["']?\s{0,9}(?:=>|:|=)\s{0,9})?["']([\w.-]{1,200})["']\s{0,9}(?=,|$|\n|\))/g;
const MEMBER_PLACE =
  /((?:\$|#)?\{{1,2}\s{0,3})?\b(?:[A-Za-z_]\w{0,40}\.){0,3}([A-Za-z_]\w{0,40})(?:\.(?:get|fetch|at)\(\s{0,3}["':]?([\w-]{1,60})["']?\s{0,3}\)|\[\s{0,3}["':]?([\w-]{1,60})["']?\s{0,3}\]|\.([\w-]{1,60})(?![\w(]))(\s{0,3}\}{1,2})?/g;
const ALL_MEMBERS =
  /\bObject\.values\(\s{0,3}([A-Za-z_]\w{0,40})\s{0,3}\)|\b([A-Za-z_]\w{0,40})\.values\b(?:\(\))?/g;
const HAS_MAP =
  /(?:=|:)\s{0,3}(?:(?:\w[\w.]{0,20}|map\[string\]string)\s{0,3}\(?\s{0,3})?[{[(][^{}[\]()]{0,200}["']/;

/** A text with the members of its own maps and lists put in where it takes them: as literals, or bare in a place of a text. */
function withMembers(text: string): string {
  if (text.length > MAX_JOINED_CHARS || !HAS_MAP.test(text)) return text;
  const maps = new Map(
    [...text.matchAll(NAMED_MAP)].map(([, name = "", members = ""]) => [
      name,
      new Map([...members.matchAll(MEMBER)].map(([, key, value = ""], at) => [key ?? String(at), value])),
    ]),
  );
  if (maps.size === 0) return text;
  return text
    .replace(MEMBER_PLACE, (whole, ...groups: (string | undefined)[]) => {
      const [opens = "", name = "", called, index, member, closes = ""] = groups;
      const value = maps.get(name)?.get(called ?? index ?? member ?? "");
      if (value === undefined) return whole;
      return opens !== "" && closes !== "" ? value : `${opens}'${value}'${closes}`;
    })
    .replace(ALL_MEMBERS, (whole, one: string | undefined, other: string | undefined) => {
      const values = [...(maps.get(one ?? other ?? "")?.values() ?? [])];
      return values.length === 0 ? whole : `[${values.map((value) => `'${value}'`).join(", ")}]`;
    });
}

/** A variable of a policy of API Management: where it gets its value, and where it is taken. */
const SET_VARIABLE =
  /<set-variable\s(?=[^<>]{0,300}?\bname="(\w{1,99})")(?=[^<>]{0,300}?\bvalue="([\w.-]{1,300})")/g;
const VARIABLE =
  /(\{?)(?:\(string\)\s?)?context\.Variables(?:\.GetValueOrDefault(?:<\w{1,20}>)?\(|\[)\s{0,3}"(\w{1,99})"[^)\]{}]{0,60}[\])](\}?)/g;

/** A policy's text with the variables it gives values itself put in: as literals, or bare in the place of a literal. */
function withPolicyVariables(text: string): string {
  if (!text.includes("<set-variable")) return text;
  const own = new Map([...text.matchAll(SET_VARIABLE)].map(([, name = "", value = ""]) => [name, value]));
  return text.replace(VARIABLE, (whole, opens: string, name: string, closes: string) => {
    const value = own.get(name);
    if (value === undefined) return whole;
    return opens !== "" && closes !== "" ? value : `${opens}"${value}"${closes}`;
  });
}

const HAS_CALL = /printf|format|concat|join|["']\s*%|["']\s+-f\s/i;

/** Replacements a text asks for: `s/a/b/`, `${X/a/b}`, `.replace("a", "b")`, `replace "a" "b"`, `tr` excepted. */
const REPLACEMENTS: readonly RegExp[] = [
  /\bs([/|#,@])((?:(?!\1)[\w.-]){2,60})\1((?:(?!\1)[\w.-]){0,60})\1/g,
  /\$\{\w+()\/\/?([\w.-]{1,60})\/([\w.-]{0,60})\}/g,
  new RegExp(
    String.raw`\breplace(?:All)?\s*(\(|\s)(?:\s{0,9}${LITERAL}\s{0,9},\s{0,9}|[^"'\n]{0,100})["']([^"'\n]{1,60})["']\s*,?\s*["']([\w.-]{0,60})["']`,
    "gi",
  ),
];
const HAS_REPLACEMENT = /\bs[/|#,@]|\$\{\w+\/|replace/i;

/** The same with words of their own: of HAProxy, of CoreDNS. */
const SUBSTITUTIONS: readonly RegExp[] = [
  ...REPLACEMENTS,
  /\bregsub\s{0,9}()\(([\w.-]{1,60}),([\w.-]{0,60})/gi,
  /\brewrite\s+(?:stop\s+)?name\s+substring\s+()([\w.-]{1,60})\s+([\w.-]{1,60})/gi,
];
const HAS_SUBSTITUTION = new RegExp(`${HAS_REPLACEMENT.source}|regsub|substring`, "i");

type Replacement = readonly [from: string, to: string];

const pairsOf = (text: string, patterns: readonly RegExp[]): Replacement[] =>
  patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)]
      .slice(0, MAX_REPLACEMENTS)
      .map(([, , from = "", to = ""]): Replacement => [from, to]),
  );

/** The same by a pattern that stands for itself: `.replace(/\./g, "-")`. */
const BY_PATTERN =
  /\breplace(?:All)?\s{0,9}\(\s{0,9}\/((?:\\?[^\w\s/\\[\](){}*+?|^$]|[\w-]){1,60})\/[a-z]{0,4}\s{0,9},\s{0,9}["']([\w.-]{0,60})["']/g;
const patternsOf = (text: string): Replacement[] =>
  [...text.matchAll(BY_PATTERN)]
    .slice(0, MAX_REPLACEMENTS)
    .map(([, from = "", to = ""]): Replacement => [from.replaceAll("\\", ""), to]);

/** What a text puts in the place of what, wherever it does it. */
export const replacementsIn = (text: string): Replacement[] =>
  text.length <= MAX_CHARS && HAS_SUBSTITUTION.test(text) ? pairsOf(text, SUBSTITUTIONS) : [];

/** A text with the calls in it that make one text of several done. */
export function called(text: string): string {
  if (text.length > MAX_CHARS) return text;
  let result = text;
  if (HAS_CALL.test(text)) {
    const own = assignments(text);
    const names: Names = (name) => own.get(name);
    for (const [pattern, put] of CALLS)
      result = result.replace(pattern, (...groups: string[]) => put(names, ...groups));
    // What was all of a place is the text in it.
    if (result !== text) result = result.replace(/\$\{\s*([\w-]+(?:[.-][\w-]+)+)\s*\}/g, "$1");
  }
  return result;
}

/** The same, and its own replacements made. */
export function assembled(text: string): string {
  let result = withJoinedNames(called(withMembers(withPolicyVariables(text))));
  if (text.length <= MAX_CHARS && HAS_REPLACEMENT.test(text)) {
    for (const [from, to] of [...pairsOf(text, REPLACEMENTS), ...patternsOf(text)]) {
      const replaced = result.replaceAll(from, to);
      if (replaced.length <= MAX_CHARS) result = replaced;
    }
  }
  return result;
}
