import os from "node:os";
import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { projectRoot } from "../../packages/command/root";
import { answering } from "./frame/answering";
import { causedBy, lacksRight, OperationError } from "./frame/errors";
import { forgeOf } from "./frame/commit";
import { blobCopies } from "./frame/journal";
import { operate, terminal, type FrameOptions, type Surroundings, type Verb } from "./frame/operate";
import { takeSharedLease } from "./frame/sharedLease";
import { groundOf, SETTING_HELP, type Need } from "./ground";
import type { Ground } from "./ground/types";
import { platformOf, type Platform } from "./platform";
import { roleOf, roleTitle, type VerbName } from "./rights";
import { incidentContainers, openContainers, openLease } from "./stores";

/** Options every verb has that changes something. */
export interface CommonOptions {
  dryRun?: boolean;
  yes?: boolean;
  incident?: string;
  since?: Date;
  json?: boolean;
  journal: string;
  lease: boolean;
}

/** Folder of the stack files: this project's, or where an image, which has no project, finds them. */
export const ROOT = process.env["STACK_FOLDER"] ?? projectRoot(__dirname);

export const EXITS = {
  0: "done, and every postcondition was asked for and held",
  1: "a step failed, or was interrupted: type the same command again",
  2: "wrong usage, or refused: nothing was changed",
  3: "something needed could not be asked: nothing was changed",
  4: "another run holds the lease",
};

export const SETTINGS = `\
Settings, from the environment:
${Object.entries(SETTING_HELP)
  .map(([name, meaning]) => `  ${name.padEnd(27)} ${meaning}`)
  .join("\n")}`;

/** Help of every command, beside the exit codes. */
export const HELP = `\n${SETTINGS}`;

/** Help of a verb: which role whoever types it has to hold, with each option that changes it, and its settings. */
export function helpOf(verb: VerbName, ...others: readonly VerbName[]): string {
  const nameOf = (one: VerbName) => `"${roleTitle(roleOf(one), "<stack>")}"`;
  const more = others.map((one) => `, with ${one.slice(verb.length + 1)} ${nameOf(one)}`);
  return `\nWhoever types it holds the role ${nameOf(verb)}${more.join("")}: activate it first (docs/operations.md, Rights).\n${HELP}`;
}

/** A moment with its time zone: without one, two operators read two moments. */
export function moment(text: string): Date {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const value = new Date(text);
  if (day === undefined || Number.isNaN(value.getTime()))
    throw new InvalidArgumentError("must be a moment with its zone, e.g. 2026-11-30T03:12:00Z.");
  // The 31st of February would be read as the 3rd of March.
  if (!new Date(day).toISOString().startsWith(day)) throw new InvalidArgumentError(`there is no day ${day}.`);
  return value;
}

export function wholeSeconds(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError("must be a whole number of seconds.");
  return Number(text);
}

export const JOURNALS = path.join(os.homedir(), ".forma3d", "operations");

/** What every verb that changes something has. */
export function common(command: Command): Command {
  return looking(command)
    .option("--dry-run", "tell the plan and stop")
    .option("--yes", "do not ask; needs --incident")
    .option("--incident <id>", "name of the incident; the same one goes on where a run stopped")
    .option("--since <moment>", "when the alert came: the recovery time counts from there", moment)
    .option("--journal <folder>", "where journals, leases and reports are kept", JOURNALS)
    .option("--no-lease", "go on without the lease that keeps other operators out");
}

/** What every verb has. */
export function looking(command: Command): Command {
  return command
    .argument("<stack>", "environment, by its stack file")
    .option("--json", "print one JSON document on standard output");
}

const frameOf = ({ dryRun, yes, incident, since }: CommonOptions): FrameOptions => ({
  dryRun,
  yes,
  incident,
  since,
});

/** What a verb is made from. */
export interface Makings {
  platform: Platform;
  ground: Ground;
  around: Surroundings;
}

/**
 * Runs a verb that changes something, in the common frame. Sets the exit code.
 * @param check what can be refused from the stack file alone, before anything is asked for
 * @param needs settings without which the verb cannot begin
 */
export async function runVerb(
  stack: string,
  options: CommonOptions,
  needs: readonly Need[],
  make: (makings: Makings) => Verb | Promise<Verb>,
  check: (platform: Platform) => void = () => undefined,
): Promise<void> {
  await answering(options, async (say, signal) => {
    const platform = platformOf(ROOT, stack);
    check(platform);
    const incidents = incidentContainers(platform, process.env);
    const ground = await groundOf(platform, process.env, needs);
    const around: Surroundings = {
      now: () => new Date(),
      signal,
      say,
      ask: terminal(signal),
      folder: options.journal,
      forge: forgeOf(process.env),
      copy: blobCopies(await openContainers(incidents)),
      ...(options.lease && {
        lease: async (name: string) => takeSharedLease(await openLease(platform), name, options.journal),
      }),
    };
    const verb = await make({ platform, ground, around });
    return operate(verb, frameOf(options), around).catch((error: unknown) => {
      throw withRole(error, verb.name, stack);
    });
  });
}

/** The same error, which also says by which role a verb is typed where a right lacks: whoever reads it may hold another. */
function withRole(error: unknown, verb: string, stack: string): unknown {
  if (!(error instanceof OperationError) || !causedBy(error, lacksRight)) return error;
  const name = verb === "pitr-adopt" ? "pitr --adopt" : (verb.split("-")[0] as VerbName);
  return new OperationError(
    error.exitCode,
    `${error.message}; the role of ${name} is "${roleTitle(roleOf(name), stack)}": activate it, and give it a few minutes (docs/operations.md, Rights)`,
    { cause: error },
  );
}
