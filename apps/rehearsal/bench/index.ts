// Runs the benchmarks one after the other, so that they do not disturb each other.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { projectRoot } from "../../../packages/command/root";

const root = projectRoot(__dirname);
/** Files of this folder that other benchmarks are made of. */
const PARTS = new Set(["index", "measure"]);
const areas = fs
  .readdirSync(path.join(root, "apps/rehearsal/bench"))
  .flatMap((name) => /^(\w+)\.ts$/.exec(name)?.[1] ?? [])
  .filter((name) => !PARTS.has(name))
  .sort();

const command = new Command("bench")
  .description("Prints how long things take and how large they get")
  .argument("[areas...]", `what to measure: ${areas.join(", ")} (default: all)`)
  .parse();
const unknown = command.args.filter((area) => !areas.includes(area));
if (unknown.length > 0) {
  console.error(`${unknown.join(", ")}: not found; allowed: ${areas.join(", ")}`);
  process.exit(2);
}
for (const area of command.args.length > 0 ? command.args : areas) {
  console.log(`\n== ${area}`);
  const { status } = spawnSync(
    process.execPath,
    ["packages/command/run.mjs", `apps/rehearsal/bench/${area}.ts`],
    {
      cwd: root,
      stdio: "inherit",
    },
  );
  if (status !== 0) process.exitCode = 1;
}
