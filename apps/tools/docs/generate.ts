import path from "node:path";
import { writeAll } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { pages } from "./pages";
import { during, print } from "../../../packages/command/terminal";

async function write(): Promise<void> {
  const root = projectRoot(__dirname);
  const all = pages(root);
  const files = all.map(({ file, render }) => ({ file: path.join(root, file), render }));
  const changed = await during("planning every stack and writing the pages ...", () => writeAll(files));
  for (const file of changed) print(`wrote ${path.relative(root, file)}`);
  print(`${all.length} pages, ${changed.length} of them changed`);
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("docs", "Writes every page that is generated from the program, or none of them.", {
      0: "written",
      1: "a page cannot be made, e.g. for want of a price",
    }).action(write),
  );
}
