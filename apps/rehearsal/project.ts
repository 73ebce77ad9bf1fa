import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { CONFIG_SECRETS } from "../../infra/secrets/secretCatalogue";
import { CONTROL } from "../../stacks/controlFile";
import { SECRET_VALUES } from "../../stacks/files";
import { PRODUCT } from "../../stacks/schema";

/** File the program is bundled to, in the project's folder. */
export const PROGRAM = "program.js";

/** Folder of the policy pack in the platform's project. */
export const PACK = "policies";

/** A Pulumi project of the repository. */
export interface Project {
  /** Its folder, from the repository's root. */
  readonly folder: string;
  /** Where its program begins, from the root too. */
  readonly entry: string;
}

export const PLATFORM: Project = { folder: "", entry: "stacks/index.ts" };

/** What an environment is deployed from. It reads the platform's stack files, so it stands below the platform's project. */
export const CONTROL_PLANE: Project = { folder: CONTROL, entry: "stacks/control/index.ts" };

type Document = Record<string, unknown> & { config: Record<string, unknown> };

/** Values to change in a stack file, by path below the project's namespace, e.g. `database.skuName`; undefined removes. */
export type Overrides = Readonly<Record<string, unknown>>;

/**
 * A copy of the platform's project in a folder of its own: same project file and stack values, no encrypted values, and the
 * bundled program as entry point. Nothing in the repository is touched, and nobody's keys are needed.
 * @param project the one that is wanted; another than the platform's comes below it
 */
export function copyProject(root: string, folder: string, project: Project = PLATFORM): void {
  const dependencies = copyFiles(root, folder);
  linkPackages(root, folder, Object.keys(dependencies));
  // The pack takes what belongs to whom from the stack files beside it, so it has to stand beside these.
  const pack = path.join(root, "policies");
  for (const name of ["bin", ...fs.readdirSync(pack).filter((file) => /\.(json|yaml)$/.test(file))]) {
    fs.cpSync(path.join(pack, name), path.join(folder, PACK, name), { recursive: true });
  }
  if (project !== PLATFORM) copyFiles(path.join(root, project.folder), path.join(folder, project.folder));
}

/** Copies what makes a folder a project. @returns the packages it depends on */
function copyFiles(from: string, to: string): Readonly<Record<string, string>> {
  fs.mkdirSync(to, { recursive: true });
  const project = readYaml(path.join(from, "Pulumi.yaml"));
  // The program is JavaScript by now; without this the engine would load a compiler for nothing.
  project.runtime = { name: "nodejs", options: { typescript: false } };
  writeYaml(path.join(to, "Pulumi.yaml"), project);
  const {
    name,
    version,
    dependencies = {},
  } = JSON.parse(fs.readFileSync(path.join(from, "package.json"), "utf8")) as {
    name: string;
    version?: string;
    dependencies?: Record<string, string>;
  };
  fs.writeFileSync(path.join(to, "package.json"), JSON.stringify({ name, version, main: PROGRAM }));
  // The program looks into the other stacks' files too, to know what is theirs.
  for (const file of fs.readdirSync(from).filter((name) => /^Pulumi\.[\w-]+\.yaml$/.test(name))) {
    const { config } = readYaml(path.join(from, file)) as Document;
    writeYaml(path.join(to, file), { config: withoutSecrets(config) });
  }
  return dependencies;
}

/**
 * What the program and the pack depend on, and not the tools it is developed with: the language host walks through
 * every folder below to find plugins, before each command.
 */
function linkPackages(root: string, folder: string, packages: readonly string[]): void {
  for (const name of packages) {
    const link = path.join(folder, "node_modules", name);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(path.join(root, "node_modules", name), link, "dir");
  }
}

function withoutSecrets(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key !== `${PRODUCT}:${SECRET_VALUES}`));
}

/** Values for the secrets an operator would set, made up for the rehearsal. */
export function rehearsalSecrets(): Record<string, { value: string; secret: true }> {
  return Object.fromEntries(
    CONFIG_SECRETS.map((name) => [
      `${PRODUCT}:${SECRET_VALUES}.${name}`,
      { value: `rehearsal-${name}`, secret: true as const },
    ]),
  );
}

/** Changes values of a copied stack file, as a commit to `Pulumi.<stack>.yaml` would. */
export function changeConfig(folder: string, stack: string, overrides: Overrides): void {
  const file = path.join(folder, `Pulumi.${stack}.yaml`);
  const document = readYaml(file) as Document;
  for (const [at, value] of Object.entries(overrides)) {
    const [section = "", ...rest] = at.split(".");
    const key = section.includes(":") ? section : `${PRODUCT}:${section}`;
    document.config[key] = changed(document.config[key], rest, value);
    if (document.config[key] === undefined) delete document.config[key];
  }
  writeYaml(file, document);
}

function changed(here: unknown, path: readonly string[], value: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  const copy = (Array.isArray(here) ? [...(here as unknown[])] : { ...(here as object) }) as Record<
    string,
    unknown
  >;
  copy[head] = changed(copy[head], rest, value);
  if (copy[head] === undefined && !Array.isArray(copy)) delete copy[head];
  return copy;
}

/** The configuration of a copied stack file, without the namespace. */
export function readConfig(folder: string, stack: string): Record<string, unknown> {
  const { config } = readYaml(path.join(folder, `Pulumi.${stack}.yaml`)) as Document;
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace(`${PRODUCT}:`, ""), value]),
  );
}

function readYaml(file: string): Record<string, unknown> {
  return yaml.load(fs.readFileSync(file, "utf8")) as Record<string, unknown>;
}

function writeYaml(file: string, document: object): void {
  fs.writeFileSync(file, yaml.dump(document, { lineWidth: -1, noRefs: true }));
}
