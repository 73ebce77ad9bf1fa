import { Command, CommanderError } from "commander";
import { stackNames } from "../../../stacks/files";
import { estimate } from "./price";
import { renderDifference, renderEstimate, renderLines, renderOptions } from "./render";
import { readPrices, UnknownPrice } from "./table";
import { planStack } from "../../../packages/offline-engine/planner";
import { readPlan } from "../plan/planOutput";
import { planDocument, type ResourceDocument } from "../render/plan";
import { projectRoot } from "../../../packages/command/root";

interface Options {
  plan?: string;
  diff?: string;
  lines?: boolean;
  options?: boolean;
  json?: boolean;
}

const root = projectRoot(__dirname);

async function resourcesOf(stack: string, file: string | undefined): Promise<readonly ResourceDocument[]> {
  if (file !== undefined) return readPlan(file).resources;
  return planDocument(await planStack(root, stack)).resources;
}

async function run(stack: string, options: Options): Promise<void> {
  const prices = readPrices(root);
  const cost = estimate(await resourcesOf(stack, options.plan), prices);
  const base = options.diff === undefined ? undefined : estimate(readPlan(options.diff).resources, prices);
  if (options.json) {
    console.log(JSON.stringify({ stack, ...cost, ...(base && { before: base.total }) }, null, 2));
    return;
  }
  console.log(renderEstimate(stack, cost));
  if (base) console.log(renderDifference(base, cost));
  if (options.lines) console.log(renderLines(cost));
  if (options.options) console.log(renderOptions(prices));
}

async function main(): Promise<void> {
  const program = new Command("cost")
    .description("Prices a stack's plan offline, per component and month, from a dated table of list prices.")
    .argument("<stack>", `one of ${stackNames(root).join(", ")}`)
    .option("--plan <file>", "price this plan (npm run plan -- <stack> --json file) instead of making one")
    .option("--diff <file>", "also show what changed against this earlier plan")
    .option("--lines", "also show every resource and item")
    .option("--options", "also show the report's options A to C")
    .option("--json", "print one JSON document")
    .exitOverride()
    .addHelpText(
      "after",
      "\nExit codes:\n  0  priced\n  1  something in the plan has no price\n  2  wrong usage or configuration\n",
    );
  try {
    await program.parseAsync();
    await run(program.args[0] ?? "", program.opts<Options>());
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.code === "commander.helpDisplayed" ? 0 : 2;
      return;
    }
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = error instanceof UnknownPrice ? 1 : 2;
  }
}

void main();
