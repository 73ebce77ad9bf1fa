/**
 * Measures `npm run plan` as a user runs it, policies included: how long it takes, how large its largest process gets, and
 * beside it a preview of the same program by the real engine against the emulated Azure, policies included too.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { sandboxModel } from "../../../packages/emulated-azure/model";
import { readStacks } from "../../../stacks/files";
import type { StackConfig } from "../../../stacks/schema";
import { findCli } from "../cli";
import { momentsOf } from "../moments";
import { Stage } from "../scenario";
import type { Setting } from "../world";
import { median, measure, scriptArguments } from "./measure";

const MIB = 1024 * 1024;
/** What a plan promises, on two free cores. */
const LIMITS = { shareOfPreview: 0.25, seconds: 5, mebibytes: 350 };

/** Wall time of one preview of an empty stack by the real engine. */
async function preview(setting: Setting, stack: string, config: StackConfig): Promise<number> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "forma3d-bench-"));
  const moments = momentsOf({ setting, folder, keep: false }, stack, config);
  const stage = new Stage(setting, stack, config, path.join(folder, "stage"), moments);
  try {
    return (await stage.preview(await stage.empty())).seconds;
  } finally {
    stage.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function plans(
  root: string,
  stack: string,
  times: number,
): Promise<{ seconds: number; mebibytes: number }> {
  const runs = [];
  for (let i = 0; i < times; i++) {
    const args = [...scriptArguments(root, "plan"), stack, "--quiet"];
    runs.push(await measure(process.execPath, args, process.env));
  }
  return {
    seconds: median(runs.map((run) => run.seconds)),
    mebibytes: Math.max(...runs.map((run) => run.peakBytes)) / MIB,
  };
}

async function bench({ runs }: { runs: number }): Promise<void> {
  const root = projectRoot(__dirname);
  process.chdir(root);
  const configs = readStacks(root);
  const cli = await findCli();
  const setting: Setting | undefined =
    "missing" in cli
      ? undefined
      : {
          root,
          configs,
          model: sandboxModel(),
          command: cli.command,
          seed: "bench",
          sdk: "whole",
          changes: [],
        };
  // The first run compiles the program and the pack if they are stale.
  await measure(process.execPath, [...scriptArguments(root, "plan"), "--quiet"], process.env);
  for (const [stack, config] of Object.entries(configs)) {
    const { seconds, mebibytes } = await plans(root, stack, runs);
    const whole: number[] = [];
    for (let i = 0; setting && i < runs; i++) whole.push(await preview(setting, stack, config));
    const share = setting ? seconds / median(whole) : undefined;
    const beside = share
      ? `${(share * 100).toFixed(0)} % of the engine's ${median(whole).toFixed(1)} s`
      : "the engine not measured: no pulumi on PATH";
    const missed = [
      seconds > LIMITS.seconds && `${LIMITS.seconds} s`,
      mebibytes > LIMITS.mebibytes && `${LIMITS.mebibytes} MiB`,
      (share ?? 0) > LIMITS.shareOfPreview && `${LIMITS.shareOfPreview * 100} % of a preview`,
    ].filter(Boolean);
    const verdict = missed.length > 0 ? `  over the limit of ${missed.join(", ")}` : "";
    console.log(
      `plan ${stack.padEnd(10)} ${seconds.toFixed(2)} s  ${mebibytes.toFixed(0)} MiB  ${beside}${verdict}`,
    );
    if (missed.length > 0) process.exitCode = 1;
  }
  const { shareOfPreview, seconds, mebibytes } = LIMITS;
  console.log(`limits: ${shareOfPreview * 100} % of the engine's preview, ${seconds} s, ${mebibytes} MiB`);
}

void runCommand(
  createCommand("bench plan", "Measures npm run plan; prints the median of several runs", {
    0: "within the limits",
    1: "beyond one of them",
  })
    .option("--runs <n>", "runs of each kind", Number, 3)
    .action(bench),
);
