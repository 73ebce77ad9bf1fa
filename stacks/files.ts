import fs from "node:fs";
import path from "node:path";
import type { z } from "zod";
import { ConfigError, fromZod, Problem } from "./problems";
import { crossFieldProblems, PRODUCT, StackConfig, stackSchema } from "./schema";
import { parseJson, pulumiProblems, SECRET_VALUES } from "./pulumiKeys";
import { Sections, sharingProblems } from "./sharing";
import { readYamlFile } from "./yamlFile";

export { stackPlatformNames } from "./names";
export { SECRET_VALUES, setSecretCommand } from "./pulumiKeys";

/** Freezes a value and everything in it. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

/** The sections that are valid in themselves, so that one bad section hides no problem of another, and what is wrong. */
function checkSections(values: unknown): { valid: Partial<StackConfig>; problems: Problem[] } {
  const given = typeof values === "object" && values !== null ? values : {};
  const sections: Record<string, z.ZodType> = stackSchema.shape;
  const valid: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const [key, section] of Object.entries(sections)) {
    const value = Object.hasOwn(given, key) ? (given as Record<string, unknown>)[key] : undefined;
    const result = section.safeParse(value);
    if (result.success) valid[key] = result.data;
    else
      problems.push(...fromZod(result.error, value, section).map((p) => ({ ...p, path: [key, ...p.path] })));
  }
  for (const [key, found] of Object.entries(given)) {
    if (Object.hasOwn(sections, key)) continue;
    problems.push({ path: [key], found, allowed: `only ${Object.keys(sections).join(", ")}` });
  }
  return { valid, problems };
}

/** What the values of a stack are checked against, beside themselves. */
export interface CheckedAgainst {
  /** Name of the stack, which the environment shares; not checked when absent. */
  stack?: string;
  /** Now unless given. */
  today?: Date;
}

/**
 * Checks the values of one stack and returns them typed, complete with defaults, and frozen.
 * @throws ConfigError that names every problem at once.
 */
export function parseStackConfig(
  values: unknown,
  source: string,
  { stack, today = new Date() }: CheckedAgainst = {},
): StackConfig {
  const { valid, problems: wrong } = checkSections(values);
  const named = stack === undefined ? [] : stackNameProblems(valid, stack);
  // What follows from a wrong name is no second mistake.
  const judged = named.length > 0 ? { ...valid, environment: undefined } : valid;
  const problems = [...wrong, ...named, ...crossFieldProblems(judged, today)];
  if (problems.length > 0) {
    throw new ConfigError(
      source,
      problems.map((problem) => ({
        ...problem,
        path: [`${PRODUCT}:${problem.path[0] ?? ""}`, ...problem.path.slice(1)],
      })),
    );
  }
  return deepFreeze(valid as StackConfig);
}

/** A file copied for another stack and not renamed within would deploy over the one it was copied from. */
function stackNameProblems({ environment }: Sections, stack: string): Problem[] {
  return environment === undefined || environment === stack
    ? []
    : [{ path: ["environment"], found: environment, allowed: `${stack}, the name of the stack` }];
}

/** What a stack file holds. */
export interface StackFile {
  stack: string;
  /** Names of the secrets it holds an encrypted value for. */
  secretValues: string[];
  config: StackConfig;
}

/**
 * A top-level value that is written as text. The engine hands every value over so, objects, numbers and booleans as
 * JSON; and `pulumi config set` puts numbers and booleans in quotes whenever it rewrites a stack file.
 */
export function fromText(key: string, text: string): unknown {
  const sections: Record<string, { safeParse(value: unknown): { success: boolean } }> = stackSchema.shape;
  const section = Object.hasOwn(sections, key) ? sections[key] : undefined;
  return section?.safeParse(text).success ? text : parseJson(text);
}

/** A stack file as it was found: whole, or what is valid of it and everything that is wrong. */
interface Inspected {
  readonly file?: StackFile;
  readonly sections: Sections;
  readonly error?: ConfigError;
}

