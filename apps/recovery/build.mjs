// Bundles the runner into single files without node_modules: `node apps/recovery/build.mjs <folder>`.
// The image holds these files and Node.js, and nothing else of npm.
import { build } from "esbuild";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node apps/recovery/build.mjs <folder>");
  process.exit(2);
}
const recovery = path.dirname(fileURLToPath(import.meta.url));
await build({
  absWorkingDir: recovery,
  entryPoints: { recovery: "cli.ts", incident: "incident.ts", healthcheck: "healthcheck.ts" },
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
