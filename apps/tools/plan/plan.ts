import { stripVTControlCharacters } from "node:util";
import { CommanderError } from "commander";
import { parsePlanCommand, PlanCommand } from "./planCommand";
import { checkStackFiles } from "./planCheck";
import { planStack } from "../../../packages/offline-engine/planner";
import type { PackProcess } from "../../../packages/offline-engine/policies";
import { UsageError } from "../../../packages/offline-engine/config";
import { earlierPlan, finish } from "./planOutput";
import { renderProblems } from "../render/report";
import { columnsOf } from "../render/text";
import type { Outcome } from "../render/verdict";
import { projectRoot } from "../../../packages/command/root";
import { buildPack } from "../../../policies/build.cjs";

/** Exit codes, as `--help` documents them. */
const FAILED = 1;
const WRONG_USAGE = 2;

const packs = new Set<PackProcess>();
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    packs.forEach((pack) => pack.close());
    process.exit(code);
  });
}

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

async function main(): Promise<number> {
  const root = projectRoot(__dirname);
  const command: PlanCommand = parsePlanCommand(process.argv, root);
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
    if (outcomes.length > 0 && !command.quiet) console.log(`\n${"─".repeat(columns)}\n`);
    if (text !== "") print(text);
    outcomes.push(outcome);
  }
  if (outcomes.length > 1 && !command.quiet) print(`\n${together(command.stacks, outcomes)}`);
  return Math.max(...outcomes.map(({ code }) => code));
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
    } else if (error instanceof UsageError) {
      console.error(error.message);
      process.exitCode = WRONG_USAGE;
    } else {
      console.error(error instanceof Error ? (error.stack ?? error.message) : error);
      process.exitCode = FAILED;
    }
  },
);
