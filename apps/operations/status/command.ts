import type { Command } from "commander";
import { helpOf, JOURNALS, looking, ROOT } from "../commandLine";
import { answering } from "../frame/answering";
import { groundOf } from "../ground";
import { platformOf } from "../platform";
import { renderStatus, status, statusCode } from ".";
import { write } from "../../../packages/command/terminal";

export function registerStatus(program: Command): void {
  looking(program.command("status"))
    .description("Shows on one screen who serves, what would be lost now, and what wants attention.")
    .option("--journal <folder>", "where journals and readiness checks are kept", JOURNALS)
    .addHelpText(
      "after",
      `${helpOf("status")}

Here exit code 0 is healthy, 1 something wants attention, 3 nothing does but something is unknown.`,
    )
    .action((stack: string, options: { json?: boolean; journal: string }) =>
      answering(options, async () => {
        const platform = platformOf(ROOT, stack);
        const ground = await groundOf(platform, process.env, []);
        const findings = await status(platform, ground, options.journal);
        process.exitCode = statusCode(findings);
        if (!options.json) write(renderStatus(stack, findings));
        return { stack, healthy: process.exitCode === 0, findings };
      }),
    );
}
