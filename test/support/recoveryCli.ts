import { spawn } from "node:child_process";
import path from "node:path";
import { CommanderError } from "commander";
import { buildProgram } from "../../apps/recovery/cli";

export const root = path.resolve(__dirname, "../..");

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Only what a program needs to run: no setting of the caller's shell may leak into a test. */
export function cleanEnvironment(extra: Record<string, string | undefined>): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, POSTGRES_PROGRAMS } = process.env;
  return { PATH, HOME, TMPDIR, POSTGRES_PROGRAMS, ...extra };
}

/** Runs a verb of the recovery runner the way a user does, and waits for its end. */
export async function recovery(args: string[], env: Record<string, string | undefined>): Promise<CliRun> {
  return run(["packages/command/run.mjs", "apps/recovery/cli.ts", ...args], env);
}

/**
 * The same in this process, where the process itself is not what is tried: most of a short run is the start of one. What
 * the command line refuses before a verb begins, and a PATH of its own, need a process.
 */
export async function verb(args: string[], env: Record<string, string | undefined>): Promise<CliRun> {
  if (env.PATH !== undefined) throw new Error("a program of its own is found by a process of its own");
  const started = Date.now();
  let stdout = "";
  let stderr = "";
  const code = await new Promise<number>((end, fail) => {
    const around = {
      env: cleanEnvironment(env),
      out: { write: (text: string, written: () => void) => ((stdout += text), written()) },
      err: { write: (text: string) => (stderr += text) },
      end,
    };
    buildProgram(around)
      .parseAsync(args, { from: "user" })
      .catch((error: unknown) =>
        fail(error instanceof CommanderError ? new Error(`use a process: ${error.message}`) : error),
      );
  });
  return { code, stdout, stderr, seconds: (Date.now() - started) / 1000 };
}

export async function run(args: string[], env: Record<string, string | undefined>): Promise<CliRun> {
  const started = Date.now();
  const child = spawn(process.execPath, args, { cwd: root, env: cleanEnvironment(env) });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr, seconds: (Date.now() - started) / 1000 };
}
