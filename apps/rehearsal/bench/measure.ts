import { InvalidArgumentError } from "commander";
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

export interface Measured {
  seconds: number;
  /** Peak resident memory of the largest process of the tree, in bytes; 0 where there is no /proc. */
  peakBytes: number;
  /** Which process that was. */
  peakProcess: string;
  stdout: string;
}

const SAMPLE_MS = 50;

/**
 * Arguments of Node.js in a script of package.json, so that what is measured is what a user runs.
 * @throws Error when there is no such script, or it starts another program
 */
export function scriptArguments(root: string, script: string): string[] {
  const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const [program, ...args] = scripts[script]?.split(" ") ?? [];
  if (program !== "node") throw new Error(`package.json: script ${script} does not start node`);
  return args;
}

/** Runs a program, its children included, and measures how long it takes and how large its processes get. */
export async function measure(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdin: StdioOptions = ["ignore", "pipe", "pipe"],
): Promise<Measured> {
  const started = process.hrtime.bigint();
  const child = spawn(file, args, { env, stdio: stdin });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (stderr = (stderr + data.toString()).slice(-4_000)));
  const peaks = new Map<string, number>();
  const timer = setInterval(() => sample(child, peaks), SAMPLE_MS);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearInterval(timer);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (code !== 0)
    throw new Error(`${file} ${args.join(" ")} ended with exit code ${String(code)}: ${stderr}`);
  const [peakProcess, peakBytes] = [...peaks].sort((one, other) => other[1] - one[1])[0] ?? ["", 0];
  return { seconds, peakBytes, peakProcess, stdout };
}

function sample(child: ChildProcess, peaks: Map<string, number>): void {
  if (child.pid === undefined) return;
  for (const pid of tree(child.pid)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const name = /^Name:\s+(.+)$/m.exec(status)?.[1] ?? "";
      const bytes = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
      peaks.set(name, Math.max(peaks.get(name) ?? 0, bytes));
    } catch {
      // It ended between being listed and being read.
    }
  }
}

function tree(root: number): number[] {
  const found = [root];
  for (let index = 0; index < found.length; index += 1) {
    try {
      for (const task of readdirSync(`/proc/${String(found[index])}/task`)) {
        const children = readFileSync(`/proc/${String(found[index])}/task/${task}/children`, "utf8");
        found.push(...children.split(" ").filter(Boolean).map(Number));
      }
    } catch {
      // No /proc here, or the process is gone.
    }
  }
  return found;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Parser of an option that is a whole number of at least `minimum`. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= minimum) return Number(text);
    throw new InvalidArgumentError(`expected a whole number of at least ${minimum}`);
  };
}

/** Parses an option that is a list of whole numbers of at least 1, separated by commas. */
export const wholeNumbers = (text: string): number[] => text.split(",").map(wholeNumber(1));
