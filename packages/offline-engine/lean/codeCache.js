/**
 * Keeps the code V8 made of the modules a process loads, for the next process that loads them. Compiling the SDK and what
 * is used of the providers' packages takes a fifth of a plan's time, and they hardly ever change.
 *
 * Newer releases of Node.js have such a cache. Packages that bring one to older releases keep a module's code as it is
 * right after loading, when most of its functions are not compiled yet; this one keeps it as it is at the end.
 */
const { createHash } = require("node:crypto");
const { Buffer } = require("node:buffer");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");

const hashOf = (text) => createHash("sha1").update(text).digest("base64");

/** Reads a store: the length of its index, the index as JSON (a source's hash to place and use of its code), then the code. */
function read(file) {
  try {
    const stored = fs.readFileSync(file);
    const start = 4 + stored.readUInt32LE(0);
    return { index: JSON.parse(stored.toString("utf8", 4, start)), code: stored.subarray(start) };
  } catch {
    return { index: {}, code: Buffer.alloc(0) };
  }
}

/** Processes of one kind do not load all the same; but what so many that stored something had no use for has gone. */
const UNUSED = 8;

/**
 * Stores the code of these modules, and what is known of others. Put in place by renaming: another process may be
 * reading it.
 */
function write(file, scripts, known) {
  const index = {};
  const parts = [];
  let at = 0;
  const add = (hash, code, unused) => {
    index[hash] = [at, code.length, unused];
    parts.push(code);
    at += code.length;
  };
  for (const [hash, script] of scripts) add(hash, script.createCachedData(), 0);
  for (const [hash, [from, length, unused]] of Object.entries(known.index)) {
    if (!scripts.has(hash) && unused < UNUSED)
      add(hash, known.code.subarray(from, from + length), unused + 1);
  }
  const head = Buffer.from(JSON.stringify(index));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.${process.pid}`, Buffer.concat([length, head, ...parts]));
  fs.renameSync(`${file}.${process.pid}`, file);
}

function requireFor(module) {
  const required = (id) => module.require(id);
  required.resolve = (request, options) => Module._resolveFilename(request, module, false, options);
  required.resolve.paths = (request) => Module._resolveLookupPaths(request, module);
  required.main = process.mainModule;
  required.extensions = Module._extensions;
  required.cache = Module._cache;
  return required;
}

/**
 * From here on takes the code of the packages this process loads from a store, and returns a function that brings the
 * store up to date; it does nothing when all code came from there.
 * @param folder Where stores are kept.
 * @param name Of the kind of process; processes of one kind load the same modules.
 */
function useCodeCache(folder, name) {
  // The SDK does so when it is loaded; code that was made before would be refused after.
  v8.setFlagsFromString("--allow-natives-syntax");
  // As would be code made by another V8, or under other options.
  const file = path.join(folder, `${name}-${v8.cachedDataVersionTag().toString(16)}.cache`);
  const { index, code } = read(file);
  const scripts = new Map();
  let fresh = 0;
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (source, filename) {
    if (!isKept(filename, source)) return compile.call(this, source, filename);
    const hash = hashOf(source);
    const [at, length] = index[hash] ?? [];
    const script = new vm.Script(Module.wrap(source.replace(/^#!.*/, "")), {
      filename,
      cachedData: at === undefined ? undefined : code.subarray(at, at + length),
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (at === undefined || script.cachedDataRejected) fresh++;
    scripts.set(hash, script);
    const run = script.runInThisContext();
    return run.call(this.exports, this.exports, requireFor(this), this, filename, path.dirname(filename));
  };
  return () => {
    if (fresh === 0) return;
    fresh = 0;
    try {
      write(file, scripts, read(file));
    } catch {
      // A folder that cannot be written to costs time, and nothing else.
    }
  };
}

const PACKAGES = /[\\/]node_modules[\\/]/;
const BUNDLES = /[\\/](\.build|policies[\\/]bin)[\\/]/;

/**
 * Packages and bundles of our own; but only Node.js itself can give code its source map. Of anything else there is no
 * saying how often it changes, and each change stores all again.
 */
const isKept = (file, source) =>
  PACKAGES.test(file) || (BUNDLES.test(file) && !source.includes("//# sourceMappingURL="));

module.exports = { useCodeCache };
