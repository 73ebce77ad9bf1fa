import fs from "node:fs";
import type { Command } from "commander";
import { helpOf, JOURNALS, looking, ROOT } from "../commandLine";
import { answering } from "../frame/answering";
import { messageOf, refused } from "../frame/errors";
import { groundOf } from "../ground";
import { platformOf } from "../platform";
import { preflight, readinessCode, readinessMetrics, renderReadiness } from ".";
import type { ReadinessChoice } from "./checks";
import { write } from "../../../packages/command/terminal";

interface Options extends ReadinessChoice {
  json?: boolean;
  metrics?: string;
  journal: string;
}

const collect = (one: string, others: readonly string[]): string[] => [...others, one];

export function registerPreflight(program: Command): void {
  looking(program.command("preflight"))
    .description(
      "Checks what must be so on the day a region is lost; each PASS, FAIL or NOT_RUN with what to do.",
    )
    .option("--metrics <file>", "also write the results as Prometheus text")
    .option("--values", "compare the vaults' secrets by value; needs to read them (role rotator)")
    .option("--leave-out <check>", "a check that is made elsewhere; may be given again", collect, [])
    .option("--record", "also keep the result in the stores of evidence, for metrics and drills")
    .option("--journal <folder>", "where the result is kept for status", JOURNALS)
    .addHelpText(
      "after",
      `${helpOf("preflight")}\n\nWithout KUBECONFIG Azure is asked where the clusters are.\nHere exit code 0 is ready, 1 a check failed, 3 none did but one could not be run.`,
    )
    .action((stack: string, options: Options) =>
      answering(options, async () => {
        const platform = platformOf(ROOT, stack);
        const azureGivesClusters = process.env["KUBECONFIG"] === undefined;
        const ground = await groundOf(platform, process.env, [], { azureGivesClusters });
        const readiness = await preflight(platform, ground, options.journal, options);
        process.exitCode = readinessCode(readiness);
        if (options.metrics !== undefined) {
          try {
            // A reader must never see half of it.
            fs.writeFileSync(`${options.metrics}.new`, readinessMetrics(readiness));
            fs.renameSync(`${options.metrics}.new`, options.metrics);
          } catch (error) {
            throw refused(`--metrics ${options.metrics}: cannot be written: ${messageOf(error)}`);
          }
        }
        if (!options.json) write(renderReadiness(readiness));
        return readiness;
      }),
    );
}
