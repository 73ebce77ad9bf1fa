import { planStack } from "./planner";
import { projectRoot } from "./root";
(async () => {
  const p = await planStack(projectRoot(__dirname), process.argv[2] ?? "prod", { resolve: process.argv.includes("--resolve") });
  for (const r of p.deployment.resources.values()) console.log(r.urn);
  for (const d of p.deployment.diagnostics) console.log(d.severity, d.urn, d.message.slice(0, 600));
  console.log(p.deployment.resources.size);
})();
