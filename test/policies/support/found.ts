import type { ResourceFixture } from "./fixture";
import type { Diagnostic } from "./requests";
import { UNKNOWN_TEXT } from "./values";
import type { Expectation } from "./vectors";

/** A finding without its wording. */
export function brief({ message, urn, level }: Diagnostic): string {
  const [, rule = "", path = ""] = /^\[([A-Z]+-\w+)\](?: (.*?):(?= ))?/.exec(message) ?? [];
  return `${rule} ${urn.split("::").pop() ?? ""} ${path} ${level}`;
}

/** Findings an expectation stands for, in the same form. */
export function wanted(
  expectations: readonly Expectation[],
  resources: readonly ResourceFixture[],
): string[] {
  return expectations.map(
    ({ rule, path, on, level = "mandatory" }) => `${rule} ${on ?? resources[0]?.name ?? ""} ${path} ${level}`,
  );
}

/** Rules that repeat at the end of the run, over outputs, what was found in inputs. */
const ECHO = "ISO-012";

/** Findings of a run, sorted; the echo of an input's finding in the outputs is left out. */
export function found(diagnostics: readonly Diagnostic[]): string[] {
  const all = diagnostics.map(brief);
  const places = new Set(all.filter((entry) => !entry.startsWith(ECHO)).map(placeOf));
  return [...new Set(all.filter((entry) => !entry.startsWith(ECHO) || !places.has(placeOf(entry))))].sort();
}

const placeOf = (entry: string): string => entry.split(" ").slice(1, 3).join(" ");

/** A copy of a tree with one leaf, given by its path, replaced. Returns undefined when there is no such leaf. */
export function replaceLeaf(tree: unknown, path: string, change: (leaf: unknown) => unknown): unknown {
  const keys = [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, plain]) => quoted ?? (index !== undefined ? Number(index) : (plain ?? "")),
  );
  const copy = structuredClone(tree);
  let at = copy as Record<string | number, unknown>;
  for (const key of keys.slice(0, -1)) {
    const next = at[key];
    if (typeof next !== "object" || next === null) return undefined;
    at = next as Record<string | number, unknown>;
  }
  const last = keys[keys.length - 1] ?? "";
  if (!(last in at)) return undefined;
  at[last] = change(at[last]);
  return copy;
}

/** The resources with every expected leaf changed, and how many were. */
export function changeLeaves(
  resources: readonly ResourceFixture[],
  expectations: readonly Expectation[],
  change: (leaf: unknown) => unknown,
): { resources: ResourceFixture[]; changed: number } {
  let changed = 0;
  const result = resources.map((resource) => {
    const paths = expectations
      .filter(
        ({ on, path }) =>
          (on ?? resources[0]?.name) === resource.name && path !== "" && !path.includes("{key"),
      )
      .map(({ path }) => path);
    return [...new Set(paths)].reduce((current, path) => {
      const inProvider = path.startsWith("provider.");
      const part = inProvider ? current.provider?.props : current.props;
      const replaced = replaceLeaf(part, path.replace(/^provider\./, ""), change);
      if (replaced === undefined) return current;
      changed++;
      const props = replaced as Record<string, unknown>;
      return inProvider && current.provider
        ? { ...current, provider: { ...current.provider, props } }
        : { ...current, props, outputs: current.outputs ? current.outputs : undefined };
    }, resource);
  });
  return { resources: result, changed };
}

export const toUnknown = (): string => UNKNOWN_TEXT;
