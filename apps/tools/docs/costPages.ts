import fs from "node:fs";
import path from "node:path";
import { stackNames } from "../../../stacks/files";
import { estimate } from "../cost/price";
import { renderEstimate, renderOptions } from "../cost/render";
import { PRICE_FILE, readPrices } from "../cost/table";
import type { PlanDocument } from "../render/plan";

/** `docs/cost.md`: what the golden plans cost, and the report's options. */
export function renderCost(root: string): string {
  const prices = readPrices(root);
  const stacks = stackNames(root).map((stack) => {
    const plan = JSON.parse(
      fs.readFileSync(path.join(root, `test/expected/${stack}.json`), "utf8"),
    ) as PlanDocument;
    return [`## ${stack}`, "", renderEstimate(stack, estimate(plan.resources, prices))].join("\n");
  });
  return [
    "# Cost",
    "",
    `<!-- Generated from the golden plans and ${PRICE_FILE} by \`npm run docs\`. -->`,
    "",
    `Estimates from list prices of ${prices.date} in ${prices.regions.join(" and ")}, written down in [the price table](../${PRICE_FILE}) with the page each comes from. They were entered by hand and are good to about ±15 %; compare two plans rather than trust one. Usage that no plan shows (logs, requests, gigabytes) stands in the same table.`,
    "",
    "```bash",
    "npm run -s cost -- prod --lines",
    "npm run -s cost -- prod --diff earlier-plan.json",
    "```",
    "",
    "A size or type without a price is an error, so that nothing new is free by mistake. Every pull request shows what it changes.",
    "",
    ...stacks,
    "## The report's options",
    "",
    "The report (§11.4) estimates 0 (A), 175-250 (B) and more than 500 dollars a month (C) for four components. This platform is beyond C in what it survives; the difference is the second region, the cluster's SLA and the private network.",
    "",
    renderOptions(prices),
  ].join("\n");
}
