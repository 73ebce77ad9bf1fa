// Compiles the policy pack to policies/bin/index.js, which Pulumi starts directly. Pulumi's own packages stay
// outside the bundle: the pack must share them with Pulumi's launcher.
import { buildSync } from "esbuild";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.dirname(fileURLToPath(import.meta.url));
buildSync({
  absWorkingDir: folder,
  entryPoints: ["index.ts"],
  outfile: "bin/index.js",
  bundle: true,
  external: ["@pulumi/*"],
  // The sources are CommonJS: they import js-yaml as CommonJS sees it, with a default export.
  alias: { "js-yaml": createRequire(import.meta.url).resolve("js-yaml") },
  platform: "node",
  format: "cjs",
  target: "node20",
  logLevel: "warning",
  supported: { "dynamic-import": false },
});
