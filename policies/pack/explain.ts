import { Command, CommanderError } from "commander";
import { catalogue } from "./catalogue";
import { explain, findRule, listRules, suggestions } from "./explanation";

const WRONG_USAGE = 2;

const command = new Command("policy:explain")
  .description("Says what a policy rule checks, why, and how to fix a finding of it.")
  .argument(
    "[rule]",
    "name or identifier, e.g. postgres-backup-retention or REC-002; default: lists all rules",
  )
  .addHelpText("after", "\nExit codes:\n  0  explained or listed\n  2  no such rule, or wrong usage")
  .exitOverride()
  .action((query: string | undefined) => {
    const rules = catalogue();
    if (query === undefined) {
      console.log(listRules(rules));
      return;
    }
    const rule = findRule(rules, query);
    if (rule) {
      console.log(explain(rule));
      return;
    }
    const close = suggestions(rules, query);
    const hint =
      close.length > 0
        ? `Did you mean ${close.join(", ")}?`
        : "npm run policy:explain without a name lists them.";
    console.error(`no rule is called "${query}". ${hint}`);
    process.exitCode = WRONG_USAGE;
  });

try {
  command.parse(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
}
