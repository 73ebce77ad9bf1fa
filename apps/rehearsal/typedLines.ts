import readline from "node:readline";
import type { Readable } from "node:stream";

/**
 * Answers each line that is typed, until one is `quit` or the input ends. Nothing reads on afterwards: an input that stays open, as
 * a terminal does, would keep the process for ever.
 */
export async function answerLines(input: Readable, answer: (line: string) => Promise<void>): Promise<void> {
  for await (const text of readline.createInterface({ input })) {
    const line = text.trim();
    if (line === "quit") break;
    if (line) await answer(line);
  }
  input.destroy();
}
