import fs from "node:fs";
import path from "node:path";

/** Folder of this project, found from any folder inside it: the one whose package.json has the project's name. */
export function projectRoot(from: string): string {
  const file = path.join(from, "package.json");
  if (
    fs.existsSync(file) &&
    (JSON.parse(fs.readFileSync(file, "utf8")) as { name?: string }).name === "forma3d-platform"
  ) {
    return from;
  }
  const parent = path.dirname(from);
  if (parent === from) throw new Error("the project's package.json (forma3d-platform) was not found");
  return projectRoot(parent);
}
