import fs from "node:fs";
import path from "node:path";
import { parse, quote } from "shell-quote";
import { CHECKED_TOOLS } from "./knownCommands";

/** Pages whose commands people type as they stand. */
export const COMMAND_PAGES = ["docs/deploying.md", "docs/operating.md", "docs/changing.md"] as const;

/** A command in parentheses after a dollar sign, itself with parentheses at most. */
const SUBSTITUTION = /\$\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/;

/** Commands of one line of a script, without what the shell itself does: loops, pipes, substitutions. */
function commandsOf(line: string): string[] {
  const inner: string[] = [];
  let rest = line;
  for (let found = SUBSTITUTION.exec(rest); found; found = SUBSTITUTION.exec(rest)) {
    inner.push(...commandsOf(found[1] ?? ""));
    rest = rest.replace(found[0], "substituted");
  }
  const calls: string[][] = [[]];
  for (const entry of parse(rest, (name) => `$${name}`)) {
    if (typeof entry === "string") calls.at(-1)?.push(entry);
    else if ("op" in entry && entry.op === "glob") calls.at(-1)?.push(entry.pattern);
    else calls.push([]);
  }
  const own = calls.flatMap((words) => {
    // What stands before the program: `do`, `[ … ] ||`, an assignment, an `export`.
    const start = words.findIndex(
      (word) => /^[a-z][\w-]*$/.test(word) && !/^(do|then|else|export)$/.test(word),
    );
    const call = start === -1 ? [] : words.slice(start);
    return call.length > 0 ? [quote(call).replaceAll("\\$", "$")] : [];
  });
  return [...inner, ...own];
}

/** Every command in a page's `bash` blocks, and every one in its text that begins with a tool that is checked. */
export function pageCommands(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^ *```bash\n([\s\S]*?)^ *```/gm)].map(([, text = ""]) => text);
  const scripts = blocks.flatMap((text) =>
    text
      .replaceAll(/\\\n\s*/g, "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#")),
  );
  const prose = markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
  const spoken = [...prose.matchAll(/`([^`\n]+)`/g)]
    .map(([, text = ""]) => text)
    .filter((text) => CHECKED_TOOLS.some((tool) => text.startsWith(`${tool} `)) && / -/.test(text));
  return [...scripts, ...spoken].flatMap(commandsOf);
}

/** Commands of all such pages, by page. */
export function allPageCommands(root: string): [string, string][] {
  return COMMAND_PAGES.flatMap((page) =>
    pageCommands(fs.readFileSync(path.join(root, page), "utf8")).map((command): [string, string] => [
      page,
      command,
    ]),
  );
}
