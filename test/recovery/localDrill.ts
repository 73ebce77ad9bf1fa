import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ownTemporaryFolder } from "../support/leftovers";
import { run, type CliRun } from "../support/recoveryCli";

/** Folders of one test of `npm run drill`. */
export interface LocalDrill {
  /** Its temporary folder, which shows what a run leaves behind. */
  temporary: ReturnType<typeof ownTemporaryFolder>;
  /** Where its reports go. */
  out: string;
  run(...args: string[]): Promise<CliRun>;
}

/** `npm run drill` for the tests of a block, with folders of its own for each: filled in before the test, deleted after it. */
export function localDrill(): LocalDrill {
  const drill = {
    run: (...args: string[]) =>
      run(
        [
          "packages/command/run.mjs",
          "apps/rehearsal/drill.ts",
          "--orders",
          "3000",
          "--out",
          drill.out,
          ...args,
        ],
        {
          TMPDIR: drill.temporary.folder,
          // Of a real environment: a drill on this machine must not even look at it.
          DATABASE_URL: "postgresql://app:never-used@prod.example.com/forma3d",
          BACKUP_STORE_URL: "https://prod.blob.core.windows.net",
          ENVIRONMENT: "prod",
        },
      ),
  } as LocalDrill;
  beforeEach(() => {
    drill.temporary = ownTemporaryFolder();
    drill.out = fs.mkdtempSync(path.join(os.tmpdir(), "drill-out-"));
  });
  afterEach(() => {
    for (const folder of [drill.temporary.folder, drill.out])
      fs.rmSync(folder, { recursive: true, force: true });
  });
  return drill;
}
