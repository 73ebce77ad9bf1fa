import fs from "node:fs";
import { planStack } from "./planner";
import { projectRoot } from "./root";
import { formatDocument, planDocument } from "./render/plan";
(async () => {
  const p = await planStack(projectRoot(__dirname), process.argv[2] ?? "prod", {
    resolve: process.argv.includes("--resolve"),
  });
  for (const d of p.deployment.diagnostics) console.log(d.severity, d.urn, d.message.slice(0, 600));
  const text = formatDocument(planDocument(p));
  fs.writeFileSync("/tmp/sbx/plan.json", text);
  console.log(p.deployment.resources.size, text.length);
})();
