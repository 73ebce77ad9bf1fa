import path from "node:path";
import type { Command } from "commander";
import { readStacks } from "../../../stacks/files";
import { assignedRoles, assignmentCondition, resourceProviders } from "./needs";
import { readPlan } from "../plan/planOutput";
import type { ResourceDocument } from "../render/plan";
import { UsageError } from "../../../packages/command/errors";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";

const root = projectRoot(__dirname);

/** Resources of a stack's committed plan, which a test holds equal to what the program declares. */
function committed(stack: string): readonly ResourceDocument[] {
  const stacks = Object.keys(readStacks(root));
  if (!stacks.includes(stack)) {
    throw new UsageError(`stack "${stack}" has no file; allowed: ${stacks.join(", ")}`);
  }
  return readPlan(path.join(root, `test/expected/${stack}.json`)).resources;
}

function program(): Command {
  const cli = createCommand(
    "permissions",
    "What a subscription and a deploying identity need for a stack's committed plan.",
    { 0: "printed" },
  );
  cli
    .command("providers <stack>")
    .description("resource providers to register, one a line")
    .action((stack: string) => console.log(resourceProviders(committed(stack)).join("\n")));
  cli
    .command("condition <stack>")
    .description("condition under which the deploying identity may assign roles")
    .action((stack: string) => console.log(assignmentCondition(assignedRoles(committed(stack)))));
  return cli;
}

export async function main(): Promise<void> {
  await runCommand(program());
}
