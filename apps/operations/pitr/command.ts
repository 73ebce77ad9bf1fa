import type { Command } from "commander";
import { common, HELP, moment, runVerb, type CommonOptions } from "../commandLine";
import { refused } from "../frame/errors";
import { dropRestored, pitr } from ".";

interface PitrOptions extends CommonOptions {
  at?: Date;
  extract?: string[];
  drop?: boolean;
}

export function registerPitr(program: Command): void {
  common(program.command("pitr"))
    .description(
      "Makes a server with what there was at a moment, beside the one that serves; brings rows back.",
    )
    .option("--at <moment>", "the moment, with its zone, e.g. 2026-11-30T03:12:00Z", moment)
    .option("--extract <table...>", "tables whose missing rows come back; rows that changed are left")
    .option("--drop", "take the server beside away")
    .addHelpText("after", HELP)
    .action(async (stack: string, { at, extract = [], drop, ...options }: PitrOptions) => {
      if (drop && (at || extract.length > 0)) throw refused("--drop goes alone");
      if (!drop && !at) throw refused("give the moment with --at, or --drop");
      await runVerb(stack, options, ["database"], ({ platform, ground }) =>
        at ? pitr(platform, ground, { at, extract }) : dropRestored(platform, ground),
      );
    });
}
