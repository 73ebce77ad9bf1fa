import { ExitCode, failed, messageOf, OperationError } from "./errors";
import { write } from "../../../packages/command/terminal";
import { stopwatch } from "../../../packages/programs/waiting";

/** Column at which what is said begins, behind the seconds. */
const SAID_AT = 10;
/** What is to be typed as it stands: fitted to a terminal it would be two commands. */
const COMMAND = /^ {2}(git|npm) /;

/** Says a text of one or more lines on standard error, with the seconds before its first. */
function tell(text: string, elapsed: () => string): void {
  text.split("\n").forEach((line, index) => {
    if (COMMAND.test(line)) process.stderr.write(`${line}\n`);
    else write(`${index === 0 ? elapsed() : ""}`.padEnd(SAID_AT) + `${line}\n`, process.stderr, SAID_AT);
  });
}

/** Prints the document of some work, or its error, and sets the exit code. */
export async function answering(
  { json }: { json?: boolean },
  work: (say: (line: string) => void, signal: AbortSignal) => Promise<object>,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () =>
      stop.abort(failed(`interrupted by ${signal}; type the same command again to go on`)),
    );
  const seconds = stopwatch();
  const elapsed = () => `${seconds().toFixed(1).padStart(6)} s`;
  let document: object;
  try {
    process.exitCode = ExitCode.ok;
    document = await work((text) => tell(text, elapsed), stop.signal);
  } catch (error) {
    const exitCode = error instanceof OperationError ? error.exitCode : ExitCode.failed;
    for (const line of messageOf(error).split("\n")) write(`error: ${line}\n`, process.stderr);
    document = { error: { message: messageOf(error), exitCode } };
    process.exitCode = exitCode;
  }
  if (json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
