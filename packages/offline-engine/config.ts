import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { UsageError } from "../command/errors";

/** What a program finds out about its stack before it declares anything. */
export interface StackSettings {
  readonly project: string;
  readonly stack: string;
  /** Configuration as the engine hands it over: text, objects as JSON. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  readonly disabledDefaultProviders: readonly string[];
}

/** Stands in for every encrypted value: a plan needs none of the real ones, and nobody's keys. */
function secretFixture(key: string): string {
  return `sandbox value of ${key}`;
}

/** A parser's complaint in one line, without its excerpt. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

function readYaml(file: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = yaml.load(fs.readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${path.basename(file)}: is no YAML: ${reasonOf(error)}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    const found = Array.isArray(document) ? "a list" : document === null ? "nothing" : `a ${typeof document}`;
    throw new UsageError(`${path.basename(file)}: found ${found}; allowed: a YAML mapping`);
  }
  return document as Record<string, unknown>;
}

/** Stacks that have a file in the folder, sorted. */
export function stacksIn(root: string): string[] {
  return fs
    .readdirSync(root)
    .flatMap((name) => /^Pulumi\.([\w.-]+)\.ya?ml$/.exec(name)?.[1] ?? [])
    .sort();
}

/** Replaces every `secure:` value below a value; tells whether there was one. */
function reveal(value: unknown, key: string): { value: unknown; secret: boolean } {
  if (Array.isArray(value)) {
    const items = value.map((item, i) => reveal(item, `${key}[${i}]`));
    return { value: items.map((item) => item.value), secret: items.some((item) => item.secret) };
  }
  if (typeof value !== "object" || value === null) return { value, secret: false };
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") {
    return { value: secretFixture(key), secret: true };
  }
  const parts = entries.map(([name, item]) => [name, reveal(item, `${key}.${name}`)] as const);
  return {
    value: Object.fromEntries(parts.map(([name, item]) => [name, item.value])),
    secret: parts.some(([, item]) => item.secret),
  };
}

/** Sets `a.b[0]` inside a copy of a value; null takes it away. */
function withValue(target: unknown, parts: readonly (string | number)[], value: unknown): unknown {
  const [first, ...rest] = parts;
  if (first === undefined) return value;
  const copy: unknown = Array.isArray(target) ? [...(target as unknown[])] : { ...(target as object) };
  const record = copy as Record<string | number, unknown>;
  if (rest.length > 0 || value !== null) record[first] = withValue(record[first], rest, value);
  else if (Array.isArray(copy)) copy.splice(Number(first), 1);
  else delete record[first];
  return copy;
}

const OVERRIDE = /^([A-Za-z][\w-]*:)?[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*|\[\d+\])*$/;
/** Names that lead into the language instead of a value. */
const RESERVED = /(^|[.:])(__proto__|prototype|constructor)([.[]|$)/;

/**
 * Parses `key=value` as given to `--config`: the key may lead into an object (`database.backupRetentionDays`), the
 * project's namespace may be left out, and the value is read as YAML: nothing is an empty text, `null` takes the key away.
 * @throws UsageError when it is neither.
 */
export function parseOverride(text: string): { path: string; written: string; value: unknown } {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--config ${text}: allowed: <key>=<value>, e.g. database.storageGB=256`);
  const key = text.slice(0, at);
  if (!OVERRIDE.test(key) || RESERVED.test(key)) {
    throw new UsageError(
      `--config ${key}: is no key of a stack file; allowed: names joined by dots, with [0] for an entry of a list`,
    );
  }
  try {
    const written = text.slice(at + 1);
    return { path: key, written, value: written.trim() === "" ? "" : yaml.load(written) };
  } catch (error) {
    throw new UsageError(`--config ${text}: is no YAML: ${reasonOf(error)}`);
  }
}

/** Where an override leads, without the namespace: `database`, `replica`, or a number for an entry of a list. */
export const overriddenPlace = (override: string): (string | number)[] =>
  override
    .slice(override.indexOf(":") + 1)
    .split(/[.[\]]+/)
    .filter((part) => part !== "")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));

function apply(values: Record<string, unknown>, project: string, override: string, value: unknown): void {
  const separator = override.indexOf(":");
  const namespace = separator < 0 ? project : override.slice(0, separator);
  const [first, ...rest] = overriddenPlace(override);
  const key = `${namespace}:${String(first)}`;
  if (value === null && rest.length === 0) delete values[key];
  else values[key] = withValue(values[key], rest, value);
}

/** A stack file with overrides laid over its values, still encrypted where it was. */
export interface OverriddenFile {
  readonly project: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** The values of the file, each with its namespace. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads `Pulumi.yaml` and `Pulumi.<stack>.yaml` of a folder and lays overrides over them; an override of null takes a
 * key away.
 * @throws UsageError when a file is missing or not YAML, or the stack is unknown.
 */
export function readOverridden(
  root: string,
  stack: string,
  overrides: Readonly<Record<string, unknown>> = {},
): OverriddenFile {
  const projectFile = path.join(root, "Pulumi.yaml");
  if (!fs.existsSync(projectFile)) throw new UsageError(`${root}: has no Pulumi.yaml`);
  const project = readYaml(projectFile)["name"];
  if (typeof project !== "string") throw new UsageError("Pulumi.yaml: name: required; allowed: text");
  const file = path.join(root, `Pulumi.${stack}.yaml`);
  if (!fs.existsSync(file)) {
    throw new UsageError(
      `stack ${stack}: found no Pulumi.${stack}.yaml; allowed: ${stacksIn(root).join(", ")}`,
    );
  }
  const document = readYaml(file);
  const section = document["config"] ?? {};
  if (typeof section !== "object" || Array.isArray(section)) {
    throw new UsageError(`Pulumi.${stack}.yaml: config: allowed: a mapping of <namespace>:<key> entries`);
  }
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(section as object).map(([key, value]) => [
      key.includes(":") ? key : `${project}:${key}`,
      value,
    ]),
  );
  for (const [override, value] of Object.entries(overrides)) apply(values, project, override, value);
  return { project, document, values };
}

/**
 * What a program finds out about its stack: its file, with overrides laid over it.
 * @throws UsageError as {@link readOverridden} does.
 */
export function readSettings(
  root: string,
  stack: string,
  overrides: Readonly<Record<string, unknown>> = {},
): StackSettings {
  const { project, values } = readOverridden(root, stack, overrides);
  const config: Record<string, string> = {};
  const secretKeys: string[] = [];
  for (const [key, raw] of Object.entries(values)) {
    const { value, secret } = reveal(raw, key);
    config[key] = typeof value === "string" ? value : JSON.stringify(value);
    if (secret) secretKeys.push(key);
  }
  const disabled = values["pulumi:disable-default-providers"];
  return {
    project,
    stack,
    config,
    secretKeys,
    disabledDefaultProviders: Array.isArray(disabled) ? disabled.map(String) : [],
  };
}
