/**
 * What `node --require` runs before Pulumi's processes run programs and policy packs. Others, which inherit the setting,
 * stay as they are.
 */
const fs = require("node:fs");
const path = require("node:path");
const { setTimeout } = require("node:timers");
const v8 = require("node:v8");

const KEEP_AFTER_MS = 4_000;

/**
 * Makes such a process start quickly: code from a store, no compiler, as what it runs is JavaScript, and no stack traces
 * in a program's errors. What the SDK does stays the same.
 * @param slimSdk Also leaves out what the SDK does for nothing here; see {@link ./sdk.js}.
 */
function prepare({ slimSdk }) {
  const entry = process.argv[1] ?? "";
  const [, kind] = /@pulumi[\\/]pulumi[\\/]cmd[\\/](run(?:-policy-pack)?)(?:[\\/]|$)/.exec(entry) ?? [];
  if (kind) prepareSdk(kind, slimSdk);
  // The engine notes npm's version with each update. npm gives it out after loading all of itself; it is in one file.
  if (/[\\/]npm(-cli\.js)?$/.test(entry) && process.argv[2] === "--version") {
    const { version } = require(path.join(path.dirname(fs.realpathSync(entry)), "../package.json"));
    fs.writeSync(process.stdout.fd, `${version}\n`);
    process.exit();
  }
}

function prepareSdk(kind, slimSdk) {
  const { useCodeCache } = require("./codeCache.js");
  const keep = useCodeCache(path.join(__dirname, "../../.build/code"), slimSdk ? kind : `${kind}-whole`);
  process.on("exit", keep);
  if (kind === "run-policy-pack") {
    // The engine ends a pack without a word; by then it has judged most of a stack.
    setTimeout(keep, KEEP_AFTER_MS).unref();
    // It lives for seconds: compiling code a second time, and better, pays for little of it, and later than V8 believes.
    v8.setFlagsFromString("--interrupt-budget=600000");
    v8.setFlagsFromString("--semi-space-growth-factor=16");
  }
  const { slim, dropTraces } = require("./sdk.js");
  // The SDK answers with the trace of what a policy throws, and with nothing where there is none.
  if (kind === "run") dropTraces();
  if (slimSdk) {
    slim();
    // Nothing serialises functions, so no debugger has to be told of every script that is loaded.
    require("@pulumi/pulumi/runtime/closure/v8Hooks").isInitializedAsync = () => Promise.resolve();
  }
  const nothing = require.resolve("./noCompiler.js");
  require("@pulumi/pulumi/tsutils").typeScriptRequireStrings = () => ({
    tsnodeRequire: nothing,
    typescriptRequire: nothing,
  });
}

module.exports = { prepare };
