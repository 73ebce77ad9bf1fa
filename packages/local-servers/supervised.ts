import { spawn, type ChildProcess } from "node:child_process";
import fs from "node:fs";
import type { Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import type { Account } from "../programs/postgres";
import { SUPERVISOR } from "../programs/supervisor";
import { waitFor } from "../programs/waiting";

export interface SupervisedOptions {
  /** Program and arguments. */
  command: string[];
  environment?: NodeJS.ProcessEnv;
  account?: Account | undefined;
  /** Signal that ends the server without waiting for anything it still does. */
  stopSignal: "QUIT" | "KILL";
  /** The server's folder, made by `temporaryDirectory`; deleted when the server has ended. */
  directory: string;
}

export interface Supervised {
  /** Process id of the server itself, as its supervisor recorded it. */
  pid: number;
  directory: string;
  /** Everything the server has printed so far. */
  output(): string;
  /** Resolves with the exit code once the server is gone and its folder deleted. */
  ended: Promise<number>;
  /** The same, for a caller who ends the server himself: this process lives until then. */
  gone(): Promise<number>;
  stop(): Promise<void>;
}

/** A new folder below the system's temporary folder, owned by `account`. */
export function temporaryDirectory(name: string, account?: Account): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `forma3d-${name}-`));
  if (account) fs.chownSync(directory, account.uid, account.gid);
  return directory;
}

/** Starts a server that cannot outlive this process and leaves no folder behind. */
export async function startSupervised(options: SupervisedOptions): Promise<Supervised> {
  const { directory, account, stopSignal } = options;
  const child = spawn("/bin/sh", ["-c", SUPERVISOR, "sh", stopSignal, directory, ...options.command], {
    cwd: directory,
    env: options.environment ?? process.env,
    // A session of its own: Ctrl-C in the terminal reaches us alone, and we stop the server in order.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    ...(account ?? {}),
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data: Buffer) => chunks.push(data.toString()));
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (code) => resolve(code ?? 1));
  });
  hold(child, "unref");
  const pid = await recordedPid(path.join(directory, "supervised.pid"), ended, () => chunks.join(""));
  return {
    pid,
    directory,
    output: () => chunks.join(""),
    ended,
    gone() {
      hold(child, "ref");
      return ended;
    },
    async stop() {
      hold(child, "ref");
      child.stdin?.end();
      await ended;
    },
  };
}

/**
 * Waits until a server that was started is ready.
 * @param look whether it is; anything but false, undefined and "" says so, and is returned
 * @throws Error with what the server said, when it has ended or takes longer than some seconds
 */
export async function whenReady<T>(
  name: string,
  { output, ended }: Pick<Supervised, "output" | "ended">,
  seconds: number,
  look: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  let code: number | undefined;
  void ended.then((value) => (code = value));
  const found = await waitFor(
    async () => {
      const seen = await look();
      if (!seen && code !== undefined)
        throw new Error(`${name} ended with exit code ${code}: ${output().trim()}`);
      return seen;
    },
    seconds,
    20,
  );
  if (!found) throw new Error(`${name} did not answer within ${seconds} s: ${output().trim()}`);
  return found;
}

/** A caller who forgets `stop()` must still be able to end: "unref" keeps the child from holding our event loop. */
function hold(child: ChildProcess, how: "ref" | "unref"): void {
  child[how]();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket | null)?.[how]();
}

async function recordedPid(file: string, ended: Promise<number>, output: () => string): Promise<number> {
  let code: number | undefined;
  void ended.then((value) => (code = value));
  for (;;) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim() : "";
    if (text) return Number(text);
    if (code !== undefined)
      throw new Error(`the server ended with exit code ${code} at once: ${output().trim()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
