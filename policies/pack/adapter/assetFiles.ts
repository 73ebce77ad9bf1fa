import fs from "node:fs";
import path from "node:path";

/** Most bytes of one asset or archive that are read for judging; more is refused unread. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_FILES = 500;

/** Every file below a place, the place itself when it is one. */
function filesBelow(place: string): string[] {
  const stat = fs.statSync(place);
  if (!stat.isDirectory()) return stat.isFile() ? [place] : [];
  return fs.readdirSync(place).flatMap((entry) => filesBelow(path.join(place, entry)));
}

/**
 * Contents of the files an asset or archive names, in base64: relative to the project, which is the folder above
 * the pack, and to the working directory. Undefined when they cannot be read whole.
 */
export function readFiles(name: string): Readonly<Record<string, string>> | undefined {
  const places = [path.resolve(path.dirname(process.cwd()), name), path.resolve(name)];
  try {
    const files = [...new Set(places)].filter((place) => fs.existsSync(place)).flatMap(filesBelow);
    const sizes = files.map((file) => fs.statSync(file).size);
    if (files.length === 0 || files.length > MAX_FILES) return undefined;
    if (sizes.reduce((total, size) => total + size, 0) > MAX_BYTES) return undefined;
    return Object.fromEntries(
      files.map((file, index) => [`${index}/${path.basename(file)}`, fs.readFileSync(file, "base64")]),
    );
  } catch {
    return undefined;
  }
}
