import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { CONFIG_SECRETS } from "../../infra/secrets/secretCatalogue";
import { SECRET_VALUES } from "../../stacks/files";
import { PRODUCT } from "../../stacks/schema";

/** File the program is bundled to, in the project's folder. */
export const PROGRAM = "program.js";

/** Folder of the policy pack in the project's. */
export const PACK = "policies";

type Document = Record<string, unknown> & { config: Record<string, unknown> };

/** Values to change in a stack file, by path below the project's namespace, e.g. `database.skuName`; undefined removes. */
export type Overrides = Readonly<Record<string, unknown>>;

/**
 * A copy of the project in a folder of its own: same project file and stack values, no encrypted values, and the
 * bundled program as entry point. Nothing in the repository is touched, and nobody's keys are needed.
 */
export function copyProject(root: string, folder: string): void {
  fs.mkdirSync(folder, { recursive: true });
  const project = readYaml(path.join(root, "Pulumi.yaml"));
  // The program is JavaScript by now; without this the engine would load a compiler for nothing.
  project.runtime = { name: "nodejs", options: { typescript: false } };
  writeYaml(path.join(folder, "Pulumi.yaml"), project);
  const { name, version, dependencies } = JSON.parse(
    fs.readFileSync(path.join(root, "package.json"), "utf8"),
  ) as { name: string; version: string; dependencies: Record<string, string> };
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name, version, main: PROGRAM }));
  linkPackages(root, folder, Object.keys(dependencies));
  // The program looks into the other stacks' files too, to know what is theirs.
  for (const file of fs.readdirSync(root).filter((name) => /^Pulumi\.[\w-]+\.yaml$/.test(name))) {
    const { config } = readYaml(path.join(root, file)) as Document;
    writeYaml(path.join(folder, file), { config: withoutSecrets(config) });
  }
  // The pack takes what belongs to whom from the stack files beside it, so it has to stand beside these.
  const pack = path.join(root, "policies");
  for (const name of ["bin", ...fs.readdirSync(pack).filter((file) => /\.(json|yaml)$/.test(file))]) {
    fs.cpSync(path.join(pack, name), path.join(folder, PACK, name), { recursive: true });
  }
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
