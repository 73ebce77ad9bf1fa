import type { Command } from "commander";
import { common, helpOf, moment, runVerb, wholeSeconds, type CommonOptions } from "../commandLine";
import { refused } from "../frame/errors";
import type { Need } from "../ground";
import { dropRestored, pitr } from ".";
import { adopt } from "./adopt";

interface PitrOptions extends CommonOptions {
  at?: Date;
  extract?: string[];
  adopt?: boolean;
  everything?: boolean;
  acceptLoss?: number;
  drop?: boolean;
}

export function registerPitr(program: Command): void {
  common(program.command("pitr"))
    .description(
      "Makes a server with what there was at a moment, beside the one that serves; brings rows back.",
    )
    .option("--at <moment>", "the moment, with its zone, e.g. 2026-11-30T03:12:00Z", moment)
    .option("--extract <table...>", "tables whose missing rows come back; rows that changed are left")
    .option("--adopt", "the restored server becomes the one that serves; the old one is kept and fenced")
    .option(
      "--everything",
      "with --adopt, instead of --at: nothing is lost; requests fail until it is restored",
    )
    .option(
      "--accept-loss <seconds>",
      "with --adopt: go on although more than the objective is lost",
      wholeSeconds,
    )
    .option("--drop", "take the server beside away")
    .addHelpText("after", helpOf("pitr", "pitr --adopt"))
    .action(
      async (
        stack: string,
        { at, extract = [], adopt: whole, everything, acceptLoss, drop, ...options }: PitrOptions,
      ) => {
        if (drop && (at || whole || everything || extract.length > 0)) throw refused("--drop goes alone");
        if (everything && (!whole || at))
          throw refused("--everything is for --adopt, and takes the place of --at");
        if (!drop && !at && !everything)
          throw refused("give the moment with --at, or --drop; --adopt also takes --everything");
        if (whole && extract.length > 0) throw refused("--adopt and --extract exclude each other");
        if (acceptLoss !== undefined && (!whole || everything))
          throw refused("--accept-loss is for --adopt --at");
        const needs: Need[] = whole ? ["database", "clusters"] : ["database"];
        await runVerb(stack, options, needs, ({ platform, ground }) => {
          if (whole) return adopt(platform, ground, { at, acceptLoss });
          return at ? pitr(platform, ground, { at, extract }) : dropRestored(platform, ground);
        });
      },
    );
}
