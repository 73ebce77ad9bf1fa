import { parse, type ParseEntry } from "shell-quote";

/** One program call of a runbook's command, taken apart. */
export interface CommandLine {
  program: string;
  /** Words before the first flag: the command's own name and its plain arguments. */
  words: string[];
  /** Long and short flags, without their values. */
  flags: string[];
  /** Names of the shell variables it uses. */
  variables: string[];
}

/** Marks a variable in a parsed word, so that it survives the parsing. */
const VARIABLE = /\$(?:\{)?([A-Z][A-Z0-9_]*)\}?/g;

/**
 * Takes a command apart as a POSIX shell would.
 * @throws Error for a pipe or another operator: a step is one command.
 */
export function parseCommand(command: string): CommandLine {
  const variables = [...new Set([...command.matchAll(VARIABLE)].map(([, name]) => name as string))];
  const words = parse(command.replaceAll(/\$\([^)]*\)/g, "substituted"), (name) => `$${name}`).map(
    (entry: ParseEntry) => {
      if (typeof entry === "string") return entry;
      if ("op" in entry && entry.op === "glob") return entry.pattern;
      throw new Error(`is not one command: ${JSON.stringify(entry)}`);
    },
  );
  const [program = "", ...rest] = words;
  const separator = rest.indexOf("--");
  // What comes after `--` belongs to the program that is called, not to the one that calls.
  const own = separator === -1 || program === "npm" ? rest : rest.slice(0, separator);
  const firstFlag = own.findIndex((word) => word.startsWith("-"));
  return {
    program,
    words: firstFlag === -1 ? own : own.slice(0, firstFlag),
    flags: own.filter((word) => /^--?[A-Za-z]/.test(word)).map((word) => word.split("=")[0] as string),
    variables,
  };
}
