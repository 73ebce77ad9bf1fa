import fs from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { ConfigError, fromZod } from "../../stacks/problems";
import { writeFile } from "../../packages/command/files";
import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { approvalSchema } from "./approval";
import type { Verdict } from "./judge";
import { judgePreview, previewSchema } from "./preview";
import { judgeState, stateSchema } from "./state";
import { print } from "../../packages/command/terminal";

const FINDINGS = 1;

/** Reads a JSON document from a file, or from standard input for `-`. */
function readDocument<T>(file: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = fs.readFileSync(file === "-" ? 0 : file, "utf8");
  } catch {
    throw new ConfigError(file, [
      { path: [], found: undefined, allowed: "a readable file, or - for standard input" },
    ]);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 80) : String(error);
    throw new ConfigError(file, [{ path: [], found: reason, allowed: "one JSON document" }]);
  }
  const result = schema.safeParse(document);
  if (!result.success) throw new ConfigError(file, fromZod(result.error, document, schema));
  return result.data;
}

function conclude(gate: string, { findings, notes }: Verdict): void {
  notes.forEach((note) => print(`note  ${note}`));
  findings.forEach((finding) => print(`FOUND ${finding}`));
  print(findings.length === 0 ? `${gate}: clean` : `${gate}: ${findings.length} finding(s)`);
  if (findings.length > 0) process.exitCode = FINDINGS;
}

function program(): Command {
  const root = projectRoot(__dirname);
  const cli = createCommand("gate", "Gates around the policy pack.", { 0: "clean", 1: "findings" });
  cli
    .command("preview <file>")
    .description(
      "judge the output of `pulumi preview --json`: no unexplained read, import or stack reference",
    )
    .action((file: string) =>
      conclude("preview gate", judgePreview(root, readDocument(file, previewSchema))),
    );
  cli
    .command("state <file>")
    .description("judge the output of `pulumi stack export`, best with --show-secrets into a pipe")
    .action((file: string) => conclude("state gate", judgeState(root, readDocument(file, stateSchema))));
  cli
    .command("sweep")
    .description("run the program of every stack outside prod without a cloud and judge all it asks for")
    .action(async () => {
      // The sweep brings the whole sandbox along, which the other gates do not need.
      const { sweepStack, sweptStacks } = await import("./sweep");
      for (const stack of sweptStacks(root)) conclude(`sweep of ${stack}`, await sweepStack(root, stack));
    });
  cli
    .command("pack-config <file>")
    .description("refuse a --policy-pack-config that lowers what may not be lowered")
    .action(async (file: string) => {
      const { judgePackConfig, packConfigSchema } = await import("./packConfig");
      conclude("pack configuration", judgePackConfig(readDocument(file, packConfigSchema)));
    });
  cli
    .command("serving <stack>")
    .description(
      "refuse an update that contradicts who serves, or that runs into an operation, a maintenance or a containment",
    )
    .action(async (stack: string) => {
      const [{ judgeServing }, { groundOf }, { platformOf }, { operationUnderWay }] = await Promise.all([
        import("./serving"),
        import("../operations/ground"),
        import("../operations/platform"),
        import("../operations/stores"),
      ]);
      const platform = platformOf(root, stack);
      const ground = await groundOf(platform, process.env, []);
      conclude(
        `serving of ${stack}`,
        await judgeServing(platform, ground, () => operationUnderWay(platform)),
      );
    });
  addRuns(cli, root);
  return cli;
}

const minutes = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 360) return value;
  throw new InvalidArgumentError(`"${text}" is not a whole number of minutes from 1 to 360.`);
};

interface RunFlags {
  stack: string;
  minutes: number;
  approval?: string;
  refresh?: boolean;
  expectNoChanges?: boolean;
}

/** Gates that run the engine themselves, and believe it only with evidence. */
function addRuns(cli: Command, root: string): void {
  const run = cli
    .command("run")
    .description(
      "run the engine with the policy pack, and accept only what the pack is proved to have judged",
    );
  const common = (command: Command): Command =>
    command
      .requiredOption("--stack <stack>", "stack that has a file")
      .option("--minutes <n>", "time a preview may take, 1-360", minutes, 60);
  common(run.command("preview"))
    .description("preview a stack; nothing is changed")
    .option("--approval <file>", "where what was previewed is written, for a person to approve")
    .option(
      "--refresh",
      "read back from the cloud first whatever answers while the regions' roles are as they are",
    )
    .option("--expect-no-changes", "every change is a finding")
    .action(async ({ approval: file, ...flags }: RunFlags) => {
      const { previewRun } = await import("./run");
      const { verdict, approval } = await previewRun({ root, env: process.env, ...flags });
      approval.steps.forEach(({ op, urn }) => print(`${op.padEnd(20)} ${urn}`));
      if (file && verdict.findings.length === 0) {
        writeFile(file, `${JSON.stringify(approval, null, 2)}\n`);
        print(`plan ${approval.digest}`);
      }
      conclude(`preview of ${flags.stack}`, verdict);
    });
  common(run.command("update"))
    .description("update a stack to what was approved, and to nothing else")
    .requiredOption("--approval <file>", "what was approved: the file a preview wrote")
    .action(async ({ approval: file = "", ...flags }: RunFlags) => {
      const { updateRun } = await import("./run");
      const approved = readDocument(file, approvalSchema);
      conclude(`update of ${flags.stack}`, await updateRun({ root, env: process.env, ...flags }, approved));
    });
}

export async function main(): Promise<void> {
  await runCommand(program());
}
