import { planCommand, type PlanCommand } from "./planCommand";
import { checkStackFiles } from "./planCheck";
import { planProject } from "./planProject";
import type { PackProcess } from "../../../packages/offline-engine/policies";
import { FailedError, UsageError } from "../../../packages/command/errors";
import { earlierPlan, finish, succeeded } from "./planOutput";
import { formatDocument, planDocument } from "../render/plan";
import { renderProblems } from "../render/report";
import { columnsOf, during, print } from "../../../packages/command/terminal";
import type { Outcome } from "../render/verdict";
import { runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { buildPack } from "../../../policies/pack/build";
import { catalogue } from "../../../policies/pack/catalogue";
import { explained } from "../../../policies/pack/mend";

const packs = new Set<PackProcess>();
/** How several stacks end, in one sentence. */
function together(stacks: readonly string[], outcomes: readonly Outcome[]): string {
  const bad = stacks.filter((_, i) => outcomes[i]?.code !== 0);
  return bad.length === 0
    ? `${stacks.join(" and ")} are fine (exit code 0).`
    : `${bad.join(" and ")} must not be deployed as planned (exit code 1).`;
}

/**
 * Plans the stacks of a command line, prints and writes what it asks for, and returns the exit code.
 * @param make makes each plan
 * @throws CommandError when a stack cannot be planned as asked
 */
export async function plan(root: string, command: PlanCommand, make = planProject): Promise<number> {
  checkStackFiles(root, command.stacks, command.overrides, command.project);
  const columns = columnsOf(process.stdout);
  const outcomes: Outcome[] = [];
  for (const stack of command.stacks) {
    // Read before anything is written: a plan can be compared with the file it then replaces.
    const earlier = earlierPlan(command, stack, root);
    const planned = await during(`planning ${stack} and asking the policies ...`, () =>
      make(root, command.project, stack, {
        overrides: command.overrides,
        resolve: command.resolve,
        policies: buildPack,
        onPack: (pack) => packs.add(pack),
      }),
    );
    const plan = { ...planned, violations: explained(planned.violations, catalogue(), stack) };
    if (plan.refused) throw new UsageError(renderProblems(plan, columns).trim());
    const { text, outcome } = finish(plan, command, earlier, columns);
    if (command.json) {
      if (!succeeded(plan)) throw new FailedError(renderProblems(plan, columns).trim());
      process.stdout.write(formatDocument(planDocument(plan)));
      return outcome.code;
    }
    if (outcomes.length > 0 && !command.quiet) print(`\n${"─".repeat(columns)}\n`);
    if (text !== "") print(text);
    outcomes.push(outcome);
  }
  if (outcomes.length > 1 && !command.quiet) print(`\n${together(command.stacks, outcomes)}`);
  return Math.max(...outcomes.map(({ code }) => code));
}

export async function main(): Promise<void> {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(signal, () => {
      packs.forEach((pack) => pack.close());
      process.exit(code);
    });
  }
  const root = projectRoot(__dirname);
  await runCommand(
    planCommand(root, async (command) => {
      process.exitCode = await plan(root, command);
    }),
  );
}
