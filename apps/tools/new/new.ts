import type { Command } from "commander";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { stackNames } from "../../../stacks/files";
import { newEnvironment } from "./environment";
import type { Made } from "./made";

const root = projectRoot(__dirname);

function say({ files, next }: Made): void {
  console.log(files.map((file) => `wrote ${file}`).join("\n"));
  console.log(`\nNext:\n${next.map((step) => `  ${step}`).join("\n")}`);
}

function commandLine(): Command {
  const program = createCommand(
    "new",
    "Makes the files of something new where they belong; the suite stays green.",
    { 0: "made", 2: "wrong usage, or what would be made is refused; nothing is left" },
  );
  program
    .command("environment <name>")
    .description(
      "a stack file with address ranges, names and hosts of its own, its expected plan, and the pages",
    )
    .requiredOption("--like <stack>", `stack whose sizes it takes: ${stackNames(root).join(", ")}`)
    .option("--short-name <name>", "2-4 letters of the name, part of every Azure name")
    .option("--subscription <id>", "its Azure subscription; made up when it is not given")
    .action(async (name: string, options: { like: string; shortName?: string; subscription?: string }) =>
      say(await newEnvironment(root, { name, ...options })),
    );
  return program;
}

export async function main(): Promise<void> {
  await runCommand(commandLine());
}
