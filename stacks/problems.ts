import { inspect } from "node:util";
import { z } from "zod";

/** One thing wrong with a configuration value: where it stands, what stands there, what may stand there. */
export interface Problem {
  path: (string | number)[];
  found: unknown;
  allowed: string;
}

/** A user's mistake in a stack file. The message lists every problem; no stack trace helps here. */
export class ConfigError extends Error {
  constructor(
    readonly source: string,
    readonly problems: readonly Problem[],
  ) {
    super(
      [
        `${source}: ${problems.length} problem${problems.length === 1 ? "" : "s"}`,
        ...problems.map(line),
      ].join("\n"),
    );
    this.name = "ConfigError";
    this.stack = undefined;
  }
}

/** `a.b[0].c`, as `pulumi config set --path` writes it. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}

function show(found: unknown): string {
  if (found === undefined) return "nothing";
  const text = inspect(found, { depth: 1, breakLength: Infinity, maxStringLength: 80 });
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function line({ path, found, allowed }: Problem): string {
  return `  ${formatPath(path) || "(file)"}: found ${show(found)}; allowed: ${allowed}`;
}

/** The value at a path of a parsed document. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    document,
  );
}

const bounded = (issue: { origin: string; inclusive?: boolean }, word: string, limit: unknown): string => {
  const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
  return `${issue.inclusive === false ? (word === "at least" ? "more than" : "less than") : word} ${String(limit)}${unit}`;
};

function allowed(issue: z.core.$ZodIssue, keysAt: (path: readonly PropertyKey[]) => string[]): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "int" ? "a whole number" : `${issue.expected}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return issue.message.startsWith("Too small")
        ? bounded(issue, "at least", issue.minimum)
        : issue.message;
    case "too_big":
      return issue.message.startsWith("Too big") ? bounded(issue, "at most", issue.maximum) : issue.message;
    case "unrecognized_keys":
      return `only ${keysAt(issue.path).join(", ")}`;
    default:
      return issue.message.replace(/^Invalid (string: )?/, "");
  }
}

/** Translates zod's issues; an unknown key is reported at the key itself. */
export function fromZod(error: z.ZodError, document: unknown, schema: z.ZodType): Problem[] {
  const keysAt = (path: readonly PropertyKey[]): string[] => Object.keys(objectAt(schema, path)?.shape ?? {});
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path as (string | number)[];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: [...path, key],
        found: valueAt(document, [...path, key]),
        allowed: allowed(issue, keysAt),
      }));
    }
    return [{ path, found: valueAt(document, path), allowed: allowed(issue, keysAt) }];
  });
}

/** Strips optional, default and the like off a schema. */
function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema as z.ZodType & { unwrap?: () => z.ZodType };
  while (!(inner instanceof z.ZodArray) && typeof inner.unwrap === "function")
    inner = inner.unwrap() as typeof inner;
  return inner;
}

function objectAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodObject | undefined {
  let here = unwrap(schema);
  for (const key of path) {
    if (here instanceof z.ZodObject)
      here = unwrap((here.shape as Record<PropertyKey, z.ZodType>)[key] as z.ZodType);
    else if (here instanceof z.ZodArray) here = unwrap(here.element as z.ZodType);
    else return undefined;
  }
  return here instanceof z.ZodObject ? here : undefined;
}
