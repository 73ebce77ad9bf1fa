import { Tree, Value } from "../model/types";
import { Path } from "./values";

/** A copy of a tree with one value set, or left out when it is undefined. */
export function withValue(tree: Tree, path: Path, value: Value | undefined): Tree {
  return replaced(tree, path, value) as Tree;
}

function replaced(here: Value | undefined, path: Path, value: Value | undefined): Value | undefined {
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
