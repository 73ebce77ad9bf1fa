import path from "node:path";
import type { Command } from "commander";
import { readStacks } from "../../../stacks/files";
import { assignedRoles, assignmentCondition, resourceProviders } from "./needs";
import { customRole, ROLES, type RoleDefinitionFile, type RoleName } from "../../operations/rights";
import { previewerRole } from "./previewer";
import { readPlan } from "../plan/planOutput";
import type { ResourceDocument } from "../render/plan";
import { UsageError } from "../../../packages/command/errors";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";

const root = projectRoot(__dirname);

/** Resources of a stack's committed plan, which a test holds equal to what the program declares. */
function committed(stack: string): readonly ResourceDocument[] {
  subscriptionOf(stack);
  return readPlan(path.join(root, `test/expected/${stack}.json`)).resources;
}

function subscriptionOf(stack: string): string {
  const stacks = readStacks(root);
  const config = stacks[stack];
  if (!config) {
    throw new UsageError(`stack "${stack}" has no file; allowed: ${Object.keys(stacks).join(", ")}`);
  }
  return config.azure.subscriptionId;
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
  type Environment = Parameters<typeof previewerRole>[0];
  const roles: Record<string, (environment: Environment) => RoleDefinitionFile> = {
    ...Object.fromEntries(
      (Object.keys(ROLES) as RoleName[]).map((role) => [
        role,
        (environment: Environment) => customRole(role, environment),
      ]),
    ),
    previewer: previewerRole,
  };
  cli
    .command("role <who> <stack>")
    .description(`custom role, one of ${Object.keys(roles).join(", ")}, for az role definition create`)
    .action((who: string, stack: string) => {
      const make = Object.hasOwn(roles, who) ? roles[who] : undefined;
      if (!make) throw new UsageError(`role "${who}" is unknown; allowed: ${Object.keys(roles).join(", ")}`);
      console.log(JSON.stringify(make({ stack, subscriptionId: subscriptionOf(stack) })));
    });
  return cli;
}

export async function main(): Promise<void> {
  await runCommand(program());
}
