import { Command, CommanderError } from "commander";
import { registerBackup } from "./commands/backup";
import { registerCopy } from "./commands/copy";
import { registerDrill } from "./commands/drill";
import { registerEvidence } from "./commands/evidence";
import { registerGuard } from "./commands/guard";
import { registerList } from "./commands/list";
import { registerMetrics } from "./commands/metrics";
import { registerStatus } from "./commands/status";
import { registerPrune } from "./commands/prune";
import { registerRestore } from "./commands/restore";
import { registerVerify } from "./commands/verify";
import { ExitCode } from "../../packages/command/errors";
import { exitCodeHelp } from "./runner";
import { SETTING_HELP } from "./settings";

const settingHelp = `
Settings, from the environment (each secret also from a file: DATABASE_URL_FILE=/run/secrets/url):
${Object.entries(SETTING_HELP)
  .map(([name, meaning]) => `  ${name.padEnd(31)} ${meaning}`)
  .join("\n")}
`;

export function buildProgram(): Command {
  const program = new Command("recovery")
    .description("Backs databases up, proves every backup by restoring it, restores and drills.")
    .exitOverride()
    .showHelpAfterError("(add --help for usage)")
    .addHelpText("after", settingHelp + exitCodeHelp);
  registerBackup(program);
  registerCopy(program);
  registerDrill(program);
  registerEvidence(program);
  registerGuard(program);
  registerList(program);
  registerMetrics(program);
  registerStatus(program);
  registerVerify(program);
  registerRestore(program);
  registerPrune(program);
  return program;
}

async function main(): Promise<void> {
  // `recovery list | head`: whoever read the output has enough of it.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  try {
    await buildProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Asking for help is no mistake; everything else commander ends with is one.
    const asked = error.code === "commander.helpDisplayed" || error.code === "commander.version";
    process.exitCode = asked ? ExitCode.ok : ExitCode.usage;
  }
}

if (require.main === module || process.argv[1] === __filename) void main();
