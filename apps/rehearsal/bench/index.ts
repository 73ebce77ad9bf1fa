// Runs the benchmarks one after the other, so that they do not disturb each other.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { UsageError } from "../../../packages/command/errors";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";

const root = projectRoot(__dirname);
/** Files of this folder that other benchmarks are made of. */
const PARTS = new Set(["index", "measure"]);
const areas = fs
  .readdirSync(path.join(root, "apps/rehearsal/bench"))
  .flatMap((name) => /^(\w+)\.ts$/.exec(name)?.[1] ?? [])
  .filter((name) => !PARTS.has(name))
  .sort();

function measure(named: readonly string[]): void {
  const unknown = named.filter((area) => !areas.includes(area));
  if (unknown.length > 0)
    throw new UsageError(`${unknown.join(", ")}: not found; allowed: ${areas.join(", ")}`);
  for (const area of named.length > 0 ? named : areas) {
    console.log(`\n== ${area}`);
    const { status } = spawnSync(
      process.execPath,
      ["packages/command/run.mjs", `apps/rehearsal/bench/${area}.ts`],
      { cwd: root, stdio: "inherit" },
    );
    if (status !== 0) process.exitCode = 1;
  }
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("bench", "Prints how long things take and how large they get.", {
      0: "within the limits",
      1: "beyond one, or not measured",
    })
      .argument("[areas...]", `what to measure: ${areas.join(", ")} (default: all)`)
      .action(measure),
  );
}
