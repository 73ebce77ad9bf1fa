import type { Command } from "commander";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { PRIORITIES, OWNERS } from "../../../packages/alerting/types";
import { stackNames } from "../../../stacks/files";
import { GROUP_TITLES } from "../docs/runbookPages";
import { newAlert, type NewAlert, SUBJECTS } from "./alert";
import { newComponent, type NewComponent } from "./component";
import { newEnvironment } from "./environment";
import type { Made } from "./made";
import { ENVIRONMENTS, newRule, type NewRule, RULE_FAMILIES } from "./rule";
import { newRunbook, type NewRunbook } from "./runbook";
import type { Making } from "./scaffold";
import { newSecret, type NewSecret, readers, SECRET_SOURCES } from "./secret";
import { print } from "../../../packages/command/terminal";

const root = projectRoot(__dirname);

const NOTES = `\
Examples:
  npm run new -- environment dev --like staging
  npm run new -- alert PrintQueueLong --subject application --metric retry_queue_pending_count --above 500 --for 10m \\
    --priority P2 --runbook queue-backlog --risk R05 --summary "Print jobs wait" --description "More than 500 wait"

CONTRIBUTING.md has one of each.`;

function say({ files, next }: Made): void {
  print(files.map((file) => `wrote ${file}`).join("\n"));
  print(`\nNext:\n${next.map((step) => `  ${step}`).join("\n")}`);
}

const several = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];
const list = (values: readonly string[]): string => values.join(", ");

/** A kind that is made of sources, after which expected plans and pages follow. */
function kind<T>(
  program: Command,
  name: string,
  description: string,
  make: (making: Making, name: string, wanted: T) => Promise<Made>,
): Command {
  return program
    .command(name)
    .description(description)
    .option(
      "--no-update",
      "leave expected plans and pages to npm run plan:update and npm run docs; saves time when several are made",
    )
    .action(async (called: string, { update, ...wanted }: T & { update: boolean }) =>
      say(await make({ root, update }, called, wanted as T)),
    );
}

function environment(program: Command): void {
  program
    .command("environment <name>")
    .description(
      "a stack file with address ranges, names and hosts of its own, its expected plan, and the pages",
    )
    .requiredOption("--like <stack>", `stack whose sizes it takes: ${list(stackNames(root))}`)
    .option("--short-name <name>", "2-4 letters of the name, part of every Azure name")
    .option("--subscription <id>", "its Azure subscription; made up when it is not given")
    .action(async (name: string, options: { like: string; shortName?: string; subscription?: string }) =>
      say(await newEnvironment(root, { name, ...options })),
    );
}

function component(program: Command): void {
  kind<NewComponent>(
    program,
    "component <domain/thing>",
    "a component in infra/, composed in every cluster that computes, with its test",
    newComponent,
  )
    .requiredOption("--about <sentence>", "what it is for")
    .requiredOption("--setting <KEY=value>", "what its ConfigMap holds; may be repeated", several);
}

function rule(program: Command): void {
  kind<NewRule>(
    program,
    "rule <name>",
    "a rule about one property of one type, registered, with a case that breaks it",
    newRule,
  )
    .requiredOption("--family <family>", list(RULE_FAMILIES))
    .requiredOption(
      "--type <token>",
      "type of the resources it judges, such as azure-native:storage:StorageAccount",
    )
    .requiredOption("--property <path>", "what it judges, such as sku.name")
    .requiredOption("--allowed <value>", "what the property may be; may be repeated", several)
    .option("--optional", "the property may also be absent", false)
    .requiredOption("--title <text>", "what is so when the rule is kept")
    .requiredOption("--why <sentence>", "what goes wrong without it")
    .requiredOption("--remediation <sentence>", "what to do about a finding")
    .requiredOption("--url <address>", "documentation of the fact it rests on")
    .option(
      "--applies-to <environments>",
      `where it is checked: ${list(ENVIRONMENTS)} (everywhere, in production, outside it)`,
      "any",
    )
    .option("--severity <severity>", "low, medium, high or critical", "medium")
    .option("--control <control>", "control it serves, such as RE:05 or NS-2; may be repeated", several, [])
    .option("--risk <risk>", "risk it lowers, R01 to R15; may be repeated; or else a control", several, []);
}

function alert(program: Command): void {
  kind<NewAlert>(
    program,
    "alert <Name>",
    "an alert that compares a metric with a limit, with series in which it fires and does not",
    newAlert,
  )
    .requiredOption("--subject <subject>", list(Object.keys(SUBJECTS)))
    .requiredOption("--metric <series>", "what is watched, of packages/alerting/metrics.ts; may have labels")
    .option("--above <number>", "it fires above this")
    .option("--below <number>", "it fires below this")
    .option("--for <duration>", "how long it must be so: 0s, 90s, 5m, 1h", "5m")
    .requiredOption("--priority <priority>", list(PRIORITIES))
    .requiredOption("--runbook <name>", "page it leads to")
    .option("--owner <owner>", list(OWNERS), "platform")
    .requiredOption("--risk <risk>", "risk it detects, R01 to R15; may be repeated", several)
    .requiredOption("--summary <text>", "for the pager")
    .requiredOption("--description <text>", "what it means, and for how long it has been so");
}

function runbook(program: Command): void {
  kind<NewRunbook>(
    program,
    "runbook <name>",
    "a runbook of steps a person takes, its page and its place in the index",
    newRunbook,
  )
    .requiredOption("--title <text>", "what is wrong, as a headline")
    .requiredOption("--when <sentence>", "when this is the right page")
    .requiredOption("--severity <severity>", "SEV-1 to SEV-4")
    .requiredOption("--decides <sentence>", "who decides, and what must not be done without them")
    .requiredOption("--group <heading>", `heading of the index: ${list(GROUP_TITLES)}`)
    .requiredOption("--symptom <text>", "what is seen; may be repeated", several)
    .requiredOption("--risk <risk>", "R01 to R15; may be repeated", several)
    .requiredOption(
      "--step <text>",
      "what to do | what is seen when all is well | what to do otherwise; may be repeated",
      several,
    )
    .requiredOption("--over <text>", "how to know that it is over; may be repeated", several)
    .requiredOption("--rehearse <sentence>", "how it is practised");
}

function secret(program: Command): void {
  kind<NewSecret>(
    program,
    "secret <name>",
    "a secret of the catalogue, in every vault, with its readers' rights",
    newSecret,
  )
    .requiredOption("--source <source>", `where its value comes from: ${list(SECRET_SOURCES)}`)
    .requiredOption("--reader <workload>", `who reads it: ${list(readers())}; may be repeated`, several)
    .requiredOption("--variable <NAME>", "environment variable the readers get it as")
    .requiredOption("--content-type <text>", "what the value is")
    .requiredOption("--rotation <sentence>", "how a new value is got")
    .option("--rotation-days <days>", "its longest life", "180");
}

function commandLine(): Command {
  const program = createCommand(
    "new",
    "Makes the files of something new where they belong; the suite stays green.",
    { 0: "made", 2: "wrong usage, or what would be made is refused; nothing is left" },
    NOTES,
  );
  for (const add of [environment, component, rule, alert, runbook, secret]) add(program);
  return program;
}

export async function main(): Promise<void> {
  await runCommand(commandLine());
}
