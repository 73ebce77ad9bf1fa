// Compiles the policy pack to policies/bin/index.js, which Pulumi starts directly. Pulumi's own packages stay
// outside the bundle: the pack must share them with Pulumi's launcher.
const path = require("node:path");
const { bundle } = require("../packages/command/bundle.cjs");

/** Compiles the pack of the project in a folder, unless it is there and nothing it is made of has changed. */
function buildPack(root) {
  const folder = path.join(root, "policies");
  bundle({
    absWorkingDir: folder,
    entryPoints: ["index.ts"],
    outfile: path.join(folder, "bin/index.js"),
    external: ["@pulumi/*"],
    // The sources are CommonJS: they import js-yaml as CommonJS sees it, with a default export.
    alias: { "js-yaml": require.resolve("js-yaml") },
    logLevel: "warning",
  });
}

if (require.main === module) buildPack(path.dirname(__dirname));

module.exports = { buildPack };
