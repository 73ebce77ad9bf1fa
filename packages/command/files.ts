import fs from "node:fs";
import path from "node:path";
import { messageOf, UsageError } from "./errors";

/**
 * Writes a file as a whole or not at all; its folder is made.
 * @throws UsageError when it cannot be written
 */
export function writeFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    fs.writeFileSync(draft, text);
    fs.renameSync(draft, file);
  } catch (error) {
    removeDraft(draft);
    throw new UsageError(`${file}: cannot be written: ${messageOf(error)}`);
  }
}

/** What cannot be removed either was never written. */
function removeDraft(draft: string): void {
  try {
    fs.rmSync(draft, { force: true });
  } catch {
    // The reason the file could not be written is the one to tell.
  }
}

/**
 * Writes several files when all of them are made: what cannot be made leaves every one as it was.
 * @returns those that are not as they were, in order
 */
export async function writeAll(
  files: readonly { readonly file: string; render(): string | Promise<string> }[],
): Promise<string[]> {
  const texts: string[] = [];
  for (const { render } of files) texts.push(await render());
  const changed = files.flatMap(({ file }, i) => {
    const text = texts[i] ?? "";
    return fs.existsSync(file) && fs.readFileSync(file, "utf8") === text ? [] : [{ file, text }];
  });
  for (const { file, text } of changed) writeFile(file, text);
  return changed.map(({ file }) => file);
}
