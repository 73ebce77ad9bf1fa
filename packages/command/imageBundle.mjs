import { build } from "esbuild";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import bundles from "./bundle.cjs";

/**
 * Bundles a program that ships in an image into files without node_modules: the image holds these and Node.js, and nothing
 * else of npm. The folder they go to is the one argument; without it the process ends with 2.
 * @param {string} script `import.meta.url` of the script beside the entries; its path is what the usage names
 * @param {Record<string, string>} entryPoints file beside the script by the bundle's name
 */
export async function bundleForImage(script, entryPoints) {
  const own = fileURLToPath(script);
  const folder = process.argv[2];
  if (!folder) {
    console.error(`usage: node ${path.relative(process.cwd(), own)} <folder>`);
    process.exit(2);
  }
  const { outputFiles } = await build({
    absWorkingDir: path.dirname(own),
    entryPoints,
    outdir: path.resolve(folder),
    ...bundles.COMMON,
    ...bundles.WHOLE,
    // An entry exports what it does; here it does it.
    footer: { js: "module.exports.main();" },
    legalComments: "linked",
    logLevel: "warning",
    write: false,
  });
  for (const { path: file, text } of outputFiles) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, file.endsWith(".js") ? bundles.inAscii(text) : text);
  }
}
