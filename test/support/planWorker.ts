// Plans one stack in a process of its own and prints the outcome as JSON; started by test/support/plan.ts.
import { planStack } from "../../sandbox/planner";
import { planDocument } from "../../sandbox/render/plan";
import type { PlanRequest } from "./plan";

const request = JSON.parse(process.argv[2] ?? "") as PlanRequest;

planStack(request.root, request.stack, { overrides: request.config, resolve: request.resolve }).then(
  (plan) => {
    const { diagnostics } = plan.deployment;
    process.stdout.write(JSON.stringify({ ...planDocument(plan), diagnostics }));
  },
  (error: unknown) => {
    console.error(error instanceof Error ? (error.stack ?? error.message) : error);
    process.exitCode = 1;
  },
);