/** Everything wrong with a stack file, as YAML reads it; empty when it is fine. */
export function stackFileProblems(stack: string, document: unknown): readonly Problem[] {
  try {
    return inspectDocument(stack, `Pulumi.${stack}.yaml`, document).error?.problems ?? [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/**
 * Reads and checks `Pulumi.<stack>.yaml`.
 * @throws ConfigError that names every problem of the file at once.
 */
export function readStackFile(root: string, stack: string): StackFile {
  const { file, error } = inspect(root, stack);
  if (!file) throw error;
  return file;
}

function inspect(root: string, stack: string, replaced?: StackDocument): Inspected {
  try {
    const file = path.join(root, `Pulumi.${stack}.yaml`);
    if (!/^[A-Za-z0-9_.-]+$/.test(stack) || !fs.existsSync(file)) {
      const known = stackNames(root).join(", ") || "the Pulumi.<stack>.yaml files";
      throw new ConfigError(`stack ${stack}`, [{ path: [], found: stack, allowed: `one of ${known}` }]);
    }
    return inspectDocument(stack, path.basename(file), replaced ?? readYamlFile(file) ?? {});
  } catch (error) {
    if (error instanceof ConfigError) return { sections: {}, error };
    throw error;
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inspectDocument(stack: string, source: string, document: unknown): Inspected {
  const config = isMapping(document) ? document["config"] : undefined;
  if (!isMapping(document) || !isMapping(config)) {
    throw new ConfigError(source, [
      { path: ["config"], found: config, allowed: `a mapping of ${PRODUCT}:<key> entries` },
    ]);
  }
  const prefix = `${PRODUCT}:`;
  const values = Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const { [SECRET_VALUES]: secrets, ...written } = values;
  const plain = Object.fromEntries(
    Object.entries(written).map(([key, value]) => [
      key,
      typeof value === "string" ? fromText(key, value) : value,
    ]),
  );
  const problems = pulumiProblems(stack, document, config);
  let parsed: StackConfig | undefined;
  try {
    parsed = parseStackConfig(plain, source, { stack });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0 || !parsed) {
    return { sections: checkSections(plain).valid, error: new ConfigError(source, problems) };
  }
  const secretValues = Object.keys((secrets as object | undefined) ?? {});
  return { file: { stack, secretValues, config: parsed }, sections: parsed };
}

/** Stacks that have a file in the project folder, sorted. */
export function stackNames(root: string): string[] {
  return fs
    .readdirSync(root)
    .flatMap((name) => /^Pulumi\.([A-Za-z0-9_.-]+)\.ya?ml$/.exec(name)?.[1] ?? [])
    .sort();
}

/** A stack file as YAML reads it. */
export type StackDocument = Readonly<Record<string, unknown>>;

/**
 * Reads every stack file of the project and checks that no two environments share what must be apart.
 * @param replaced what to take instead of files, by stack: a file with values laid over it. What two stacks share is
 *   said of these first.
 * @throws ConfigError with the problems of all files.
 */
export function readStacks(
  root: string,
  replaced: Readonly<Record<string, StackDocument>> = {},
): Record<string, StackConfig> {
  const names = stackNames(root);
  const read = names.map((stack) => [stack, inspect(root, stack, replaced[stack])] as const);
  const failures = read.flatMap(([, { error }]) => error ?? []);
  const blamedLast = [...read].sort(([a], [b]) => Number(a in replaced) - Number(b in replaced));
  const shared = sharingProblems(blamedLast.map(([stack, { sections }]) => [stack, sections]));
  const [first] = failures;
  if (first && failures.length === 1 && shared.length === 0) throw first;
  if (failures.length + shared.length > 0) {
    throw new ConfigError("stack files", [
      ...failures.flatMap(({ source, problems }) =>
        problems.map((problem) => ({ ...problem, path: [source, ...problem.path] })),
      ),
      ...shared,
    ]);
  }
  return Object.fromEntries(read.flatMap(([stack, { file }]) => (file ? [[stack, file.config]] : [])));
}
