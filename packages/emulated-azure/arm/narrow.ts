import type { Tree } from "../model/types";
import { ArmError } from "./errors";

/** One part of a `$filter`: `name eq 'value'`, or `name('value')` and `name(field, 'value')`. */
export interface Term {
  /** In lower case. */
  readonly name: string;
  readonly operator: "eq" | "ne" | "call";
  /** First argument of a call with two, in lower case. */
  readonly field?: string;
  readonly value: string;
}

const TEXT = "'((?:[^']|'')*)'";
const TERM = new RegExp(
  `\\s*(?:(\\w+)\\s+(eq|ne)\\s+(?:${TEXT}|([^\\s'()]+))|(\\w+)\\((?:(\\w+)\\s*,\\s*)?(?:${TEXT})?\\))\\s*(and\\s|$)`,
  "iy",
);

/**
 * Reads the part of OData's `$filter` that ARM's lists take: terms joined by `and`.
 * @throws ArmError 400 for anything else
 */
export function filterTerms(text: string | null): Term[] {
  const terms: Term[] = [];
  for (let at = 0; text !== null && at < text.trimEnd().length;) {
    TERM.lastIndex = at;
    const found = TERM.exec(text);
    if (!found) throw refusedFilter(text);
    const [whole, name, operator, quoted, bare, call, field, argument] = found;
    at += whole.length;
    const value = (quoted ?? bare ?? argument ?? "").replaceAll("''", "'");
    terms.push({
      name: (name ?? call ?? "").toLowerCase(),
      operator: (operator?.toLowerCase() as Term["operator"] | undefined) ?? "call",
      ...(field !== undefined && { field: field.toLowerCase() }),
      value,
    });
  }
  return terms;
}

export const refusedFilter = (text: string): ArmError =>
  new ArmError(400, "InvalidFilterInQueryString", `Invalid $filter '${text}' specified.`);

/** What a field of a filter is of an entry; undefined when it has none. */
export type Fields = Readonly<Record<string, (entry: Tree) => string | undefined>>;

/**
 * Keeps the entries every term of `$filter` is true of, by fields and, of what has tags, by `tagName` and `tagValue`
 * (https://learn.microsoft.com/rest/api/resources/resources/list#uri-parameters).
 * @param fields Names in lower case.
 * @throws ArmError 400 for a term this list cannot be narrowed by
 */
export function filtered(list: readonly Tree[], text: string | null, fields: Fields): Tree[] {
  const terms = filterTerms(text);
  const tag = terms.find(({ name, operator }) => name === "tagname" && operator === "eq");
  const tests = terms.map((term): ((entry: Tree) => boolean) => {
    const { name, operator, field, value } = term;
    const own = fields[name];
    if (own && operator !== "call") return (entry) => same(own(entry), value) === (operator === "eq");
    if (term === tag) return (entry) => tagsOf(entry).some(([key]) => same(key, value));
    if (name === "tagvalue" && operator === "eq" && tag)
      return (entry) => tagsOf(entry).some(([key, held]) => same(key, tag.value) && held === value);
    if (name === "startswith" && field === "tagname")
      return (entry) => tagsOf(entry).some(([key]) => key.toLowerCase().startsWith(value.toLowerCase()));
    throw refusedFilter(text ?? "");
  });
  return list.filter((entry) => tests.every((test) => test(entry)));
}

const same = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();

const tagsOf = (entry: Tree): [string, unknown][] =>
  Object.entries((entry["tags"] as Tree | undefined) ?? {});

/**
 * The first entries of a list, as many as `$top` asks for.
 * @throws ArmError 400 for what is no number of entries
 */
export function topOf<T>(list: readonly T[], top: string | null): readonly T[] {
  if (top === null) return list;
  if (!/^[1-9]\d{0,8}$/.test(top))
    throw new ArmError(400, "InvalidTopInQueryString", `Invalid $top '${top}' specified.`);
  return list.slice(0, Number(top));
}
