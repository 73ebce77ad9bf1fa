import { Command, CommanderError, Help, type Option } from "commander";
import { CommandError, ExitCode, messageOf } from "./errors";
import { write } from "./terminal";

/** What an option is for, as `--help` says it; whoever leaves out one that is required is told of one at a time. */
function optionDescription(option: Option): string {
  const words = new Help().optionDescription(option);
  return option.mandatory ? `${words} (required)` : words;
}

/**
 * A command line with what all of them have in common: unknown options and arguments end it with exit code 2 before
 * anything is done, and `--help` says what each exit code means.
 * @param exits meaning of each exit code it can end with, beside 2
 * @param notes what else `--help` says of the whole
 */
export function createCommand(
  name: string,
  description: string,
  exits: Readonly<Record<number, string>>,
  notes = "",
): Command {
  const codes = { [ExitCode.usage]: "wrong usage or settings; nothing was done", ...exits };
  const lines = Object.entries(codes).map(([code, meaning]) => `  ${code}  ${meaning}`);
  return new Command(name)
    .description(description)
    .exitOverride()
    .configureHelp({ optionDescription })
    .configureOutput({ writeOut: (text) => write(text), writeErr: (text) => write(text, process.stderr) })
    .allowExcessArguments(false)
    .showHelpAfterError("(add --help for usage)")
    .addHelpText("after", notes && `\n${notes}`)
    .addHelpText("afterAll", `\nExit codes:\n${lines.join("\n")}`);
}

/**
 * Runs a command line and sets the exit code: 0 for help, 2 for wrong usage, that of a {@link CommandError}, and 1 for
 * any other error. Errors are one message on standard error, never a stack trace unless the variable `DEBUG` is set; with
 * `--json` standard output gets `{ "error": { "message", "exitCode" } }` as its one document.
 */
export async function runCommand(
  program: Command,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // `… | head`: whoever read the output has enough of it; what came of the work stays what it is.
    if (error.code === "EPIPE") process.exit();
    write(`error: standard output cannot be written: ${messageOf(error)}\n`, process.stderr);
    process.exit(ExitCode.failed);
  });
  // Nobody hears any more what is told, e.g. behind `… 2>&1 | tee file`: what was begun goes on all the same.
  process.stderr.on("error", () => undefined);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong. Asking for help is no mistake; everything else it ends with is one.
      const asked = error.code === "commander.helpDisplayed" || error.code === "commander.version";
      process.exitCode = asked ? ExitCode.ok : ExitCode.usage;
      if (!asked && args.includes("--json"))
        document({ message: error.message.replace(/^error: /, ""), exitCode: ExitCode.usage });
    } else {
      process.exitCode = report(error, args.includes("--json"));
    }
  }
}

function report(error: unknown, asDocument: boolean): ExitCode {
  const known = error instanceof CommandError;
  const exitCode = known ? error.exitCode : ExitCode.failed;
  const message = known ? error.message : messageOf(error);
  const trace = process.env["DEBUG"] && error instanceof Error ? `\n${error.stack ?? ""}` : "";
  write(`error: ${message}${trace}\n`, process.stderr);
  if (asDocument) document({ message, exitCode });
  return exitCode;
}

function document(error: { message: string; exitCode: ExitCode }): void {
  process.stdout.write(`${JSON.stringify({ error }, null, 2)}\n`);
}
