// Test files as one script each, with the project's own code in them, broken in one place. Stryker leaves all its mutants in
// the code, behind switches that count what they are asked, by name: with 20,000 of them everything takes five times as long.
// So all switches but one are taken out again, and what is counted is counted in an array.
import fs from "node:fs";
import path from "node:path";
import esbuild from "esbuild";

/** Code that Stryker has put its switches into. */
const SWITCHED = /\/(?:policies|packages\/isolation)\/.*\.ts$/;
const SWITCH = /\bstryMutAct_\w+\("(\d+)"\)/g;
const COUNT = /\bstryCov_\w+\(((?:"\d+"(?:, )?)+)\)/g;
/** Counts of a script that counts, by mutant; more than there are. */
export const COUNTS = 1 << 16;

/** The same code with one mutant in it, or none: what asks for others becomes a constant, which esbuild folds. */
const broken = (code, mutant) =>
  code
    .replace(SWITCH, (_, id) => (id === mutant ? "globalThis.__stryker__.reached()" : "false"))
    .replace(COUNT, "0");

/** The same code with no mutant, counting by which it comes. */
const counting = (code) =>
  code
    .replace(SWITCH, "false")
    .replace(COUNT, (_, ids) => `(${ids.replace(/"(\d+)"/g, "strykerCounts[$1]++")})`);

/** Script of a test file of the working directory, made anew for each mutant. */
export class Bundle {
  constructor(entry) {
    // Once all mutants are checked, Stryker has a second process try some of them, in the same folder.
    const name = `.${path.basename(entry, ".test.ts")}.${process.pid}.mutation.cjs`;
    this.file = path.resolve(path.dirname(entry), name);
    this.clean = new Map();
    this.entry = entry;
  }

  async open() {
    const onLoad = ({ path: file }) => ({ contents: this.codeOf(file), loader: "ts" });
    this.context = await esbuild.context({
      entryPoints: [this.entry],
      outfile: this.file,
      absWorkingDir: process.cwd(),
      bundle: true,
      minifySyntax: true,
      platform: "node",
      packages: "external",
      logLevel: "silent",
      metafile: true,
      banner: { js: "const strykerCounts = globalThis.__stryker__.counts;" },
      plugins: [{ name: "mutant", setup: (build) => build.onLoad({ filter: SWITCHED }, onLoad) }],
    });
  }

  codeOf(file) {
    if (this.counted) return counting(fs.readFileSync(file, "utf8"));
    if (file === this.mutated?.file) return broken(fs.readFileSync(file, "utf8"), this.mutated.id);
    if (!this.clean.has(file)) this.clean.set(file, broken(fs.readFileSync(file, "utf8")));
    return this.clean.get(file);
  }

  /** With all that counts which mutants a test comes by. */
  async countedScript() {
    this.counted = true;
    await this.build();
    this.counted = false;
    return this.file;
  }

  /** With one mutant; undefined where the test does not load its file. */
  async mutatedScript(file, id) {
    if (!this.inputs) await this.build();
    if (!this.inputs.has(file)) return undefined;
    this.mutated = { file, id };
    await this.build();
    return this.file;
  }

  async build() {
    const { metafile } = await this.context.rebuild();
    this.inputs = new Set(Object.keys(metafile.inputs).map((one) => path.resolve(one)));
  }

  async close() {
    await this.context?.dispose();
    fs.rmSync(this.file, { force: true });
  }
}
