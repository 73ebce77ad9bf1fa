import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export const NOTHING: { files: string[]; processes: string[] } = { files: [], processes: [] };

/** A temporary folder of its own shows what a run leaves behind. */
export function ownTemporaryFolder(): { folder: string; leftovers(): typeof NOTHING } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "drill-test-"));
  fs.chmodSync(folder, 0o777);
  return {
    folder,
    leftovers: () => ({
      files: fs.readdirSync(folder),
      processes: execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
        .split("\n")
        .filter((line) => line.includes(folder)),
    }),
  };
}
