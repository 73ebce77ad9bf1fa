import { Tree, UNKNOWN, Value } from "./types";

/** Splits `rules[0].name` into `["rules", 0, "name"]`. */
export function parsePath(path: string): (string | number)[] {
  return path
    .split(/[.[\]]+/)
    .filter((part) => part !== "")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Writes a path as {@link parsePath} reads it. */
export function formatPath(parts: readonly (string | number)[]): string {
  return parts.map((p, i) => (typeof p === "number" ? `[${p}]` : i === 0 ? p : `.${p}`)).join("");
}

/** The value at a path; undefined when there is none, UNKNOWN when a value on the way is unknown. */
export function valueAt(tree: Tree, path: string): Value | undefined {
  let here: Value | undefined = tree;
  for (const part of parsePath(path)) {
    if (here === UNKNOWN) return UNKNOWN;
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<string | number, Value | undefined>)[part];
  }
  return here;
}

/** A string at a path; undefined when it is missing or unknown. */
export function stringAt(tree: Tree, path: string): string | undefined {
  const value = valueAt(tree, path);
  return typeof value === "string" ? value : undefined;
}

/** The same for text that is put into other text: empty when it is missing or unknown. */
export function textAt(tree: Tree, path: string): string {
  return stringAt(tree, path) ?? "";
}

/** A number at a path; undefined when it is missing or unknown. */
export function numberAt(tree: Tree, path: string): number | undefined {
  const value = valueAt(tree, path);
  return typeof value === "number" ? value : undefined;
}

/** An object at a path; undefined when it is missing or unknown. */
export function treeAt(tree: Tree, path: string): Tree | undefined {
  const value = valueAt(tree, path);
  return isTree(value) ? value : undefined;
}

/** The elements of a list of objects at a path; empty when it is missing or unknown. */
export function objectsAt(tree: Tree, path: string): Tree[] {
  const value = valueAt(tree, path);
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Tree => isTree(item as Value));
}

export function isTree(value: Value | undefined): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Lays one tree over another: objects are merged, everything else is replaced. */
export function merge(base: Tree, over: Tree): Tree {
  const fields = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = fields.get(key);
    fields.set(key, isTree(below) && isTree(value) ? merge(below, value) : value);
  }
  return Object.fromEntries(fields);
}

/** A copy of a tree without one of its keys. */
export function withoutKey(tree: Tree, key: string): Tree {
  const { [key]: gone, ...rest } = tree;
  void gone;
  return rest;
}

/** Paths at which two values differ; an unknown value differs from everything but an unknown one. */
export function differences(
  old: Value | undefined,
  next: Value | undefined,
  at: readonly (string | number)[] = [],
): string[] {
  if (old === next) return [];
  if (isTree(old) && isTree(next)) {
    const keys = new Set([...Object.keys(old), ...Object.keys(next)]);
    return [...keys].flatMap((key) => differences(old[key], next[key], [...at, key]));
  }
  if (Array.isArray(old) && Array.isArray(next)) {
    const length = Math.max(old.length, next.length);
    return Array.from({ length }, (_, i) =>
      differences(old[i] as Value | undefined, next[i] as Value | undefined, [...at, i]),
    ).flat();
  }
  return [formatPath(at)];
}

/** Whether a path lies at or below a pattern, in which `[*]` stands for any element. */
export function matches(path: string, pattern: string): boolean {
  const parts = parsePath(path);
  return parsePath(pattern).every((part, i) => part === "*" || part === parts[i]);
}

/** Every string in a value, with its path. */
export function strings(
  value: Value | undefined,
  at: readonly (string | number)[] = [],
): { path: string; text: string }[] {
  if (typeof value === "string") return [{ path: formatPath(at), text: value }];
  if (Array.isArray(value)) return value.flatMap((item: Value, i) => strings(item, [...at, i]));
  return isTree(value) ? Object.entries(value).flatMap(([k, v]) => strings(v, [...at, k])) : [];
}

/** A copy of a tree with one value set, or left out when it is undefined. */
export function withValue(tree: Tree, path: readonly (string | number)[], value: Value | undefined): Tree {
  return replaced(tree, path, value) as Tree;
}

function replaced(
  here: Value | undefined,
  path: readonly (string | number)[],
  value: Value | undefined,
): Value | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  const copy = (Array.isArray(here) ? [...(here as Value[])] : { ...(here as Tree | undefined) }) as Record<
    string | number,
    Value
  >;
  const below = replaced(copy[head], rest, value);
  if (below === undefined || (value === undefined && copy[head] === undefined)) delete copy[head];
  else copy[head] = below;
  return copy as Value;
}
