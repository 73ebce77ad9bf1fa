// Runs one TypeScript entry point: `node run.mjs sandbox/plan.ts prod --json plan.json`.
// The entry is bundled in memory terms of milliseconds (packages stay external) and loaded into this very
// process, so that Ctrl-C, exit codes and memory figures are the program's own.
import { buildSync } from "esbuild";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(fileURLToPath(import.meta.url));
const [entry, ...args] = process.argv.slice(2);
if (!entry) {
  console.error("usage: node run.mjs <entry.ts> [arguments…]");
  process.exit(2);
}
const outfile = path.join(root, ".build", entry.replace(/\.ts$/, ".js"));
buildSync({
  absWorkingDir: root,
  entryPoints: [entry],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "cjs",
  target: "node20",
  sourcemap: true,
  logLevel: "warning",
  supported: { "dynamic-import": false },
});
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], outfile, ...args];
createRequire(import.meta.url)(outfile);
