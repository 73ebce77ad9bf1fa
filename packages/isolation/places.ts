import type { Cursor } from "./read";

/** Most values looked at before a tree counts as one that may hold anything. */
const MAX_LOOKS = 20_000;

/**
 * Whether a list, map or text of a tree, the root included, may be what is looked for; yes where a tree is too large to
 * tell. Takes a tenth of a walk from place to place, which most trees are then spared.
 */
export function mayHold(
  root: unknown,
  test: (value: object | string, key: string | undefined) => boolean,
): boolean {
  if (typeof root !== "object" || root === null) return typeof root === "string" && test(root, undefined);
  if (test(root, undefined)) return true;
  const pending: object[] = [root];
  let looks = 0;
  for (let at = pending.pop(); at; at = pending.pop()) {
    const isList = Array.isArray(at);
    for (const key of Object.keys(at)) {
      if (++looks > MAX_LOOKS) return true;
      const value = (at as Record<string, unknown>)[key];
      if (typeof value === "string") {
        if (test(value, isList ? undefined : key)) return true;
      } else if (typeof value === "object" && value !== null) {
        if (test(value, isList ? undefined : key)) return true;
        pending.push(value);
      }
    }
  }
  return false;
}

/** Every place below a tree, the root included, each list and map once: YAML can make one part of many. */
export function* allPlaces(root: Cursor): Generator<Cursor> {
  const seen = new Set<unknown>();
  const pending = [root];
  for (let at = pending.pop(); at; at = pending.pop()) {
    const { value } = at;
    if (typeof value === "object" && value !== null) {
      if (seen.has(value)) continue;
      seen.add(value);
    }
    yield at;
    if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index--) pending.push(at.at(index));
    } else if (typeof value === "object" && value !== null) {
      for (const key of Object.keys(value)) pending.push(at.at(key));
    }
  }
}

/** A list or map of a tree, and the way to it. */
interface Step {
  readonly value: object;
  readonly key: string | number;
  readonly above: Step | undefined;
}

/**
 * Lists and maps of a tree that pass a test, in the order of {@link allPlaces} and like there each once. Those that do not pass, nearly
 * all, cost no cursor.
 */
export function placesWhere(root: Cursor, test: (value: object) => boolean): Cursor[] {
  const { value: top } = root;
  if (typeof top !== "object" || top === null) return [];
  const found: Cursor[] = [];
  const seen = new Set<object>();
  const pending: Step[] = [{ value: top, key: "", above: undefined }];
  for (let at = pending.pop(); at; at = pending.pop()) {
    const { value } = at;
    if (seen.has(value)) continue;
    seen.add(value);
    if (test(value)) found.push(placeOf(root, at));
    const add = (key: string | number, inner: unknown): void => {
      if (typeof inner === "object" && inner !== null) pending.push({ value: inner, key, above: at });
    };
    if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index--) add(index, value[index]);
    } else {
      for (const key of Object.keys(value)) add(key, (value as Record<string, unknown>)[key]);
    }
  }
  return found;
}

function placeOf(root: Cursor, step: Step): Cursor {
  const keys: (string | number)[] = [];
  for (let at = step; at.above; at = at.above) keys.push(at.key);
  return root.at(...keys.reverse());
}
