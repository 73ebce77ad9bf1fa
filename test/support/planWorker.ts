// Plans stacks in a process of its own, one after another, as test/support/plan.ts asks; ends with who asks.
import fs from "node:fs";
import path from "node:path";
import { planStack } from "../../packages/offline-engine/planner";
import { planProject } from "../../apps/tools/plan/planProject";
import { renderMermaid } from "../../apps/tools/render/mermaid";
import { planDocument } from "../../apps/tools/render/plan";
import { projectRoot } from "../../packages/command/root";
import { buildPack } from "../../policies/pack/build";
import type { PlanAnswer, PlanJob } from "./plan";

async function answer({ request, file }: PlanJob): Promise<PlanAnswer> {
  const { root, stack, config, resolve, judged } = request;
  try {
    const policies = judged ? buildPack : undefined;
    const own = projectRoot(__dirname);
    const project = path.relative(own, root);
    const options = { overrides: config, resolve, policies };
    const plan = await (project.startsWith("..")
      ? planStack(root, stack, { ...options, packRoot: own })
      : planProject(own, project === "" ? undefined : project, stack, options));
    if (judged && typeof plan.pack === "string") throw new Error(plan.pack);
    const draft = `${file}.${process.pid}`;
    const { deployment, model, violations } = plan;
    const picture = renderMermaid([...deployment.resources.values()], model);
    const outcome = { ...planDocument(plan), violations, diagnostics: deployment.diagnostics, picture };
    fs.writeFileSync(draft, JSON.stringify(outcome));
    fs.renameSync(draft, file);
    return {};
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

process.on("disconnect", () => process.exit());
process.on("message", (job: PlanJob) => void answer(job).then((said) => process.send?.(said)));
