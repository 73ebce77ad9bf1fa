import readline from "node:readline/promises";
import { Writable } from "node:stream";

/**
 * Asks a person at the terminal.
 * @param hidden whether what is typed is not shown
 * @returns undefined for whoever left by Ctrl-C or Ctrl-D, or was interrupted
 */
export async function prompt(
  question: string,
  signal?: AbortSignal,
  { hidden = false }: { hidden?: boolean } = {},
): Promise<string | undefined> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = readline.createInterface({
    input: process.stdin,
    output: hidden ? silent : process.stderr,
    ...(hidden && { terminal: true }),
  });
  const closed = new AbortController();
  lines.once("close", () => closed.abort());
  if (hidden) process.stderr.write(question);
  try {
    const either = AbortSignal.any([...(signal ? [signal] : []), closed.signal]);
    const typed = await lines.question(hidden ? "" : question, { signal: either });
    if (hidden) process.stderr.write("\n");
    return typed;
  } catch {
    process.stderr.write("\n");
    return undefined;
  } finally {
    lines.close();
  }
}
