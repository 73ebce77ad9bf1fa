import fs from "node:fs";
import { Command } from "commander";
import { z } from "zod";
import { ConfigError, fromZod } from "../../stacks/problems";
import { projectRoot } from "../root";
import type { Verdict } from "./judge";
import { judgePreview, previewSchema } from "./preview";
import { judgeState, stateSchema } from "./state";

/** 0 nothing found, 1 findings, 2 unusable input. */
const EXIT = { clean: 0, findings: 1, badInput: 2 } as const;

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
  notes.forEach((note) => console.log(`note  ${note}`));
  findings.forEach((finding) => console.log(`FOUND ${finding}`));
  console.log(findings.length === 0 ? `${gate}: clean` : `${gate}: ${findings.length} finding(s)`);
  if (findings.length > 0) process.exitCode = EXIT.findings;
}

function program(): Command {
  const root = projectRoot(__dirname);
  const cli = new Command("gate").description(
    "Gates around the policy pack. Exit codes: 0 clean, 1 findings, 2 unusable input.",
  );
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
  return cli.exitOverride();
}

async function main(): Promise<void> {
  try {
    await program().parseAsync();
  } catch (error) {
    const { exitCode, code } = error as { exitCode?: number; code?: string };
    if (code?.startsWith("commander.")) process.exitCode = exitCode === 0 ? EXIT.clean : EXIT.badInput;
    else {
      console.error(error instanceof Error ? error.message : String(error));
      process.exitCode = EXIT.badInput;
    }
  }
}

void main();
