import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { projectRoot } from "../../packages/command/root";

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs commands one after another in one process beside this one, where the process is not what is tried: most of a short
 * command is the start of one. None of them may end the process by itself.
 * @param lines each an entry, such as `apps/gates/cli.ts`, and words
 */
export async function oneByOne(
  lines: readonly (readonly string[])[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["test/support/commandLines.mjs", JSON.stringify(lines)],
    { cwd: projectRoot(__dirname), env, maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Ended);
}
