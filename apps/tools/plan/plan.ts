import { stripVTControlCharacters } from "node:util";
import { planCommand, type PlanCommand } from "./planCommand";
import { checkStackFiles } from "./planCheck";
import { planStack } from "../../../packages/offline-engine/planner";
import type { PackProcess } from "../../../packages/offline-engine/policies";
import { FailedError, UsageError } from "../../../packages/command/errors";
import { earlierPlan, finish, succeeded } from "./planOutput";
import { formatDocument, planDocument } from "../render/plan";
import { renderProblems } from "../render/report";
import { columnsOf } from "../render/text";
import type { Outcome } from "../render/verdict";
import { runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { buildPack } from "../../../policies/build.cjs";

const packs = new Set<PackProcess>();
/** Milliseconds after which a command that has said nothing says what it does. */
const PATIENCE_MS = 500;

/** Says on a terminal what is being done, and takes it back when it is done. */
function progress(text: string): () => void {
  if (!process.stderr.isTTY) return () => undefined;
  const timer = setTimeout(() => process.stderr.write(`${text}\r`), PATIENCE_MS);
  return () => {
    clearTimeout(timer);
    process.stderr.write(`${" ".repeat(text.length)}\r`);
  };
}

/** Prints with colours only where somebody sees them and wants them (https://no-color.org). */
function print(text: string): void {
  const plain = !process.stdout.isTTY || (process.env["NO_COLOR"] ?? "") !== "";
  console.log(plain ? stripVTControlCharacters(text) : text);
}

/** How several stacks end, in one sentence. */
function together(stacks: readonly string[], outcomes: readonly Outcome[]): string {
  const bad = stacks.filter((_, i) => outcomes[i]?.code !== 0);
  return bad.length === 0
    ? `${stacks.join(" and ")} are fine (exit code 0).`
    : `${bad.join(" and ")} must not be deployed as planned (exit code 1).`;
}

async function plan(root: string, command: PlanCommand): Promise<number> {
  checkStackFiles(root, command.stacks, command.overrides);
  const columns = columnsOf(process.stdout);
  const outcomes: Outcome[] = [];
  for (const stack of command.stacks) {
    // Read before anything is written: a plan can be compared with the file it then replaces.
    const earlier = earlierPlan(command, stack, root);
    const done = progress(`planning ${stack} and asking the policies ...`);
    const plan = await planStack(root, stack, {
      overrides: command.overrides,
      resolve: command.resolve,
      policies: buildPack,
      onPack: (pack) => packs.add(pack),
    }).finally(done);
    if (plan.refused) throw new UsageError(renderProblems(plan, columns).trim());
    const { text, outcome } = finish(plan, command, earlier, columns);
    if (command.json) {
      if (!succeeded(plan)) throw new FailedError(renderProblems(plan, columns).trim());
      process.stdout.write(formatDocument(planDocument(plan)));
      return outcome.code;
    }
    if (outcomes.length > 0 && !command.quiet) console.log(`\n${"─".repeat(columns)}\n`);
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
