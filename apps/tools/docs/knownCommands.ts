import { parseCommand } from "./commandLine";

/** Flags of the commands the runbooks use, as the real tools list them. */
export interface KnownCommands {
  /** Tool and version the flags were read from. */
  versions: Record<string, string>;
  /** Flags by command, e.g. `az keyvault recover`. */
  flags: Record<string, string[]>;
}

/** Flags every command of a tool takes. */
const GLOBAL_FLAGS: Record<string, string[]> = {
  az: ["--output", "--query", "--subscription", "--only-show-errors", "--verbose", "--debug", "--help"],
};

/** Tools whose flags are checked against what the tool itself lists. */
export const CHECKED_TOOLS = ["az", "kubectl", "pulumi", "curl"] as const;

/** The longest known command a call begins with. */
function commandName(command: string, known: Iterable<string>): string | undefined {
  const { program, words } = parseCommand(command);
  const names = new Set(known);
  for (let length = words.length; length >= 0; length -= 1) {
    const name = [program, ...words.slice(0, length)].join(" ");
    if (names.has(name)) return name;
  }
  return undefined;
}

/** What is wrong with a call of a checked tool; empty when the tool knows command and flags. */
export function commandProblems(command: string, known: KnownCommands): string[] {
  const { program, flags } = parseCommand(command);
  const name = commandName(command, Object.keys(known.flags));
  if (!name) return [`${program} knows no such command: ${command}`];
  const allowed = new Set([...(known.flags[name] ?? []), ...(GLOBAL_FLAGS[program] ?? [])]);
  return flags.filter((flag) => !allowed.has(flag)).map((flag) => `${name} knows no ${flag}`);
}
