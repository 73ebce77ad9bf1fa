import { inspect } from "node:util";
import { z } from "zod";
import { UsageError } from "../packages/command/errors";
import { allowedInstead } from "./allowed";
import { SECRET_WORDS } from "./secretWords";

/** One thing wrong with a configuration value: where it stands, what stands there, what may stand there. */
export interface Problem {
  path: (string | number)[];
  found: unknown;
  allowed: string;
}

/** A user's mistake in a stack file. The message lists every problem; no stack trace helps here. */
export class ConfigError extends UsageError {
  constructor(
    readonly source: string,
    readonly problems: readonly Problem[],
  ) {
    super(
      [
        `${source}: ${problems.length} problem${problems.length === 1 ? "" : "s"}`,
        ...problems.map((problem) => `  ${problemLine(problem)}`),
      ].join("\n"),
    );
  }
}

const FILE = /^Pulumi\.[\w.-]+\.yaml$/;

/** `a.b[0].c`, as `pulumi config set --path` writes it; after the name of a file a colon. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, i) => {
      if (typeof part === "number") return `[${part}]`;
      const before = path[i - 1];
      return i === 0 ? part : FILE.test(String(before)) ? `: ${part}` : `.${part}`;
    })
    .join("");
}

/** A value as a message shows it, on one line; a text that may be a secret is only described. */
export function show(found: unknown): string {
  if (typeof found === "string" && SECRET_WORDS.test(found)) {
    return `a text of ${found.length} characters, not shown because it may be a secret`;
  }
  const text = inspect(found, { depth: 1, breakLength: Infinity, maxStringLength: 80 })
    .replace(/\s*\n\s*/g, " ")
    // Who signs in, and with what, before the host of an address; before a digest stands a tag.
    .replace(/:\/\/[^/@\s]+@/g, "://…@")
    .replace(/(?<=^|['"\s/])(?!mailto:)[^\s/@:'"]+:[^\s/@'"]+@(?!\w+:)/g, "…@");
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** A problem in one line, as every error of a configuration shows it. */
export function problemLine({ path, found, allowed }: Problem): string {
  const state = found === undefined ? "required" : `found ${show(found)}`;
  return `${formatPath(path) || "(file)"}: ${state}; allowed: ${allowed}`;
}

/** The value at a path of a parsed document. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    document,
  );
}

/** Translates zod's issues; an unknown key is reported at the key itself, and of several about one value the first. */
export function fromZod(error: z.ZodError, document: unknown, schema: z.ZodType): Problem[] {
  const seen = new Set<string>();
  return translate(error, document, schema).filter(({ path }) => {
    const key = JSON.stringify(path);
    return seen.has(key) ? false : seen.add(key);
  });
}

function translate(error: z.ZodError, document: unknown, schema: z.ZodType): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path as (string | number)[];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: [...path, key],
        found: valueAt(document, [...path, key]),
        allowed: allowedInstead(issue, schema, undefined),
      }));
    }
    const found = valueAt(document, path);
    return [{ path, found, allowed: allowedInstead(issue, schema, found) }];
  });
}
