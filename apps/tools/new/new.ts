import { Command, CommanderError } from "commander";
import { RecoveryError } from "../../../packages/command/errors";
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
  const program = new Command("new")
    .description("Makes the files of something new where they belong; the suite stays green.")
    .exitOverride()
    .addHelpText(
      "after",
      "\nExit codes:\n  0  made\n  2  wrong usage, or what would be made is refused; nothing is left\n",
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

commandLine()
  .parseAsync()
  .catch((error: unknown) => {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else if (error instanceof RecoveryError) {
      console.error(error.message);
      process.exitCode = error.exitCode;
    } else throw error;
  });
