import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { dump } from "js-yaml";
import { writeFile } from "../../../packages/command/files";
import { readOverridden } from "../../../packages/offline-engine/config";
import { type Plan, type PlanOptions, planStack } from "../../../packages/offline-engine/planner";
import { CONTROL } from "../../../stacks/controlFile";

/**
 * Plans a program of this repository, judged by its one policy pack. Overrides are laid over the platform's stack file,
 * which the control plane's program takes its values from too.
 * @param project folder of the program; the platform's when absent
 * @throws UsageError as {@link planStack} does
 */
export function planProject(
  root: string,
  project: string | undefined,
  stack: string,
  { overrides = {}, ...options }: PlanOptions = {},
): Promise<Plan> {
  const folder = path.join(root, project ?? ".");
  const judged = { ...options, packRoot: root };
  if (project !== CONTROL || Object.keys(overrides).length === 0)
    return planStack(folder, stack, { ...judged, overrides });
  return planStack(folder, stack, { ...judged, runIn: laidOver(root, project, stack, overrides) });
}

const SETTINGS = /^Pulumi.*\.yaml$/;

/** Folder of the program beside which the stack file lies with the overrides, and every other one as it is. */
function laidOver(
  root: string,
  project: string,
  stack: string,
  overrides: Readonly<Record<string, unknown>>,
): string {
  const { document, values } = readOverridden(root, stack, overrides);
  const changed = dump({ ...document, config: values });
  const files = [".", project].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder))
      .filter((name) => SETTINGS.test(name))
      .map((name) => path.join(folder, name)),
  );
  const texts = files.map((file): [string, string] => [
    file,
    file === `Pulumi.${stack}.yaml` ? changed : fs.readFileSync(path.join(root, file), "utf8"),
  ]);
  const digest = createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
  const folder = path.join(root, ".build/overridden", digest);
  for (const [file, text] of texts) writeFile(path.join(folder, file), text);
  return path.join(folder, project);
}
