import type { Command } from "commander";
import { createCommand, runCommand } from "../../packages/command/program";
import { EXITS, SETTINGS } from "./commandLine";
import { registerAnnounce } from "./announce/command";
import { registerFailover } from "./failover/command";
import { registerPitr } from "./pitr/command";
import { registerReach } from "./reach/command";
import { registerPreflight } from "./readiness/command";
import { registerRecord } from "./record";
import { registerRotate } from "./rotate/command";
import { registerStatus } from "./status/command";
import { registerSwitches } from "./switches/command";

export function buildProgram(): Command {
  const program = createCommand(
    "operations",
    "Runs the platform in a disaster: plan first, then one typed name.",
    EXITS,
    SETTINGS,
  );
  for (const register of [
    registerReach,
    registerStatus,
    registerPreflight,
    registerFailover,
    registerRotate,
    registerPitr,
    registerSwitches,
    registerAnnounce,
    registerRecord,
  ])
    register(program);
  return program;
}

/** Longest a process stays whose verb has ended: what that waits for no longer, such as a look-up that is late, ends with it. */
const LEFT_OVER_MS = 1_000;

/** @param args as typed behind the program's name. Sets the exit code. */
export async function operations(args: readonly string[]): Promise<void> {
  await runCommand(buildProgram(), args);
}

export async function main(): Promise<void> {
  await operations(process.argv.slice(2));
  setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
}
