import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { parseCommand } from "./commandLine";
import { CHECKED_TOOLS, KnownCommands } from "./knownCommands";
import { allPageCommands } from "./pageCommands";
import { readRunbooks } from "./runbook";

const FILE = "docs/runbooks/commands.json";

/** Flags a command's help lists; flags that only stand in an example do not count. */
function flagsIn(help: string): string[] {
  const listed = help
    .split("\n")
    .flatMap((line) => /^ +((?:-\w,? +)?--[A-Za-z][\w-]*(?:,? +--?[A-Za-z][\w-]*)*)/.exec(line)?.[1] ?? []);
  return [...new Set(listed.flatMap((text) => text.match(/--?[A-Za-z][\w-]*/g) ?? []))].sort();
}

function run(program: string, args: string[]): string | undefined {
  try {
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 1 << 24,
    });
  } catch {
    return undefined;
  }
}

/** How each tool is asked for the flags of a command; undefined when it knows no such command. */
const HELP: Record<(typeof CHECKED_TOOLS)[number], (words: string[]) => string | undefined> = {
  az: (words) => run("az", [...words, "--help"]),
  kubectl: (words) => {
    const own = run("kubectl", [...words, "--help"]);
    return own && `${own}\n${run("kubectl", ["options"]) ?? ""}`;
  },
  pulumi: (words) => run("pulumi", [...words, "--help"]),
  curl: () => run("curl", ["--help", "all"]),
};

const VERSION: Record<(typeof CHECKED_TOOLS)[number], () => string> = {
  az: () =>
    (JSON.parse(run("az", ["version", "--output", "json"]) ?? "{}") as Record<string, string>)["azure-cli"] ??
    "",
  kubectl: () => /v[\d.]+/.exec(run("kubectl", ["version", "--client"]) ?? "")?.[0] ?? "",
  pulumi: () => run("pulumi", ["version"])?.trim() ?? "",
  curl: () => /curl ([\d.]+)/.exec(run("curl", ["--version"]) ?? "")?.[1] ?? "",
};

/** Words of a call that name its command: for kubectl the verb and its kind, not the object. */
function nameWords(program: string, words: string[]): string[] {
  if (program === "kubectl")
    return words[0] === "rollout" || words[0] === "create" || words[0] === "top"
      ? words.slice(0, 2)
      : words.slice(0, 1);
  if (program === "pulumi")
    return ["config", "stack", "state"].includes(words[0] ?? "") ? words.slice(0, 2) : words.slice(0, 1);
  return program === "curl" ? [] : words;
}

/**
 * Reads the flags of every command in the runbooks, and in the pages people type commands from, from the tools on this machine and writes them down, so that the
 * tests can check the runbooks without the tools. Needs az, kubectl, pulumi and curl on PATH.
 */
function main(): void {
  const known: KnownCommands = { versions: {}, flags: {} };
  const root = process.cwd();
  const calls = [
    ...readRunbooks(root).flatMap((book) => [
      ...book.steps.map(({ command }) => command),
      book.rehearse.command,
    ]),
    ...allPageCommands(root).map(([, command]) => command),
  ]
    .filter((command): command is string => command !== undefined)
    .map((command) => parseCommand(command));
  for (const tool of CHECKED_TOOLS) {
    known.versions[tool] = VERSION[tool]();
    if (!known.versions[tool]) throw new Error(`${tool} is not on PATH`);
    const names = new Set(
      calls.filter(({ program }) => program === tool).map(({ words }) => nameWords(tool, words).join(" ")),
    );
    for (const name of [...names].sort()) {
      const help = HELP[tool](name === "" ? [] : name.split(" "));
      if (help === undefined) {
        console.error(`${tool} knows no command "${name}"`);
        process.exitCode = 1;
        continue;
      }
      known.flags[[tool, name].filter(Boolean).join(" ")] = flagsIn(help);
      console.log(
        `${tool} ${name}: ${known.flags[[tool, name].filter(Boolean).join(" ")]?.length ?? 0} flags`,
      );
    }
  }
  fs.writeFileSync(FILE, `${JSON.stringify(known, null, 1)}\n`);
}

main();
