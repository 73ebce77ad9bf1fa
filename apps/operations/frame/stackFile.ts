import { isDeepStrictEqual } from "node:util";
import { isMap, isScalar, isSeq, parseDocument, type Document, type Node } from "yaml";
import { refused } from "./errors";

/** One value of a stack file that has to agree with what runs. */
export interface StackChange {
  /** Key of the configuration and what is in it, e.g. `regions.primary.role`. */
  path: string;
  /** `first`: the value becomes the first of the list. */
  how: "set" | "first";
  value: unknown;
}

const CONFIG = "config";
const PREFIX = "forma3d:";

const keysOf = (path: string): string[] => {
  const [first = "", ...rest] = path.split(".");
  return [CONFIG, `${PREFIX}${first}`, ...rest];
};

/** A change as it is typed: `regions.primary.role=lost`, `statusPage.incidents^={"phase":…}`. */
export function typedChange({ path, how, value }: StackChange): string {
  return `${path}${how === "first" ? "^=" : "="}${typeof value === "string" ? value : JSON.stringify(value)}`;
}

/** @throws OperationError for what is none */
export function parseChange(text: string): StackChange {
  const [, path, sign, value = ""] = /^([A-Za-z]\w*(?:\.\w+)+)(\^?=)([\s\S]*)$/.exec(text) ?? [];
  if (!path || value === "")
    throw refused(`"${text}" is no change; write key.key=value, or key.key^=value for the first of a list`);
  return { path, how: sign === "^=" ? "first" : "set", value: parsed(value) };
}

function parsed(text: string): unknown {
  if (!/^[{["]|^(true|false|\d+)$/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refused(`"${text}" is neither a word nor JSON`);
  }
}

/**
 * The text of a stack file with some values changed, and every other letter of it, comments included, as it was. What is so
 * already stays.
 * @throws OperationError where the file has no place for a value
 */
export function editStackFile(text: string, changes: readonly StackChange[]): string {
  return changes.reduce(edited, text);
}

function edited(text: string, change: StackChange): string {
  const document = parseDocument(text);
  const keys = keysOf(change.path);
  const wanted = expected(document, change);
  if (isDeepStrictEqual(document.toJS(), wanted)) return text;
  const result = spliced(text, document, keys, change);
  // An edit of text is trusted only once it reads as what was meant.
  if (!isDeepStrictEqual(parseDocument(result).toJS(), wanted))
    throw refused(`${change.path} cannot be changed in this file; write ${typedChange(change)} by hand`);
  return result;
}

function expected(document: Document, { path, how, value }: StackChange): unknown {
  const copy = document.clone();
  const keys = keysOf(path);
  const known = (copy.getIn(keys) as { toJSON?: () => unknown } | undefined)?.toJSON?.() as
    unknown[] | undefined;
  const [first] = known ?? [];
  if (how === "set") copy.setIn(keys, value);
  else if (!isDeepStrictEqual(first, value)) copy.setIn(keys, [value, ...(known ?? [])]);
  return copy.toJS();
}

function spliced(text: string, document: Document, keys: readonly string[], change: StackChange): string {
  const node = document.getIn(keys, true) as Node | undefined;
  const flow = typeof change.value === "string" ? scalar(change.value) : JSON.stringify(change.value);
  const at = (from: number, to: number, put: string) => text.slice(0, from) + put + text.slice(to);
  if (change.how === "set" && isScalar(node) && node.range) return at(node.range[0], node.range[1], flow);
  if (change.how === "first" && isSeq(node) && node.range) {
    const [item] = node.items as Node[];
    if (node.flow || !item?.range)
      return at(node.range[0], node.range[1], `[${[flow, ...node.items.map(String)].join(", ")}]`);
    const dash = text.lastIndexOf("-", item.range[0]);
    return at(dash, dash, `- ${flow}\n${" ".repeat(columnOf(text, dash))}`);
  }
  // The innermost part of the file that is there gets what is not.
  for (let depth = keys.length - 1; depth > 0; depth--) {
    const parent = document.getIn(keys.slice(0, depth), true);
    if (!isMap(parent)) continue;
    const start = (parent.items[0]?.key as Node | undefined)?.range?.[0];
    if (parent.flow || start === undefined) return text;
    const [key = "", ...rest] = keys.slice(depth);
    const leaf = change.how === "first" ? [change.value] : change.value;
    const value = rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), leaf);
    const put = typeof value === "string" ? flow : JSON.stringify(value);
    return at(start, start, `${key}: ${put}\n${" ".repeat(columnOf(text, start))}`);
  }
  return text;
}

const columnOf = (text: string, at: number): number => at - (text.lastIndexOf("\n", at - 1) + 1);

/** A word as YAML reads it as text: in quotes where it would be something else. */
const scalar = (value: string): string =>
  /^[A-Za-z][\w-]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value)
    ? value
    : JSON.stringify(value);
