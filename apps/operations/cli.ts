import os from "node:os";
import path from "node:path";
import { DefaultAzureCredential } from "@azure/identity";
import { ContainerClient } from "@azure/storage-blob";
import { type Command, InvalidArgumentError } from "commander";
import { ExitCode, failed, messageOf, OperationError } from "./frame/errors";
import { blobCopy } from "./frame/journal";
import { takeBlobLease } from "./frame/lease";
import { operate, terminal, type FrameOptions, type Surroundings } from "./frame/operate";
import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { failover } from "./failover";
import { regionsOf } from "./failover/assess";
import { groundOf, SETTING_HELP } from "./ground";
import { platformOf } from "./platform";

interface CommonOptions {
  dryRun?: boolean;
  yes?: boolean;
  incident?: string;
  since?: Date;
  json?: boolean;
  journal: string;
  lease: boolean;
}

interface FailoverOptions extends CommonOptions {
  to: string;
  planned?: boolean;
  forced?: boolean;
  acceptLoss?: number;
}

const ROOT = projectRoot(__dirname);
const EXITS = {
  0: "done, and every postcondition was asked for and held",
  1: "a step failed, or was interrupted: type the same command again",
  2: "wrong usage, or refused: nothing was changed",
  3: "something needed could not be asked: nothing was changed",
  4: "another run holds the lease",
};

const SETTINGS = `\
Settings, from the environment:
${Object.entries(SETTING_HELP)
  .map(([name, meaning]) => `  ${name.padEnd(27)} ${meaning}`)
  .join("\n")}`;

/** A moment with its time zone: without one, two operators read two moments. */
function moment(text: string): Date {
  const zoned = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const value = new Date(text);
  if (!zoned || Number.isNaN(value.getTime()))
    throw new InvalidArgumentError("must be a moment with its zone, e.g. 2026-11-30T03:12:00Z.");
  return value;
}

function wholeSeconds(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError("must be a whole number of seconds.");
  return Number(text);
}

/** What every verb that changes something has. */
function common(command: Command): Command {
  return command
    .argument("<stack>", "environment, by its stack file")
    .option("--dry-run", "tell the plan and stop")
    .option("--yes", "do not ask; needs --incident")
    .option("--incident <id>", "name of the incident; the same one goes on where a run stopped")
    .option("--since <moment>", "when the alert came: the recovery time counts from there", moment)
    .option(
      "--journal <folder>",
      "where journals, leases and reports are kept",
      path.join(os.homedir(), ".forma3d", "operations"),
    )
    .option("--no-lease", "go on without the lease of the incident store")
    .option("--json", "print one JSON document on standard output");
}

export function buildProgram(): Command {
  const program = createCommand(
    "operations",
    "Runs the platform in a disaster: plan first, then one typed name.",
    EXITS,
    SETTINGS,
  );
  common(program.command("failover"))
    .description("Makes another region serve; the same command brings it back.")
    .requiredOption("--to <region>", "region that is to serve, e.g. northeurope")
    .option("--planned", "only while the other region answers; loses nothing")
    .option("--forced", "at once; what the replica lacks is lost")
    .option("--accept-loss <seconds>", "go on although more than the objective would be lost", wholeSeconds)
    .addHelpText("after", `\n${SETTINGS}`)
    .action(async (stack: string, options: FailoverOptions) => {
      if (options.planned && options.forced)
        throw new OperationError(ExitCode.usage, "--planned and --forced exclude each other");
      const mode = options.planned ? "planned" : options.forced ? "forced" : undefined;
      await runVerb(options, async (around) => {
        const platform = platformOf(ROOT, stack);
        regionsOf(platform, options.to);
        const ground = await groundOf(platform, process.env);
        const { to, acceptLoss } = options;
        return operate(failover(platform, ground, { to, mode, acceptLoss }), frameOf(options), around);
      });
    });
  return program;
}

const frameOf = ({ dryRun, yes, incident, since }: CommonOptions): FrameOptions => ({
  dryRun,
  yes,
  incident,
  since,
});

async function runVerb(
  options: CommonOptions,
  work: (around: Surroundings) => Promise<object>,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () =>
      stop.abort(failed(`interrupted by ${signal}; type the same command again to go on`)),
    );
  const started = Date.now();
  const elapsed = () => `${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s`;
  let document: object;
  try {
    document = await work({
      now: () => new Date(),
      signal: stop.signal,
      say: (line) => process.stderr.write(`${elapsed()}  ${line}\n`),
      ask: terminal(),
      folder: options.journal,
      ...incidentStore(options),
    });
    process.exitCode = ExitCode.ok;
  } catch (error) {
    const exitCode = error instanceof OperationError ? error.exitCode : ExitCode.failed;
    for (const line of messageOf(error).split("\n")) process.stderr.write(`error: ${line}\n`);
    document = { error: { message: messageOf(error), exitCode } };
    process.exitCode = exitCode;
  }
  if (options.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

function incidentStore({ lease }: CommonOptions): Pick<Surroundings, "copy" | "lease"> {
  const url = process.env["INCIDENT_STORE_URL"];
  if (!url) return {};
  const container = new ContainerClient(url, new DefaultAzureCredential());
  return {
    copy: blobCopy(container),
    ...(lease && { lease: (name: string) => takeBlobLease(container, name) }),
  };
}

/** @param args as typed behind the program's name. Sets the exit code. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  await runCommand(buildProgram(), args);
}
