// Compiles the policy pack to policies/bin/index.js, which Pulumi starts directly. Pulumi's own packages stay
// outside the bundle: the pack must share them with Pulumi's launcher.
import { buildSync } from "esbuild";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.dirname(fileURLToPath(import.meta.url));
const { outputFiles } = buildSync({
  absWorkingDir: folder,
  entryPoints: ["index.ts"],
  outfile: "bin/index.js",
  bundle: true,
  write: false,
  external: ["@pulumi/*"],
  // The sources are CommonJS: they import js-yaml as CommonJS sees it, with a default export.
  alias: { "js-yaml": createRequire(import.meta.url).resolve("js-yaml") },
  platform: "node",
  format: "cjs",
  target: "node20",
  logLevel: "warning",
  supported: { "dynamic-import": false },
});
// Put in place by renaming: an engine may be loading the pack this very moment.
for (const { path: file, contents } of outputFiles) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.${process.pid}`, contents);
  fs.renameSync(`${file}.${process.pid}`, file);
}
