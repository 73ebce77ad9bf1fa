import type { RunContext } from "./context";
import { ExitCode, messageOf, CommandError, FailedError } from "../../packages/command/errors";
import { notifyFailure } from "./notify";
import { publishOutcome } from "./outcome";
import { createProgress } from "./progress";
import { redact } from "./redact";
import { loadSettings, type Need, type Settings } from "./settings";
import { columnsOf, fitted, write, type Out } from "../../packages/command/terminal";
import { stopwatch } from "../../packages/programs/waiting";

/** What a verb hands back: a document for `--json`, lines for a person, and how it went. */
export interface Outcome {
  document: unknown;
  /** Printed one by one as one JSON array in the place of `document`; gives the exit code when all are printed. */
  documents?: AsyncGenerator<object, ExitCode>;
  text: string;
  exitCode: ExitCode;
  /** What a webhook is told, also of a run that succeeded; default: that it failed. */
  problem?: string;
}

/** What a run takes from the process around it, and leaves there. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** Gets the result, and nothing else. */
  out: Omit<Out, "write"> & { write(text: string, written: () => void): unknown };
  err: Out;
  /** Called last, once the result is written. */
  end(code: ExitCode): void;
}

const OF_PROCESS: Surroundings = {
  env: process.env,
  out: process.stdout,
  err: process.stderr,
  end: (code) => process.exit(code),
};

/** Time an interrupted run has for ending its children and giving its lease back. */
const GRACE_MS = 20_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs one verb from the command line: settings, Ctrl-C, output, exit code. With `json` stdout gets exactly one
 * JSON document, on failure too; everything else goes to stderr. With `environment` that stands for the setting.
 */
export type RunVerb = (
  verb: string,
  options: { json?: boolean; environment?: string },
  needs: readonly Need[],
  work: (settings: Settings, context: RunContext) => Promise<Outcome>,
) => Promise<void>;

/** What runs verbs in some surroundings. */
export function verbRunner(around = OF_PROCESS): RunVerb {
  return (verb, options, needs, work) => runVerb(around, verb, options, needs, work);
}

async function runVerb(
  { env: given, out, err, end }: Surroundings,
  ...[verb, options, needs, work]: Parameters<RunVerb>
): Promise<void> {
  const env = { ...given, ...(options.environment && { ENVIRONMENT: options.environment }) };
  const seconds = stopwatch();
  const progress = createProgress(err);
  const stop = new AbortController();
  const interrupt = (signal: string) =>
    stop.abort(new FailedError(`interrupted by ${signal}; nothing was committed`));
  for (const signal of SIGNALS) process.once(signal, interrupt);
  let outcome: Outcome;
  try {
    const settings = loadSettings(env, needs);
    const running = work(settings, { progress, signal: stop.signal, now: () => new Date() });
    outcome = await Promise.race([running, patience(stop.signal)]);
    if (outcome.documents)
      outcome.exitCode = await Promise.race([writeArray(out, outcome.documents), patience(stop.signal)]);
  } catch (thrown) {
    progress.done(stop.signal.aborted ? "interrupted" : "failed");
    outcome = failure(stop.signal.aborted ? stop.signal.reason : thrown);
    for (const line of outcome.text.split("\n")) write(`error: ${redact(line)}\n`, err);
    outcome.text = "";
  }
  const run = {
    verb,
    exitCode: outcome.exitCode,
    endedAt: new Date(),
    seconds: seconds(),
  };
  await publishOutcome(env, run, progress.note);
  const failed = outcome.exitCode === ExitCode.ok ? undefined : `failed with exit code ${outcome.exitCode}`;
  await notifyFailure(env, run, outcome.problem ?? failed, progress.note);
  const printed = outcome.documents
    ? ""
    : options.json
      ? `${JSON.stringify(outcome.document, null, 2)}\n`
      : outcome.text;
  const seen = out.isTTY === true && !options.json;
  const text = seen ? fitted(redact(printed), columnsOf(out)) : redact(printed);
  out.write(text, () => {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    end(outcome.exitCode);
  });
}

/** Writes documents as one JSON array, holding one at a time. @returns what they end with */
async function writeArray<T>(out: Surroundings["out"], documents: AsyncGenerator<object, T>): Promise<T> {
  const put = (text: string) => new Promise<void>((resolve) => out.write(redact(text), resolve));
  let before = "[\n";
  for (;;) {
    const next = await documents.next();
    if (next.done) {
      await put(before === "[\n" ? "[]\n" : "\n]\n");
      return next.value;
    }
    await put(before + JSON.stringify(next.value, null, 2).replace(/^/gm, "  "));
    before = ",\n";
  }
}

/** Rejects when an interrupted run has not ended in time: a peer that never answers must not keep it alive. */
function patience(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const wait = () => setTimeout(() => reject(signal.reason), GRACE_MS).unref();
    signal.addEventListener("abort", wait, { once: true });
  });
}

function failure(thrown: unknown): Outcome {
  const exitCode = thrown instanceof CommandError ? thrown.exitCode : ExitCode.failed;
  const message = thrown instanceof CommandError ? thrown.message : messageOf(thrown);
  const kind = thrown instanceof CommandError ? thrown.name : "UnexpectedError";
  return {
    exitCode,
    text: message,
    problem: message.replaceAll("\n", "; "),
    document: { error: { kind, message: redact(message), exitCode } },
  };
}

/** Columns as wide as their widest cell. */
export function table(header: string[], rows: string[][]): string {
  const widths = header.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return `${[header, ...rows].map(line).join("\n")}\n`;
}
