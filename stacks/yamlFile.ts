import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { ConfigError } from "./problems";

/** Where js-yaml stopped reading. */
interface Mark {
  readonly line: number;
  readonly position: number;
}

const DUPLICATE = /duplicated mapping key/;

/** The key that begins a text of YAML. */
function firstKey(text: string): string {
  return /^[\s\-{,]*["']?([^"'\s,}]+?)["']?\s*:(?:\s|$)/.exec(text)?.[1] ?? "(file)";
}

/**
 * Reads a YAML file.
 * @throws ConfigError in one line when there is none, or it is malformed; a key that stands twice is named.
 */
export function readYamlFile(file: string): unknown {
  const source = path.basename(file);
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch {
    throw new ConfigError(source, [{ path: [], found: undefined, allowed: "a readable stack file" }]);
  }
  try {
    return yaml.load(text);
  } catch (error) {
    const mark = (error as { mark?: Mark }).mark;
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    if (mark && DUPLICATE.test(reason)) {
      const key = firstKey(text.slice(mark.position));
      throw new ConfigError(source, [
        { path: [key], found: `a second time in line ${mark.line + 1}`, allowed: "each key once" },
      ]);
    }
    throw new ConfigError(source, [{ path: [], found: reason, allowed: "valid YAML" }]);
  }
}
