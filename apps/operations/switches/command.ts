import { InvalidArgumentError, type Command } from "commander";
import { common, helpOf, runVerb, type CommonOptions } from "../commandLine";
import { contain } from "./contain";
import { maintenance } from "./maintenance";
import { reopen } from "./reopen";

function minutes(text: string): number {
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1 || Number(text) > 1440)
    throw new InvalidArgumentError("must be whole minutes from 1 to 1440.");
  return Number(text);
}

function onOrOff(text: string): "on" | "off" {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError('must be "on" or "off".');
  return text;
}

export function registerSwitches(program: Command): void {
  common(program.command("maintenance"))
    .description("Lets the public names answer 503 with Retry-After and a page, webhooks included; or again.")
    .argument("<switch>", "on or off", onOrOff)
    .option("--retry-after <minutes>", "when clients and partners are told to come back", minutes, 10)
    .addHelpText("after", helpOf("maintenance"))
    .action((stack: string, to: "on" | "off", options: CommonOptions & { retryAfter: number }) =>
      runVerb(stack, options, ["clusters"], ({ platform, ground }) =>
        maintenance(platform, ground, { on: to === "on", retryAfterSeconds: options.retryAfter * 60 }),
      ),
    );
  common(program.command("contain"))
    .description("Cuts off whoever broke in: names, database logins, partners, edge; keeps the logs.")
    .addHelpText("after", helpOf("contain"))
    .action((stack: string, options: CommonOptions) =>
      runVerb(stack, options, ["database", "clusters"], ({ platform, ground, around }) =>
        contain(platform, ground, around),
      ),
    );
  common(program.command("reopen"))
    .description("The exact way back from contain.")
    .option("--keep-secrets", "although secrets of before the containment are still in force")
    .addHelpText("after", helpOf("reopen"))
    .action((stack: string, options: CommonOptions & { keepSecrets?: boolean }) =>
      runVerb(stack, options, ["database", "clusters"], ({ platform, ground }) =>
        reopen(platform, ground, options),
      ),
    );
}
