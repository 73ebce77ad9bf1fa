// Runs one TypeScript entry point: `node run.mjs sandbox/plan.ts prod --json plan.json`.
// The entry is bundled in memory terms of milliseconds (packages stay external) and loaded into this very
// process, so that Ctrl-C, exit codes and memory figures are the program's own.
import { buildSync } from "esbuild";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
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
const { outputFiles } = buildSync({
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
  write: false,
});
// Put in place by renaming: another run may be loading the same file this very moment.
for (const { path: file, contents } of outputFiles) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, contents);
  renameSync(`${file}.${process.pid}`, file);
}
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], outfile, ...args];
createRequire(import.meta.url)(outfile);
