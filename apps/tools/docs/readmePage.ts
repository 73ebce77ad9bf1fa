import fs from "node:fs";
import path from "node:path";

const [BEGIN, END] = ["<!-- diagram:begin -->", "<!-- diagram:end -->"];

/**
 * `README.md` with the picture of the production plan between its markers; everything else is written by hand.
 * @throws Error when the markers are gone.
 */
export function renderReadme(root: string): string {
  const text = fs.readFileSync(path.join(root, "README.md"), "utf8");
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md lacks ${BEGIN} or ${END}`);
  const diagram = fs.readFileSync(path.join(root, "test/expected/prod.mmd"), "utf8").trim();
  return [before + BEGIN, "", "```mermaid", diagram, "```", "", END + after].join("\n");
}
