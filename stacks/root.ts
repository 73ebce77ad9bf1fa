import fs from "node:fs";
import path from "node:path";

/** Folder of the project: the nearest above this file whose package.json names it. */
export function projectRoot(): string {
  for (let folder = __dirname; ; folder = path.dirname(folder)) {
    const file = path.join(folder, "package.json");
    if (fs.existsSync(file)) {
      const { name } = JSON.parse(fs.readFileSync(file, "utf8")) as { name?: string };
      if (name === "forma3d-platform") return folder;
    }
    if (folder === path.dirname(folder)) throw new Error(`no project above ${__dirname}`);
  }
}
