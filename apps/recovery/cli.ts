import type { Command } from "commander";
import { registerBackup } from "./commands/backupCommand";
import { registerCatalogue } from "./commands/catalogue";
import { registerCopy } from "./commands/copy";
import { registerDiff } from "./commands/diff";
import { registerDrill } from "./commands/drill";
import { registerEvidence } from "./commands/evidence";
import { registerGuard } from "./commands/guard";
import { registerList } from "./commands/list";
import { registerMetrics } from "./commands/metrics";
import { registerStatus } from "./commands/status";
import { registerServing } from "./commands/serving";
import { registerPrune } from "./commands/prune";
import { registerRestore } from "./commands/restore";
import { registerVerify } from "./commands/verifyCommand";
import { EXIT_CODE_HELP } from "../../packages/command/errors";
import { createCommand, runCommand } from "../../packages/command/program";
import { verbRunner, type Surroundings } from "./runner";
import { SETTING_HELP } from "./settingHelp";

const settingHelp = `\
Settings, from the environment (each secret also from a file: DATABASE_URL_FILE=/run/secrets/url):
${Object.entries(SETTING_HELP)
  .map(([name, meaning]) => `  ${name.padEnd(31)} ${meaning}`)
  .join("\n")}`;

/** @param around where its verbs run: in the process itself, unless a caller has several of them in one */
export function buildProgram(around?: Surroundings): Command {
  const runVerb = verbRunner(around);
  const program = createCommand(
    "recovery",
    "Backs databases up, proves every backup by restoring it, restores and drills.",
    EXIT_CODE_HELP,
    settingHelp,
  );
  registerBackup(program, runVerb);
  registerCatalogue(program, runVerb);
  registerCopy(program, runVerb);
  registerDiff(program, runVerb);
  registerDrill(program, runVerb);
  registerEvidence(program, runVerb);
  registerGuard(program, runVerb);
  registerList(program, runVerb);
  registerMetrics(program, runVerb);
  registerStatus(program, runVerb);
  registerVerify(program, runVerb);
  registerRestore(program, runVerb);
  registerPrune(program, runVerb);
  registerServing(program, runVerb);
  return program;
}

export async function main(): Promise<void> {
  await runCommand(buildProgram());
}
