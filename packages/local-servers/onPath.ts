import fs from "node:fs";
import path from "node:path";

/**
 * Finds a program by its name, or the first of several.
 * @param others folders that are looked into after those of PATH
 * @returns its file; undefined where there is none
 */
export function onPath(
  names: string | readonly string[],
  others: readonly string[] = [],
): string | undefined {
  return [...(process.env.PATH ?? "").split(path.delimiter), ...others]
    .filter((folder) => path.isAbsolute(folder))
    .flatMap((folder) => [names].flat().map((name) => path.join(folder, name)))
    .find((file) => fs.existsSync(file) && fs.statSync(file).isFile());
}
