import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";
import { configurationDigest, fileDigest } from "../../policies/proof";
import { buildPack } from "../../policies/pack/build";
import { ConfigError, fromZod } from "../../stacks/problems";

/** What the engine reads of a project before it starts anything; an option of Node.js there would run first. */
const projectSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  runtime: z.union([
    z.literal("nodejs"),
    z.strictObject({
      name: z.literal("nodejs"),
      options: z.strictObject({ packagemanager: z.literal("npm").optional() }).optional(),
    }),
  ]),
});

const packSchema = z.strictObject({
  runtime: z.literal("nodejs"),
  version: z.string().optional(),
  description: z.string().optional(),
});

const manifestSchema = z.looseObject({ main: z.literal("bin/index.js") });

/** Other endings the engine looks for, `.json` before `.yaml` even; a stack's file then has the same. */
const OTHER_ENDINGS = [".json", ".yml"];

/** Refuses a file that the engine would read in the place of the one that is checked. */
function onlyOne(root: string, name: string): void {
  for (const ending of OTHER_ENDINGS) {
    const other = name.replace(/\.yaml$/, ending);
    if (fs.existsSync(path.join(root, other)))
      throw new ConfigError(other, [
        { path: [], found: other, allowed: `${name} alone: the engine may read the other in its place` },
      ]);
  }
}

function check<T>(root: string, name: string, schema: z.ZodType<T>): T {
  let document: unknown;
  try {
    document = yaml.load(fs.readFileSync(path.join(root, name), "utf8"));
  } catch {
    throw new ConfigError(name, [{ path: [], found: undefined, allowed: "a readable YAML or JSON file" }]);
  }
  const result = schema.safeParse(document);
  if (!result.success) throw new ConfigError(name, fromZod(result.error, document, schema));
  return result.data;
}

/** Refuses packages that lie closer to the pack than those of the lock file: they would be the SDK it refuses with. */
function noPackagesBeside(root: string): void {
  const folder = "policies/node_modules";
  if (fs.existsSync(path.join(root, folder)))
    throw new ConfigError(folder, [
      { path: [], found: folder, allowed: "none: the pack takes the project's packages, by its lock file" },
    ]);
}

/** What a run is judged by, as it lay there when the run began. */
export interface Judges {
  /** Name of the project. */
  readonly project: string;
  /** SHA-256 of the pack's code. */
  readonly pack: string;
  /** {@link configurationDigest} */
  readonly configuration: string;
}

const PACK_FILE = "policies/bin/index.js";

/** What of the judges is another one by now: whoever changed it may have done so before the engine read it. */
export function changedSince(root: string, { pack, configuration }: Omit<Judges, "project">): string[] {
  const file = path.join(root, PACK_FILE);
  return [
    ...(fs.existsSync(file) && fileDigest(file) === pack ? [] : [`${PACK_FILE} was changed during the run`]),
    ...(configurationDigest(root) === configuration
      ? []
      : ["stack files, inventory or waivers were changed during the run"]),
  ];
}

/**
 * Builds the policy pack of a project anew, whatever lies in its folder, and says what it is.
 * @throws ConfigError when project or pack are started otherwise than this project's are.
 */
export function freshPack(root: string): Judges {
  for (const file of ["Pulumi.yaml", "policies/PulumiPolicy.yaml"]) onlyOne(root, file);
  const { name } = check(root, "Pulumi.yaml", projectSchema);
  check(root, "policies/PulumiPolicy.yaml", packSchema);
  check(root, "policies/package.json", manifestSchema);
  noPackagesBeside(root);
  const file = path.join(root, PACK_FILE);
  // What is there may have been made of something else, and say that it was not.
  fs.rmSync(path.dirname(file), { recursive: true, force: true });
  buildPack(root);
  return { project: name, pack: fileDigest(file), configuration: configurationDigest(root) };
}
