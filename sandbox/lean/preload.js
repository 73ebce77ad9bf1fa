/**
 * For `node --require`: makes the processes in which Pulumi runs programs and policy packs lean. Others, which inherit
 * the setting, stay as they are. What these processes run is JavaScript, so they get no compiler; and as nothing
 * serialises functions, no debugger has to be told of every script that is loaded.
 */
const path = require("node:path");

const entry = process.argv[1] ?? "";

const [, kind] = /@pulumi[\\/]pulumi[\\/]cmd[\\/](run(?:-policy-pack)?)(?:[\\/]|$)/.exec(entry) ?? [];
if (kind) {
  const { useCodeCache } = require("./codeCache.js");
  process.on("exit", useCodeCache(path.join(__dirname, "../../.build/code"), kind));
  const { slim, dropTraces } = require("./sdk.js");
  dropTraces();
  slim();
  const nothing = require.resolve("./noCompiler.js");
  require("@pulumi/pulumi/tsutils").typeScriptRequireStrings = () => ({
    tsnodeRequire: nothing,
    typescriptRequire: nothing,
  });
  require("@pulumi/pulumi/runtime/closure/v8Hooks").isInitializedAsync = () => Promise.resolve();
}
