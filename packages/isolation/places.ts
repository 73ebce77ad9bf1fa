import type { Cursor } from "./read";

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
    pending.push(...at.items().reverse(), ...at.entries().map(([, inner]) => inner));
  }
}
