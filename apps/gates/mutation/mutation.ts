import path from "node:path";
import type { MutantResult, PartialStrykerOptions } from "@stryker-mutator/api/core";
import { InvalidArgumentError } from "commander";
import { writeFile } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { LEAST_SCORE } from "./figure";

interface Flags {
  sample: number;
  seed: string;
  only?: string;
  json?: string;
  log?: string;
}

/** Code whose every mutant a test must notice. */
const JUDGED = ["policies/**/*.ts", "packages/isolation/**/*.ts"];

/** What became of the mutants of a run. */
export interface Score {
  /** Mutants made, and those of the sample no test comes by. */
  readonly made: number;
  readonly uncovered: number;
  /** Mutants tried, and those a test noticed. */
  readonly tried: number;
  readonly noticed: number;
  /** Percent of the sample a test notices; what no test comes by is missed. */
  readonly percent: number;
  readonly survivors: readonly MutantResult[];
}

const NOTICED: ReadonlySet<string> = new Set(["Killed", "Timeout"]);

function scoreOf(results: readonly MutantResult[]): Score {
  const of = (...states: string[]): MutantResult[] => results.filter(({ status }) => states.includes(status));
  const made = results.length - of("Ignored").length;
  const uncovered = of("NoCoverage").length;
  const tried = of("Killed", "Timeout", "Survived").length;
  const noticed = results.filter(({ status }) => NOTICED.has(status)).length;
  return {
    made,
    uncovered,
    tried,
    noticed,
    percent: tried === 0 ? 0 : (100 * noticed) / (tried + uncovered),
    survivors: of("Survived"),
  };
}

const place = ({ fileName, location }: MutantResult): string =>
  `${fileName.replace(/^.*?\/(?=(?:policies|packages)\/)/, "")}:${location.start.line}:${location.start.column}`;

function print({ made, uncovered, tried, noticed, percent, survivors }: Score): void {
  for (const mutant of survivors)
    console.log(`${place(mutant)}  ${mutant.mutatorName}: ${mutant.replacement ?? ""}`);
  console.log(
    `${made} mutants; in the sample ${tried + uncovered}, ${uncovered} of them where no test comes by`,
  );
  console.log(`${noticed} noticed: ${percent.toFixed(1)} % (at least ${LEAST_SCORE} %)`);
}

/** A mutant nobody could try is neither noticed nor missed: it says that something here is broken. */
function failed(results: readonly MutantResult[]): void {
  const [first, ...more] = results.filter(({ status }) => status === "RuntimeError");
  if (first)
    throw new Error(
      `${more.length + 1} mutants could not be tried, the first ${place(first)}: ${first.statusReason ?? ""}`,
    );
}

function percentOf(text: string): number {
  const percent = Number(text);
  if (!(percent > 0 && percent <= 100)) throw new InvalidArgumentError("a percentage above 0, 100 at most");
  return percent;
}

const options = ({ sample, seed, only, log }: Flags): PartialStrykerOptions => ({
  plugins: ["./apps/gates/mutation/plugins.mjs"],
  testRunner: "policies",
  coverageAnalysis: "perTest",
  checkers: ["sample"],
  sample: { percent: sample, seed },
  mutate: only === undefined ? JUDGED : [only],
  ignorers: ["prose"],
  ignorePatterns: [".build", "coverage", "site"],
  tempDirName: ".build/mutation",
  // Each of them holds the SDK and all fixtures.
  concurrency: 1,
  maxTestRunnerReuse: 100,
  timeoutMS: 30_000,
  dryRunTimeoutMinutes: 60,
  reporters: ["progress-append-only", "as-they-come"],
  ...(log !== undefined && { resultsAsTheyCome: path.resolve(log) }),
});

export async function main(): Promise<void> {
  await runCommand(
    createCommand(
      "mutation",
      "Breaks the policies and the isolation rules in one place at a time, and counts how often a test notices. All of it takes hours.",
      { 0: `a test notices ${LEAST_SCORE} % or more`, 1: "fewer are noticed" },
    )
      .option("--sample <percent>", "percentage of the mutants, chosen by chance", percentOf, 100)
      .option("--seed <text>", "which sample: the same one for the same text", "1")
      .option("--only <glob>", "only these files, e.g. packages/isolation/decode.ts")
      .option("--json <file>", "where the survivors are written")
      .option("--log <file>", "where each result is added as a line of JSON as soon as it is known")
      .action(async (flags: Flags) => {
        const { Stryker } = await import("@stryker-mutator/core");
        const results = await new Stryker(options(flags)).runMutationTest();
        const score = scoreOf(results);
        failed(results);
        print(score);
        if (flags.json !== undefined) writeFile(flags.json, `${JSON.stringify(score, null, 2)}\n`);
        if (score.percent < LEAST_SCORE) process.exitCode = 1;
      }),
  );
}
