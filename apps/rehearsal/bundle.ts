import fs from "node:fs";
import path from "node:path";
import { build, Plugin } from "esbuild";
import { COMMON } from "../../packages/command/bundle.cjs";
import { PLATFORM } from "./project";

/** A change somebody makes to the program: one text in one source file becomes another. */
export interface Edit {
  /** Path from the project's root, e.g. `infra/data/database.ts`. */
  readonly file: string;
  /** Text that occurs in the file, once. */
  readonly find: string;
  readonly replace: string;
}

/** Text appended to the entry file, e.g. a resource a rehearsal adds to the program. */
export interface Addition {
  readonly file: string;
  readonly append: string;
}

export type Change = Edit | Addition;

/**
 * Builds a program as one file, so that the engine starts it without a compiler. Without changes it is the program
 * as it stands; packages stay outside.
 * @param entry where it begins, from the root; the platform's unless given
 * @throws Error when an edit's text is not found exactly once: the rehearsal would not rehearse what it says.
 */
export async function bundleProgram(
  root: string,
  outfile: string,
  changes: readonly Change[] = [],
  entry = PLATFORM.entry,
): Promise<void> {
  await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    packages: "external",
    sourcemap: "inline",
    sourcesContent: false,
    logLevel: "silent",
    plugins: changes.length > 0 ? [editing(root, changes)] : [],
  });
}

function editing(root: string, changes: readonly Change[]): Plugin {
  const files = [...new Set(changes.map(({ file }) => path.join(root, file)))];
  const missing = files.find((file) => !fs.existsSync(file));
  if (missing) throw new Error(`the rehearsal edits ${missing}, which does not exist`);
  return {
    name: "edits",
    setup(context) {
      context.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
        if (!files.includes(file)) return undefined;
        return { contents: edited(root, path.relative(root, file), changes), loader: "ts" };
      });
    },
  };
}

/** A file of the repository with what these change in it. @throws Error as {@link bundleProgram} */
export function edited(root: string, file: string, changes: readonly Change[]): string {
  const own = changes.filter((change) => path.normalize(change.file) === file);
  return own.reduce(apply, fs.readFileSync(path.join(root, file), "utf8"));
}

function apply(source: string, change: Change): string {
  if ("append" in change) return `${source}\n${change.append}\n`;
  const count = source.split(change.find).length - 1;
  if (count !== 1) {
    throw new Error(
      `the rehearsal edits ${change.file}, which holds ${JSON.stringify(change.find)} ${count} times`,
    );
  }
  return source.replace(change.find, () => change.replace);
}
