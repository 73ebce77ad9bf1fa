import fs from "node:fs";
import path from "node:path";
import { CORE_SCHEMA, defineScalarTag, load, NOT_RESOLVED, Schema } from "js-yaml";
import { ConfigError, type Problem } from "./problems";

/** Where js-yaml stopped reading. */
interface Mark {
  readonly line: number;
  readonly position: number;
}

const DUPLICATE = /duplicated mapping key/;

/** A value without quotes that Pulumi reads as another than this parser: it would be deployed and never have been planned. */
class ReadOtherwise {
  constructor(readonly text: string) {}
}

/**
 * Leading zeros make an octal number of it and 0b a binary one, underscores vanish from a number of any kind, and a day
 * becomes a moment in words.
 */
const READ_OTHERWISE =
  /^[-+]?0\d+$|^[-+]?0b[01_]+$|^[-+]?(0x|0o)?(?=[\d.])[\da-f.]*_[\da-f._]*(e[-+]?\d+)?$|^\d{4}-\d\d?-\d\d?(t.*| .*)?$/i;

const SCHEMA = new Schema([
  defineScalarTag("tag:forma3d,2026:read-otherwise", {
    implicit: true,
    resolve: (text) => (READ_OTHERWISE.test(text) ? new ReadOtherwise(text) : NOT_RESOLVED),
    identify: () => false,
  }),
  ...CORE_SCHEMA.tags,
]);

/** No name of a value: an object takes what stands under it for its own ancestor, and has none of it. */
const ANCESTOR = "__proto__";

/** Values below a value that are read in two ways, or lost; an alias may lead back to where it stands. */
function readOtherwise(value: unknown, at: Problem["path"], seen = new Set<unknown>()): Problem[] {
  if (value instanceof ReadOtherwise)
    return [
      {
        path: at,
        found: value.text,
        allowed: "the same in quotes, or a number without leading zeros and underscores",
      },
    ];
  if (typeof value !== "object" || value === null || seen.has(value)) return [];
  seen.add(value);
  return Object.entries(value).flatMap(([key, inner]) =>
    key === ANCESTOR
      ? [{ path: [...at, key], found: inner as unknown, allowed: "another name" }]
      : readOtherwise(inner, [...at, Array.isArray(value) ? Number(key) : key], seen),
  );
}

/** The key that begins a text of YAML. */
function firstKey(text: string): string {
  return /^[\s\-{,]*["']?([^"'\s,}]+?)["']?\s*:(?:\s|$)/.exec(text)?.[1] ?? "(file)";
}

/**
 * Reads a YAML file.
 * @param source what messages call it
 * @throws ConfigError in one line when there is none, or it is malformed; a key that stands twice is named, and so is a
 * value that Pulumi would read as another.
 */
export function readYamlFile(file: string, source = path.basename(file)): unknown {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch {
    throw new ConfigError(source, [{ path: [], found: undefined, allowed: "a readable stack file" }]);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(source, [
      { path: [], found: "bytes that are no UTF-8", allowed: "a text in UTF-8" },
    ]);
  }
  const document = parse(text, source);
  const strange = readOtherwise(document, []).map(({ path: [first, ...at], ...rest }) => ({
    ...rest,
    path: first === "config" ? at : [first ?? "", ...at],
  }));
  if (strange.length > 0) throw new ConfigError(source, strange);
  return document;
}

function parse(text: string, source: string): unknown {
  try {
    return load(text, { schema: SCHEMA });
  } catch (error) {
    const mark = (error as { mark?: Mark }).mark;
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    if (mark && DUPLICATE.test(reason)) {
      const key = firstKey(text.slice(mark.position));
      throw new ConfigError(source, [
        { path: [key], found: `a second time in line ${mark.line + 1}`, allowed: "each key once" },
      ]);
    }
    throw new ConfigError(source, [
      { path: [], found: reason, allowed: `valid YAML${mark ? ` (line ${mark.line + 1})` : ""}` },
    ]);
  }
}
