// Runs one TypeScript entry point: `node run.mjs apps/tools/plan/plan.ts prod --json plan.json`.
// The entry is bundled (packages stay external unless it ships in an image) and loaded into this very process, so that Ctrl-C, exit codes and
// memory figures are the program's own.
import fs from "node:fs";
import module, { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const [entry, ...args] = process.argv.slice(2);
if (!entry) {
  console.error("usage: node packages/command/run.mjs <entry.ts> [arguments…]");
  process.exit(2);
}
if (!fs.existsSync(path.join(root, "node_modules/esbuild")) || !module.enableCompileCache) {
  console.error("error: the packages are not here, or this is an older Node.js than they bring: npm ci");
  process.exit(2);
}
const outfile = path.join(root, ".build", entry.replace(/\.ts$/, ".js"));
// What ships in an image, as `image.json` beside it says, runs here as it ships: packages and all in one file, which starts
// in half the time. A source map of so much would take that time again: the bundle names the file above each of its parts.
const image = path.join(root, path.dirname(entry), "image.json");
const ships = fs.existsSync(image) && Object.values(require(image)).includes(path.basename(entry));
const { bundle, WHOLE } = require("./bundle.cjs");
try {
  bundle({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    ...(ships ? WHOLE : { packages: "external", sourcemap: true }),
    logLevel: "warning",
  });
} catch (error) {
  if (!error.code) throw error;
  // A full disk, or a folder nobody may write to: 3 is what every command ends with that lacks something here.
  console.error(
    `error: ${entry} is put together in ${path.dirname(outfile)}, and that cannot be written: ${error.message}`,
  );
  process.exit(3);
}
module.enableCompileCache(path.join(root, ".build/code"));
if (!ships) module.setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
process.argv = [process.argv[0], outfile, ...args];
// An entry exports what it does, so that tests and other commands can load it.
await require(outfile).main?.();
