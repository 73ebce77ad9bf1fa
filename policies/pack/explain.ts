import { UsageError } from "../../packages/command/errors";
import { createCommand, runCommand } from "../../packages/command/program";
import { catalogue } from "./catalogue";
import { explain, findRule, listRules, suggestions } from "./explanation";
import { print } from "../../packages/command/terminal";

function show(query: string | undefined): void {
  const rules = catalogue();
  if (query === undefined) {
    print(listRules(rules));
    return;
  }
  const rule = findRule(rules, query);
  if (!rule) {
    const close = suggestions(rules, query);
    const hint =
      close.length > 0
        ? `Did you mean ${close.join(", ")}?`
        : "npm run policy:explain without a name lists them.";
    throw new UsageError(`no rule is called "${query}". ${hint}`);
  }
  print(explain(rule));
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("policy:explain", "Says what a policy rule checks, why, and how to fix a finding of it.", {
      0: "explained or listed",
    })
      .argument(
        "[rule]",
        "name or identifier, e.g. postgres-backup-retention or REC-002; default: lists all rules",
      )
      .action(show),
  );
}
