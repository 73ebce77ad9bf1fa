import { UNKNOWN, type Tree, type Value } from "../../../packages/isolation/rule";

/** Maps whose keys are texts for people or selectors, or names of files. */
const FREE_MAPS = /(?:^|\.)(?:tags|labels|matchLabels|data|binaryData|notifications|userAssignedIdentities)$/;

/** The environment of a container, whose variables are told apart by their names. */
const IS_ENVIRONMENT = /(?:^|\.)env$/;

function* variableOf(entry: Value, path: string): Generator<string> {
  const name = typeof entry === "object" && entry !== null ? (entry as Tree).name : undefined;
  if (typeof name === "string") yield `${path}["${name}"]`;
}

/** Every path of a tree that something stands at, those that lead there among them. Left out: what is null. */
export function* pathsOf(value: Value | undefined, path = ""): Generator<string> {
  if (value === null || value === undefined) return;
  if (path !== "") yield path;
  if (value === UNKNOWN || typeof value !== "object") return;
  if (Array.isArray(value)) {
    for (const inner of value as readonly Value[]) {
      yield* pathsOf(inner, `${path}[]`);
      if (IS_ENVIRONMENT.test(path)) yield* variableOf(inner, path);
    }
    return;
  }
  const isFree = FREE_MAPS.test(path);
  for (const [key, inner] of Object.entries(value as Tree)) {
    const step = isFree ? "*" : /[.[\]]/.test(key) ? `["${key}"]` : key;
    yield* pathsOf(inner, path === "" ? step : step.startsWith("[") ? `${path}${step}` : `${path}.${step}`);
  }
}

const STEPS = /(?:\.|^)[^.[\]]+|\["[^"]+"\]|\[\]/g;

/** A path and all that lead to it. */
export function leadingTo(path: string): string[] {
  let sofar = "";
  return [...path.matchAll(STEPS)].map(([step]) => (sofar += step));
}

/** Those paths of which none leads to another. */
export function deepest(paths: readonly string[]): string[] {
  const inner = new Set(paths.flatMap((path) => leadingTo(path).slice(0, -1)));
  return [...new Set(paths)].filter((path) => !inner.has(path)).sort();
}
