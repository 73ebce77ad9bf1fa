import { InvalidArgumentError } from "commander";
import { NotRunError } from "../../packages/command/errors";
import { createCommand, runCommand } from "../../packages/command/program";
import { campaign } from "./laptop/chaos/campaign";

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100_000) return value;
  throw new InvalidArgumentError("expected a whole number from 1 to 100000");
};

interface Flags {
  sequences: number;
  longest: number;
  seed: number;
  only?: number;
  journal?: string;
  shrink: boolean;
}

const program = createCommand(
  "chaos",
  "Random sequences of operations and faults on a served platform, with invariants asked after every step. Each begins where the last one ended; after one that broke there is a new platform. A failure is shrunk on platforms of its own, and told with the number that repeats it.",
  { 0: "every sequence held", 1: "an invariant did not hold", 3: "interrupted" },
)
  .option("--sequences <number>", "how many", wholeNumber, 100)
  .option("--longest <number>", "most steps of a sequence", wholeNumber, 6)
  .option("--seed <number>", "what they are drawn from", wholeNumber, 1)
  .option("--only <number>", "one sequence of the seed, on a platform of its own", wholeNumber)
  .option("--journal <file>", "a line of JSON for each; those it has are not played again")
  .option("--no-shrink", "leave a failure as it is")
  .action(async ({ sequences, longest, seed, only, journal, shrink }: Flags) => {
    const [first, last] = only === undefined ? [1, sequences] : [only, only];
    const say = (line: string): void => console.log(line);
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM"] as const)
      process.once(name, () => stop.abort(new NotRunError("interrupted")));
    const records = await campaign({
      ...{ seed, first, last, longest, shrink, say, signal: stop.signal },
      ...(journal !== undefined && { journal }),
    });
    const broken = records.filter(({ held }) => !held);
    const seconds = records.reduce((sum, record) => sum + record.seconds, 0) / Math.max(1, records.length);
    say(
      `${records.length - broken.length} of ${records.length} sequences held, seed ${seed}, ${seconds.toFixed(1)} s each`,
    );
    for (const { sequence, problem, steps, shortest } of broken) {
      say(`${sequence}: ${problem ?? ""}\n  ${shortest ?? steps.join(", ")}`);
      say(`  again: npm run chaos -- --seed ${seed} --longest ${longest} --only ${sequence}`);
    }
    if (broken.length > 0) process.exitCode = 1;
  });

export async function main(): Promise<void> {
  await runCommand(program);
}
