// Bundles TypeScript with esbuild, unless nothing the last bundle was made of has changed since: most commands here are
// over in less time than it takes to start a compiler.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

/** What every bundle has in common: CommonJS for the oldest Node.js anything here runs on. */
const COMMON = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node22",
  supported: { "dynamic-import": false },
};

/** For a bundle that needs no node_modules: what ships in an image. */
const WHOLE = {
  define: {
    // ES modules among the packages ask where they are.
    "import.meta.url": "bundleUrl",
    // A command line sends no forms. Azure's client asks whether there are any, at which Node.js loads all of `fetch`.
    FormData: "undefined",
  },
  banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
  // An optional native client that `pg` tries and does without.
  external: ["pg-native"],
};

/** Modification time and size of a file, as text; empty when it is gone. */
function stamp(file) {
  const stats = fs.statSync(file, { throwIfNoEntry: false });
  return stats ? `${stats.mtimeMs} ${stats.size}` : "";
}

/**
 * What tells whether a source has changed: itself, or npm's own record of what it has installed, which every installation
 * writes anew. A whole program is of more than a thousand files of packages, and looking at each takes as long as loading it.
 */
function witnessOf(file, absWorkingDir) {
  const [, packages] = /^(.*?node_modules)\//.exec(file) ?? [];
  const record = `${packages}/.package-lock.json`;
  return packages && fs.existsSync(path.resolve(absWorkingDir, record)) ? record : file;
}

/**
 * Folders of which a source takes files by names it makes up while it runs. The bundle holds all that are there, and one that
 * comes later is none of its sources. esbuild lists such a call among the imports, by its pattern: `../fixtures/*`.
 */
const foldersOf = ({ inputs }) =>
  Object.entries(inputs).flatMap(([file, { imports }]) =>
    imports.flatMap(({ path: pattern }) => {
      const [, folder] = /^(\.[^*]*)\/[^*/]*\*/.exec(pattern) ?? [];
      return folder === undefined ? [] : [path.join(path.dirname(file), folder)];
    }),
  );

/**
 * The same program without a character beyond ASCII. V8 keeps the text of a program with two bytes for each character as
 * soon as one of them needs two, and a package's comment may: a whole program of 6 MB takes 7 MiB less this way.
 */
const inAscii = (text) =>
  // eslint-disable-next-line no-control-regex
  text.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Put in place by renaming: another process may be loading the same file this very moment. */
function put(file, contents) {
  const own = `${file}.${process.pid}`;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  try {
    fs.writeFileSync(own, contents);
    fs.renameSync(own, file);
  } catch (error) {
    // What a full disk took of it helps nobody.
    fs.rmSync(own, { force: true });
    throw error;
  }
}

function isFresh(record, key, absWorkingDir) {
  let known;
  try {
    known = JSON.parse(fs.readFileSync(record, "utf8"));
  } catch {
    return false;
  }
  return (
    known.key === key &&
    Object.entries(known.files).every(([file, was]) => stamp(path.resolve(absWorkingDir, file)) === was)
  );
}

/**
 * How esbuild runs: as a process that ends with its work, since by itself it stays, with hundreds of megabytes, as long as
 * this process lives; and what it answers with may be a whole server.
 */
const COMPILER = { ESBUILD_WORKER_THREADS: "0", ESBUILD_MAX_BUFFER: `${256 * 1024 * 1024}` };

function compile(options) {
  const before = Object.keys(COMPILER).map((name) => [name, process.env[name]]);
  Object.assign(process.env, COMPILER);
  try {
    return require("esbuild").buildSync({ ...COMMON, ...options, write: false, metafile: true });
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}

/**
 * Makes `options.outfile`, if it is not there already, and tells whether it had to. A record of what it was made of lies
 * beside it.
 * @param options esbuild's, beside {@link COMMON}: `absWorkingDir`, `entryPoints` and an absolute `outfile` at least.
 * @throws Error of esbuild, whose message names file and line, when a source does not compile; of the file system, with its `code`,
 *   when the folder cannot be written.
 */
function bundle(options) {
  const { absWorkingDir, outfile } = options;
  const record = `${outfile}.made-of.json`;
  const program = require.resolve("esbuild");
  const key = createHash("sha256")
    .update(JSON.stringify([options, COMMON, "in ASCII", stamp(program)]))
    .digest("hex");
  if (isFresh(record, key, absWorkingDir)) return false;
  const started = Date.now();
  const { outputFiles, metafile } = compile(options);
  fs.rmSync(record, { force: true });
  // Columns of a source map would no longer be right.
  for (const { path: file, text } of outputFiles) put(file, options.sourcemap ? text : inAscii(text));
  const sources = [...Object.keys(metafile.inputs), ...foldersOf(metafile)];
  // A source saved while the compiler ran may have been read before or after: then the next command compiles again.
  const saved = (file) => fs.statSync(path.resolve(absWorkingDir, file), { throwIfNoEntry: false })?.mtimeMs;
  if (sources.some((file) => saved(file) >= started)) return true;
  const witnesses = new Set([...sources, outfile].map((file) => witnessOf(file, absWorkingDir)));
  const files = [...witnesses].map((file) => [file, stamp(path.resolve(absWorkingDir, file))]);
  put(record, JSON.stringify({ key, files: Object.fromEntries(files) }));
  return true;
}

module.exports = { bundle, inAscii, COMMON, WHOLE };
