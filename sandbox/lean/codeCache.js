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

/** Reads a store: the length of its index, the index as JSON, then the code of every module. */
function read(file) {
  try {
    const stored = fs.readFileSync(file);
    const start = 4 + stored.readUInt32LE(0);
    return { index: JSON.parse(stored.toString("utf8", 4, start)), code: stored.subarray(start) };
  } catch {
    return { index: {}, code: Buffer.alloc(0) };
  }
}

/** Put in place by renaming: another process may be reading it. */
function write(file, scripts) {
  const index = {};
  const parts = [];
  let at = 0;
  for (const [name, { script, hash }] of scripts) {
    const code = script.createCachedData();
    index[name] = [hash, at, code.length];
    parts.push(code);
    at += code.length;
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
  // Code made by another V8, or under other options, would be refused.
  const file = path.join(folder, `${name}-${v8.cachedDataVersionTag().toString(16)}.cache`);
  const { index, code } = read(file);
  const scripts = new Map();
  let fresh = 0;
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (source, filename) {
    if (!isPackaged(filename) && source.includes(SOURCE_MAP)) return compile.call(this, source, filename);
    const hash = hashOf(source);
    const [known, at, length] = index[filename] ?? [];
    const script = new vm.Script(Module.wrap(source.replace(/^#!.*/, "")), {
      filename,
      cachedData: known === hash ? code.subarray(at, at + length) : undefined,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (known !== hash || script.cachedDataRejected) fresh++;
    scripts.set(filename, { script, hash });
    const run = script.runInThisContext();
    return run.call(this.exports, this.exports, requireFor(this), this, filename, path.dirname(filename));
  };
  return () => {
    if (fresh === 0) return;
    fresh = 0;
    try {
      write(file, scripts);
    } catch {
      // A folder that cannot be written to costs time, and nothing else.
    }
  };
}

/** Only Node.js itself can give code its source map, and only our own code needs it. */
const SOURCE_MAP = "//# sourceMappingURL=";

const isPackaged = (file) => file.includes(`${path.sep}node_modules${path.sep}`);

module.exports = { useCodeCache };
