import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./names";

const FOUND = path.join(ROOT, ".build/reviewed");

/** A file of `test/policies/expected`, in which somebody has looked at every line. */
export const reviewed = (file: string): string =>
  fs.readFileSync(path.join(ROOT, "test/policies/expected", file), "utf8");

/**
 * Leaves what a test found instead in `.build/reviewed`, to be compared with the file, and put in its place by whoever
 * meant the change.
 */
export function leaveFound(file: string, found: string): void {
  fs.mkdirSync(FOUND, { recursive: true });
  fs.writeFileSync(path.join(FOUND, file), found);
}
