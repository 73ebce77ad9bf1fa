/**
 * For `node --require`: makes the processes in which Pulumi runs programs and policy packs lean. Others, which inherit
 * the setting, stay as they are. What these processes run is JavaScript, so they get no compiler; and as nothing
 * serialises functions, no debugger has to be told of every script that is loaded.
 */
const fs = require("node:fs");
const path = require("node:path");
const { setTimeout } = require("node:timers");
const v8 = require("node:v8");

const KEEP_AFTER_MS = 4_000;
const entry = process.argv[1] ?? "";

const [, kind] = /@pulumi[\\/]pulumi[\\/]cmd[\\/](run(?:-policy-pack)?)(?:[\\/]|$)/.exec(entry) ?? [];
if (kind) {
  const { useCodeCache } = require("./codeCache.js");
  const keep = useCodeCache(path.join(__dirname, "../../.build/code"), kind);
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
  slim();
  const nothing = require.resolve("./noCompiler.js");
  require("@pulumi/pulumi/tsutils").typeScriptRequireStrings = () => ({
    tsnodeRequire: nothing,
    typescriptRequire: nothing,
  });
  require("@pulumi/pulumi/runtime/closure/v8Hooks").isInitializedAsync = () => Promise.resolve();
}

// The engine notes npm's version with each update. npm gives it out after loading all of itself; it is in one file.
if (/[\\/]npm(-cli\.js)?$/.test(entry) && process.argv[2] === "--version") {
  const { version } = require(path.join(path.dirname(fs.realpathSync(entry)), "../package.json"));
  fs.writeSync(process.stdout.fd, `${version}\n`);
  process.exit();
}
