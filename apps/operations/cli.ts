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

/** @param args as typed behind the program's name. Sets the exit code. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  await runCommand(buildProgram(), args);
}
