// Bundles the operations into one file without node_modules: `node apps/operations/build.mjs <folder>`.
// The image holds this file and Node.js, and nothing else of npm.
import { build } from "esbuild";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node apps/operations/build.mjs <folder>");
  process.exit(2);
}
await build({
  absWorkingDir: path.dirname(fileURLToPath(import.meta.url)),
  entryPoints: { operations: "cli.ts" },
  outdir: path.resolve(folder),
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node22",
  // ES modules among the packages ask where they are.
  define: { "import.meta.url": "bundleUrl" },
  banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
  // An entry exports what it does; here it does it.
  footer: { js: "module.exports.main();" },
  // An optional native client that `pg` tries and does without.
  external: ["pg-native"],
  legalComments: "linked",
  logLevel: "warning",
});
