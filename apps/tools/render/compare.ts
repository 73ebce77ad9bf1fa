import { formatPath, isTree } from "../../../packages/emulated-azure/model/paths";
import type { Tree, Value } from "../../../packages/emulated-azure/model/types";

/** One difference between two values. */
export interface Difference {
  /** Where it is, with entries of lists by their names. */
  readonly path: string;
  /** Where it is by position, as patterns of properties are written. */
  readonly place: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Keys by which the entries of a list are told apart, the first that every entry has. */
const NAMES = ["name", "alert", "record", "purpose", "id", "key", "objectId", "containerName", "principalId"];

type Parts = readonly (string | number)[];

/** Entries of a list by their names; undefined when they have none of their own. */
function byName(list: readonly Value[]): ReadonlyMap<string, number> | undefined {
  if (!list.every(isTree)) return undefined;
  const key = NAMES.find((name) => list.every((entry) => typeof (entry as Tree)[name] === "string"));
  if (key === undefined) return undefined;
  const names = new Map(list.map((entry, i) => [(entry as Tree)[key] as string, i]));
  return names.size === list.length ? names : undefined;
}

const isScalar = (value: Value): boolean => typeof value !== "object" || value === null;

/** Texts and numbers of a list: what came, and what went. Undefined when only their order changed. */
function scalars(old: readonly Value[], next: readonly Value[]): [Value[], Value[]] | undefined {
  if (!old.every(isScalar) || !next.every(isScalar)) return undefined;
  const left = [...old];
  const added = next.filter((value) => {
    const i = left.indexOf(value);
    if (i >= 0) left.splice(i, 1);
    return i < 0;
  });
  return added.length + left.length > 0 ? [left, added] : undefined;
}

const namedPath = (path: string, name: string): string => `${path}[${name}]`;

function lists(old: readonly Value[], next: readonly Value[], path: string, place: Parts): Difference[] {
  const values = scalars(old, next);
  if (values) {
    const [gone, added] = values;
    // One value in place of another reads better as that.
    if (gone.length === added.length && old.length === next.length) {
      return old.flatMap((value, i) => compareAt(value, next[i], `${path}[${i}]`, [...place, i]));
    }
    return [
      ...gone.map((value) => entry(path, [...place, old.indexOf(value)], value, undefined)),
      ...added.map((value) => entry(path, [...place, next.indexOf(value)], undefined, value)),
    ];
  }
  const [before, after] = [byName(old), byName(next)];
  if (before && after && old.length + next.length > 0) {
    return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
      const [i, j] = [before.get(name), after.get(name)];
      const was = i === undefined ? undefined : old[i];
      const is = j === undefined ? undefined : next[j];
      return compareAt(was, is, namedPath(path, name), [...place, j ?? i ?? 0]);
    });
  }
  const length = Math.max(old.length, next.length);
  return Array.from({ length }, (_, i) => compareAt(old[i], next[i], `${path}[${i}]`, [...place, i])).flat();
}

const entry = (path: string, place: Parts, before: unknown, after: unknown): Difference => ({
  path,
  place: formatPath(place),
  before,
  after,
});

function compareAt(
  old: Value | undefined,
  next: Value | undefined,
  path: string,
  place: Parts,
): Difference[] {
  if (old === next) return [];
  if (isTree(old) && isTree(next)) {
    return [...new Set([...Object.keys(old), ...Object.keys(next)])].flatMap((key) =>
      compareAt(old[key], next[key], path === "" ? key : `${path}.${key}`, [...place, key]),
    );
  }
  if (Array.isArray(old) && Array.isArray(next)) {
    return lists(old as readonly Value[], next as readonly Value[], path, place);
  }
  // Of a file in one value, the lines that differ.
  if (isText(old) && isText(next)) return lists(old.split("\n"), next.split("\n"), path, place);
  return [entry(path, place, old, next)];
}

const isText = (value: Value | undefined): value is string =>
  typeof value === "string" && value.trimEnd().includes("\n");

/** What differs between two trees; entries of lists are compared by name, so that one more is one difference. */
export function compareTrees(old: Tree, next: Tree): Difference[] {
  return compareAt(old, next, "", []);
}
