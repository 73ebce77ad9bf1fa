/**
 * Measures `npm run plan` as a user runs it, policies included: how long it takes, beside the time Node needs to load
 * Pulumi's SDK alone, and how large its largest process gets.
 */
import { Command } from "commander";
import { stacksIn } from "../../../packages/offline-engine/config";
import { projectRoot } from "../../../packages/command/root";
import { median, measure, scriptArguments } from "./measure";

const MIB = 1024 * 1024;
/** What the plan promises, on two free cores. */
const LIMITS = { seconds: 6, timesTheSdk: 3, mebibytes: 300 };

interface Row {
  what: string;
  seconds: number;
  mebibytes: number;
}

async function repeat(what: string, times: number, args: string[]): Promise<Row> {
  const runs = [];
  for (let i = 0; i < times; i++) runs.push(await measure(process.execPath, args, process.env));
  return {
    what,
    seconds: median(runs.map((run) => run.seconds)),
    mebibytes: Math.max(...runs.map((run) => run.peakBytes)) / MIB,
  };
}

async function main(): Promise<void> {
  const { runs } = new Command("plan")
    .description("Measures npm run plan; prints the median of several runs")
    .option("--runs <n>", "runs of each kind", Number, 5)
    .parse()
    .opts<{ runs: number }>();
  const root = projectRoot(__dirname);
  process.chdir(root);
  const sdk = await repeat("load @pulumi/pulumi", runs, ["-e", `require("@pulumi/pulumi")`]);
  const rows = [sdk];
  // The first run compiles the policy pack if it is stale.
  await measure(process.execPath, [...scriptArguments(root, "plan"), "--quiet"], process.env);
  for (const stack of stacksIn(root)) {
    rows.push(await repeat(`plan ${stack}`, runs, [...scriptArguments(root, "plan"), stack, "--quiet"]));
  }
  for (const { what, seconds, mebibytes } of rows) {
    const times = (seconds / sdk.seconds).toFixed(1);
    console.log(
      `${what.padEnd(22)} ${seconds.toFixed(2).padStart(6)} s  ${times.padStart(5)} × the SDK  ${mebibytes.toFixed(0).padStart(4)} MiB`,
    );
  }
  const { seconds, timesTheSdk, mebibytes } = LIMITS;
  console.log(`limits for a plan: ${seconds} s, ${timesTheSdk} × the SDK, ${mebibytes} MiB`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
