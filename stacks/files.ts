import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { CONFIG_SECRETS } from "../infra/secretCatalog";
import { ConfigError, fromZod, Problem } from "./problems";
import { crossFieldProblems, PRODUCT, StackConfig, stackSchema } from "./schema";
import { Sections, sharingProblems } from "./sharing";

export { stackPlatformNames } from "./names";

/** Key under which a stack file holds the encrypted values an operator set. */
export const SECRET_VALUES = "secretValues";

/** Freezes a value and everything in it. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

/** The sections that are valid in themselves, so that one bad section hides no problem of another. */
function validSections(values: unknown): Partial<StackConfig> {
  if (typeof values !== "object" || values === null) return {};
  return Object.fromEntries(
    Object.entries(stackSchema.shape).flatMap(([key, section]) => {
      const result = section.safeParse((values as Record<string, unknown>)[key]);
      return result.success ? [[key, result.data]] : [];
    }),
  );
}

/**
 * Checks the values of one stack and returns them typed, complete with defaults, and frozen.
 * @throws ConfigError that names every problem at once.
 */
export function parseStackConfig(values: unknown, source: string): StackConfig {
  const result = stackSchema.safeParse(values);
  const problems = [
    ...(result.success ? [] : fromZod(result.error, values, stackSchema)),
    ...crossFieldProblems(validSections(values)),
  ];
  if (problems.length > 0) {
    throw new ConfigError(
      source,
      problems.map((problem) => ({
        ...problem,
        path: [`${PRODUCT}:${problem.path[0] ?? ""}`, ...problem.path.slice(1)],
      })),
    );
  }
  return deepFreeze((result as { data: StackConfig }).data);
}

/** What Pulumi itself keeps in a stack file. */
const OF_PULUMI = ["config", "secretsprovider", "encryptedkey", "encryptionsalt"];
/** Setting that keeps providers the program did not make from being made; see {@link DEFAULT_PROVIDERS_OFF}. */
const DEFAULT_PROVIDERS = "pulumi:disable-default-providers";
const DEFAULT_PROVIDERS_OFF = ["*"];

/** Keys of the document around the values: one that nobody reads is a typing error, or brings in what no check sees. */
function documentProblems(document: object): Problem[] {
  return Object.entries(document)
    .filter(([key]) => !OF_PULUMI.includes(key))
    .map(([key, value]) => ({
      path: [key],
      found: value,
      allowed:
        key === "environment"
          ? "nothing: values imported from elsewhere are seen by no plan and no policy; write them below config"
          : `only ${OF_PULUMI.join(", ")}`,
    }));
}

/** A default provider takes its subscription from whoever runs the command, where no policy can see it. */
function defaultProviderProblems(value: unknown): Problem[] {
  const list = typeof value === "string" ? parseJson(value) : value;
  return JSON.stringify(list) === JSON.stringify(DEFAULT_PROVIDERS_OFF)
    ? []
    : [
        {
          path: [DEFAULT_PROVIDERS],
          found: value,
          allowed: `${JSON.stringify(DEFAULT_PROVIDERS_OFF)}: no default provider at all`,
        },
      ];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
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
  const schema = (stackSchema.shape as Record<string, { safeParse(value: unknown): { success: boolean } }>)[
    key
  ];
  return schema?.safeParse(text).success ? text : parseJson(text);
}

function parseYaml(file: string): unknown {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch {
    throw new ConfigError(path.basename(file), [
      { path: [], found: undefined, allowed: "a readable stack file" },
    ]);
  }
  try {
    return yaml.load(text);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new ConfigError(path.basename(file), [{ path: [], found: reason, allowed: "valid YAML" }]);
  }
}

function secretProblems(stack: string, value: unknown): Problem[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: [`${PRODUCT}:${SECRET_VALUES}`], found: typeof value, allowed: "a map of secret names" }];
  }
  return Object.entries(value).flatMap(([name, entry]): Problem[] => {
    const at = [`${PRODUCT}:${SECRET_VALUES}`, name];
    if (!CONFIG_SECRETS.includes(name)) {
      return [{ path: at, found: "an entry", allowed: `only ${CONFIG_SECRETS.join(", ")}` }];
    }
    const encrypted =
      typeof entry === "object" &&
      entry !== null &&
      typeof (entry as { secure?: unknown }).secure === "string";
    return encrypted
      ? []
      : [{ path: at, found: "a plain value", allowed: `an encrypted one: ${setSecretCommand(stack, name)}` }];
  });
}

/** The command that gives a secret of source `config` its value, whichever stack is selected. */
export function setSecretCommand(stack: string, name: string): string {
  return `pulumi config set --stack ${stack} --secret --path '${PRODUCT}:${SECRET_VALUES}.${name}'`;
}

/** A stack file as it was found: whole, or what is valid of it and everything that is wrong. */
interface Inspected {
  readonly file?: StackFile;
  readonly sections: Sections;
  readonly error?: ConfigError;
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

function inspect(root: string, stack: string): Inspected {
  try {
    return inspectDocument(root, stack);
  } catch (error) {
    if (error instanceof ConfigError) return { sections: {}, error };
    throw error;
  }
}

function inspectDocument(root: string, stack: string): Inspected {
  const file = path.join(root, `Pulumi.${stack}.yaml`);
  if (!/^[A-Za-z0-9_.-]+$/.test(stack) || !fs.existsSync(file)) {
    throw new ConfigError(`stack ${stack}`, [
      {
        path: [],
        found: stack,
        allowed: `one of ${stackNames(root).join(", ") || "the Pulumi.<stack>.yaml files"}`,
      },
    ]);
  }
  const source = path.basename(file);
  const document = (parseYaml(file) ?? {}) as { config?: unknown };
  const { config } = document;
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new ConfigError(source, [
      { path: ["config"], found: config, allowed: `a map of ${PRODUCT}:<key> entries` },
    ]);
  }
  const prefix = `${PRODUCT}:`;
  const entries = Object.entries(config as Record<string, unknown>);
  const values = Object.fromEntries(
    entries
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
  const problems: Problem[] = entries
    .filter(([key]) => !key.startsWith(prefix) && !key.startsWith("pulumi:"))
    .map(([key, value]) => ({
      path: [key],
      found: value,
      allowed: `keys of ${PRODUCT}: and pulumi: only; providers are pinned by the program`,
    }));
  problems.push(
    ...documentProblems(document),
    ...defaultProviderProblems((config as Record<string, unknown>)[DEFAULT_PROVIDERS]),
    ...secretProblems(stack, secrets),
  );
  let parsed: StackConfig | undefined;
  try {
    parsed = parseStackConfig(plain, source);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0 || !parsed) {
    return { sections: validSections(plain), error: new ConfigError(source, problems) };
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

/**
 * Reads every stack file of the project and checks that no two environments share what must be apart.
 * @throws ConfigError with the problems of all files.
 */
export function readStacks(root: string): Record<string, StackConfig> {
  const read = stackNames(root).map((stack) => [stack, inspect(root, stack)] as const);
  const failures = read.flatMap(([, { error }]) => error ?? []);
  const shared = sharingProblems(read.map(([stack, { sections }]) => [stack, sections]));
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
