import type { Command } from "commander";
import { common, helpOf, runVerb, wholeSeconds, type CommonOptions } from "../commandLine";
import { refused } from "../frame/errors";
import { failover } from ".";
import { regionsOf } from "./assess";

interface FailoverOptions extends CommonOptions {
  to: string;
  planned?: boolean;
  forced?: boolean;
  acceptLoss?: number;
  waitForSilence?: boolean;
}

export function registerFailover(program: Command): void {
  common(program.command("failover"))
    .description("Makes another region serve; the same command brings it back.")
    .requiredOption("--to <region>", "region that is to serve, e.g. northeurope")
    .option("--planned", "only while the other region answers; loses nothing")
    .option("--forced", "at once; what the replica lacks is lost")
    .option("--accept-loss <seconds>", "go on although more than the objective would be lost", wholeSeconds)
    .option("--wait-for-silence", "end once the region that is left can have called no partner any more")
    .addHelpText("after", helpOf("failover"))
    .action(async (stack: string, options: FailoverOptions) => {
      if (options.planned && options.forced) throw refused("--planned and --forced exclude each other");
      const mode = options.planned ? "planned" : options.forced ? "forced" : undefined;
      const { to, acceptLoss, waitForSilence } = options;
      await runVerb(
        stack,
        options,
        ["database", "clusters"],
        ({ platform, ground }) => failover(platform, ground, { to, mode, acceptLoss, waitForSilence }),
        (platform) => regionsOf(platform, to),
      );
    });
}
