import { Argument } from "commander";
import { stackNames } from "../../../stacks/files";
import { estimate } from "./price";
import { renderDifference, renderEstimate, renderLines, renderOptions } from "./render";
import { readPrices } from "./table";
import { planStack } from "../../../packages/offline-engine/planner";
import { readPlan } from "../plan/planOutput";
import { planDocument, type ResourceDocument } from "../render/plan";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { during, print } from "../../../packages/command/terminal";

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
  const plan = await during(`planning ${stack} ...`, () => planStack(root, stack));
  return planDocument(plan).resources;
}

async function run(stack: string, options: Options): Promise<void> {
  const prices = readPrices(root);
  const cost = estimate(await resourcesOf(stack, options.plan), prices);
  const base = options.diff === undefined ? undefined : estimate(readPlan(options.diff).resources, prices);
  if (options.json) {
    console.log(JSON.stringify({ stack, ...cost, ...(base && { before: base.total }) }, null, 2));
    return;
  }
  print(renderEstimate(stack, cost));
  if (base) print(renderDifference(base, cost));
  if (options.lines) print(renderLines(cost));
  if (options.options) print(renderOptions(prices, [[stack, cost]]));
}

export async function main(): Promise<void> {
  const stacks = stackNames(root);
  await runCommand(
    createCommand(
      "cost",
      "Prices a stack's plan offline, per component and month, from a dated table of list prices.",
      { 0: "priced", 1: "something in the plan has no price" },
    )
      .addArgument(new Argument("<stack>", `one of ${stacks.join(", ")}`))
      .option("--plan <file>", "price this plan (npm run plan -- <stack> --save file) instead of making one")
      .option("--diff <file>", "also show what changed against this earlier plan")
      .option("--lines", "also show every resource and item")
      .option("--options", "also show the report's options A to C")
      .option("--json", "print one JSON document")
      .action(run),
  );
}
