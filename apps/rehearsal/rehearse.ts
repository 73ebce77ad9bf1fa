import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { readStacks } from "../../stacks/files";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { findCli } from "./cli";
import { descendants, killAll } from "../../packages/command/processes";
import { junit, markdown, table, totals } from "./report";
import { Outcome, PARALLEL, rehearse } from "./runner";
import { Scenario } from "./scenario";
import { SCENARIOS } from "./scenarios";
import { ExitCode, NotRunError, UsageError } from "../../packages/command/errors";
import { writeFile } from "../../packages/command/files";
import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { print } from "../../packages/command/terminal";
import { stopwatch } from "../../packages/programs/waiting";

interface Options {
  only?: Scenario[];
  seed: string;
  parallel: number;
  keep?: string;
  transcripts: string;
  json?: boolean;
  report?: string;
  junit?: string;
  markdown?: string;
}

/** Scenarios by number: `3` for a group, `3.4` for one; several are separated by commas. */
function select(text: string): Scenario[] {
  return text.split(",").flatMap((wanted) => {
    const found = SCENARIOS.filter(({ id }) => id === wanted || id.split(".")[0] === wanted);
    if (found.length === 0) {
      throw new InvalidArgumentError(
        `"${wanted}" is no scenario; allowed: ${SCENARIOS.map(({ id }) => id).join(", ")}`,
      );
    }
    return found;
  });
}

function count(text: string): number {
  if (!/^[1-8]$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a whole number from 1 to 8`);
  return Number(text);
}

async function run(stacks: string[], options: Options): Promise<ExitCode> {
  const root = projectRoot(__dirname);
  const configs = readStacks(root);
  const unknown = stacks.find((stack) => !(stack in configs));
  if (unknown !== undefined) {
    throw new UsageError(
      `rehearsal not run: stack "${unknown}" has no file; allowed: ${Object.keys(configs).join(", ")}`,
    );
  }
  const cli = await findCli();
  if ("missing" in cli) throw new NotRunError(`rehearsal not run: ${cli.missing}`);
  const policyPack = path.join(root, "policies");
  if (!fs.existsSync(path.join(policyPack, "bin", "index.js"))) {
    throw new NotRunError("rehearsal not run: the policy pack is not compiled; run `npm run policy:build`");
  }
  const folder = options.keep
    ? path.resolve(options.keep)
    : fs.mkdtempSync(path.join(os.tmpdir(), "forma3d-rehearsal-"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      killAll(descendants(process.pid));
      if (!options.keep) fs.rmSync(folder, { recursive: true, force: true });
      process.exit(ExitCode.notRun);
    });
  }
  const seconds = stopwatch();
  const outcomes = await rehearse({
    setting: {
      root,
      configs,
      model: sandboxModel(),
      command: cli.command,
      seed: options.seed,
      sdk: "quiet",
      changes: [],
    },
    stacks: Object.fromEntries(
      Object.entries(configs).filter(([stack]) => stacks.length === 0 || stacks.includes(stack)),
    ),
    scenarios: options.only ?? SCENARIOS,
    folder,
    transcripts: path.resolve(options.transcripts),
    keep: options.keep !== undefined,
    parallel: options.parallel,
    onOutcome: ({ stack, id, result, seconds }) =>
      console.error(`${stack.padEnd(8)} ${id.padEnd(5)} ${result} (${seconds.toFixed(1)} s)`),
  });
  return report(outcomes, seconds(), options);
}

function report(outcomes: readonly Outcome[], seconds: number, options: Options): ExitCode {
  const document = `${JSON.stringify({ seconds, outcomes }, null, 2)}\n`;
  if (options.json) process.stdout.write(document);
  else print(`${table(outcomes)}\n${totals(outcomes, seconds)}`);
  const files: [string | undefined, () => string][] = [
    [options.report, () => document],
    [options.junit, () => junit(outcomes, seconds)],
    [options.markdown, () => markdown(outcomes, seconds)],
  ];
  for (const [file, content] of files) if (file) writeFile(file, content());
  return outcomes.some(({ result }) => result === "failed") ? ExitCode.failed : ExitCode.ok;
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand(
      "rehearse",
      "Runs the real Pulumi engine with the unmodified program and policies against an emulated Azure.",
      { 0: "all passed", 1: "a scenario failed", 3: "not run: something is missing here, or interrupted" },
    )
      .argument("[stacks...]", "stacks to rehearse; default all that have a file")
      .addOption(
        new Option("--only <scenarios>", "scenarios or groups, e.g. 3,5.1; default all").argParser(select),
      )
      .option("--seed <text>", "everything that is generated derives from it", "rehearsal")
      .addOption(new Option("--parallel <n>", "scenarios at a time").argParser(count).default(PARALLEL))
      .option("--keep <folder>", "keeps every emulated cloud and state there, for `npm run sandbox -- ls`")
      .option("--transcripts <folder>", "where the transcripts of failures are kept", ".rehearsal")
      .option("--json", "prints the outcomes as one JSON document")
      .option("--report <file>", "writes the outcomes as JSON")
      .option("--junit <file>", "writes the outcomes as JUnit XML")
      .option("--markdown <file>", "writes the outcomes as Markdown, for a workflow's summary")
      .action(async (stacks: string[], options: Options) => {
        process.exitCode = await run(stacks, options);
      }),
  );
}
