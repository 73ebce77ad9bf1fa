import { spawn } from "node:child_process";
import path from "node:path";

export const root = path.resolve(__dirname, "../..");

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Only what a program needs to run: no setting of the caller's shell may leak into a test. */
export function cleanEnvironment(extra: Record<string, string | undefined>): NodeJS.ProcessEnv {
  const { PATH, HOME, POSTGRES_PROGRAMS } = process.env;
  return { PATH, HOME, POSTGRES_PROGRAMS, ...extra };
}

/** Runs a verb of the recovery runner the way a user does, and waits for its end. */
export async function recovery(args: string[], env: Record<string, string | undefined>): Promise<CliRun> {
  return run(["packages/command/run.mjs", "apps/recovery/cli.ts", ...args], env);
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
