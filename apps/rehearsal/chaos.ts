import fc from "fast-check";
import { InvalidArgumentError } from "commander";
import { createCommand, runCommand } from "../../packages/command/program";
import { sequences, Stage } from "./laptop/chaos";

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100_000) return value;
  throw new InvalidArgumentError("expected a whole number from 1 to 100000");
};

const integer = (text: string): number => {
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number");
};

interface Flags {
  sequences: number;
  longest: number;
  seed?: number;
  path?: string;
  shrink: boolean;
}

const program = createCommand(
  "chaos",
  "Random sequences of operations and faults on a served platform, with invariants asked after every step. Each goes on where the last one ended. A failure is shrunk on platforms of its own, and told with the seed and path that repeat it.",
  { 0: "every sequence held", 1: "an invariant did not hold" },
)
  .option("--sequences <number>", "how many", wholeNumber, 100)
  .option("--longest <number>", "most steps of a sequence", wholeNumber, 6)
  .option("--seed <number>", "begin with this seed, as a failure told it", integer)
  .option("--path <path>", "go straight to a failure's own sequence, as it told it")
  .option("--no-shrink", "stop at the first failure, as it is")
  .action(async ({ sequences: count, longest, seed, path, shrink }: Flags) => {
    let played = 0;
    const stage = new Stage((line) => console.log(`  ${line}`));
    const property = fc.asyncProperty(sequences(longest), async (commands) => {
      played += 1;
      console.log(`sequence ${played}`);
      await stage.play(commands);
    });
    const details = await fc
      .check(property, {
        numRuns: count,
        endOnFailure: !shrink,
        ...(seed !== undefined && { seed }),
        ...(path !== undefined && { path }),
      })
      .finally(() => stage.close());
    if (!details.failed) {
      console.log(`${details.numRuns} sequences held, seed ${details.seed}`);
      return;
    }
    const [shrunk] = details.counterexample ?? [];
    console.log(`FAILED: ${details.errorInstance instanceof Error ? details.errorInstance.message : ""}`);
    console.log(`shortest: ${fc.stringify(shrunk)}`);
    console.log(
      `again: npm run chaos -- --seed ${details.seed} --path "${details.counterexamplePath ?? ""}"`,
    );
    process.exitCode = 1;
  });

export async function main(): Promise<void> {
  await runCommand(program);
}
