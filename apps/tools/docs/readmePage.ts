import fs from "node:fs";
import path from "node:path";
import { architectureOf } from "../render/architecture";
import { drawArchitecture } from "../render/drawing";
import type { PlanDocument } from "../render/plan";
import { filledPage } from "./marked";

/** Where the picture of the production plan is kept. */
export const ARCHITECTURE_FILE = "docs/architecture.svg";

/** The production plan as a picture. */
export function renderArchitecture(root: string): string {
  const file = path.join(root, "test/expected/prod.json");
  const plan = JSON.parse(fs.readFileSync(file, "utf8")) as PlanDocument;
  return drawArchitecture(architectureOf(plan), "Architecture of production");
}

/**
 * `README.md` with the picture of the production plan between its markers; everything else is written by hand.
 * @throws Error when the markers are gone.
 */
export function renderReadme(root: string): string {
  const picture = `![Architecture of production, drawn from its plan](${ARCHITECTURE_FILE})`;
  return filledPage(root, "README.md", "diagram", picture);
}
