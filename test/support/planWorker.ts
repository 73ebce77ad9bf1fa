// Plans stacks in a process of its own and prints the outcomes as JSON; started by test/support/plan.ts.
import { planStack } from "../../packages/offline-engine/planner";
import { planDocument } from "../../apps/tools/render/plan";
import type { PlanRequest } from "./plan";

async function main(requests: PlanRequest[]): Promise<void> {
  const outcomes: unknown[] = [];
  for (const { root, stack, config, resolve } of requests) {
    const plan = await planStack(root, stack, { overrides: config, resolve });
    outcomes.push({ ...planDocument(plan), diagnostics: plan.deployment.diagnostics });
  }
  process.stdout.write(JSON.stringify(outcomes));
}

main(JSON.parse(process.argv[2] ?? "") as PlanRequest[]).catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
});
