import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { FailedError } from "../../packages/command/errors";

const KEPT_STDERR = 64 * 1024;
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE"];

export interface RunningProgram {
  child: ChildProcess;
  /** Resolves when the program has ended and its streams are closed; never rejects. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: Error }>;
  /** The last 64 KiB it wrote to standard error. */
  stderr(): string;
}

/** Our own environment holds secrets a child has no need for: it gets a few variables and what it is given. */
export function childEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  return { ...Object.fromEntries(kept), ...extra };
}

/**
 * Starts a program without a shell; it is killed when the signal aborts, and what it still had to say is not waited
 * for: a stream that nobody reads any more would never close.
 */
export function startProgram(
  file: string,
  args: readonly string[],
  options: SpawnOptions & { signal: AbortSignal; onStderr?: (text: string) => void },
): RunningProgram {
  const { signal, onStderr, ...rest } = options;
  const child = spawn(file, args, { env: childEnvironment(), ...rest });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-KEPT_STDERR);
    onStderr?.(text);
  });
  const kill = () => {
    child.kill("SIGKILL");
    child.stdout?.destroy();
  };
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  let failure: Error | undefined;
  child.once("error", (error) => (failure = error));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: Error }>(
    (resolve) => {
      const end = (code: number | null, by: NodeJS.Signals | null) => {
        signal.removeEventListener("abort", kill);
        resolve({ code, signal: by, error: failure });
      };
      child.once("close", end);
      // A program that could not be started has no streams to close.
      child.once("error", () => child.pid === undefined && end(null, null));
    },
  );
  return { child, ended, stderr: () => stderr };
}

/** A pooler hands one session to many, and passes on no settings: nothing here can work through it. */
const POOLED = "this is a connection pooler (PgBouncer); give the server's own port, 5432 on Azure";

/** What a server said, with what is probably the matter where that is known. */
export const withHint = (text: string): string =>
  /unsupported startup parameter/.test(text) ? `${text}; ${POOLED}` : text;

/** What pg_dump and pg_restore add when a process of theirs has said why it ended. */
const FOLLOWS = /a worker process died unexpectedly$/;

/** What a program complained about last, on one line. Warnings and details stay out when there is an error. */
export function complaint(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const errors = lines.filter((line) => /\b(error|fatal|panic)\b/i.test(line));
  const causes = errors.filter((line) => !FOLLOWS.test(line));
  const said = [causes, errors, lines.slice(-1)].find((some) => some.length > 0) ?? [];
  const text = said.slice(0, 2).join("; ").slice(0, 600);
  return withHint(text);
}

/**
 * Waits for a program and fails unless it ended with exit code 0. What it wrote to standard error alone never
 * makes it fail: warnings go there too.
 */
export async function succeed(program: RunningProgram, name: string): Promise<void> {
  const { code, signal, error } = await program.ended;
  if (error) throw new FailedError(`${name} could not be started: ${error.message}`);
  if (code !== 0) throw new FailedError(`${name} ${endOf(code, signal)}${because(program)}`);
}

/** How a program ended, for a message that begins with its name. */
export function endOf(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ? `was ended by ${signal}` : `failed with exit code ${String(code)}`;
}

export const because = (program: RunningProgram) =>
  program.stderr() ? `: ${complaint(program.stderr())}` : "";
