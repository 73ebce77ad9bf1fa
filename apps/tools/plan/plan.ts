import "../../../packages/offline-engine/keepCode";
import { CommanderError } from "commander";
import { parsePlanCommand, PlanCommand } from "./planCommand";
import { checkStackFiles } from "./planCheck";
import { planStack } from "../../../packages/offline-engine/planner";
import type { PackProcess } from "../../../packages/offline-engine/policies";
import { UsageError } from "../../../packages/offline-engine/config";
import { earlierPlan, finish } from "./planOutput";
import { projectRoot } from "../../../packages/command/root";

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

async function main(): Promise<number> {
  const root = projectRoot(__dirname);
  const command: PlanCommand = parsePlanCommand(process.argv, root);
  checkStackFiles(root, command.stacks, command.overrides);
  let worst = 0;
  for (const stack of command.stacks) {
    // Read before anything is written: a plan can be compared with the file it then replaces.
    const earlier = earlierPlan(command, stack);
    const plan = await planStack(root, stack, {
      overrides: command.overrides,
      resolve: command.resolve,
      onPack: (pack) => packs.add(pack),
    });
    const { text, code } = finish(plan, command, earlier);
    console.log(text);
    worst = Math.max(worst, code);
  }
  return worst;
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
