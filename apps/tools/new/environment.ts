import fs from "node:fs";
import path from "node:path";
import { UsageError } from "../../../packages/command/errors";
import { type Plan, planStack } from "../../../packages/offline-engine/planner";
import { buildPack } from "../../../policies/pack/build";
import { catalogue } from "../../../policies/pack/catalogue";
import { explained } from "../../../policies/pack/mend";
import { borrowed } from "../../../stacks/borrowed";
import { readStacks, stackNames } from "../../../stacks/files";
import { ConfigError, formatPath } from "../../../stacks/problems";
import { pages } from "../docs/pages";
import { succeeded } from "../plan/planOutput";
import { renderMermaid } from "../render/mermaid";
import { formatDocument, planDocument } from "../render/plan";
import { renderProblems } from "../render/report";
import { environmentFile, type NewEnvironment } from "./environmentFile";
import { allOrNothing } from "./interrupted";
import type { Made } from "./made";

function check(root: string, { name, like, subscription, shortName }: NewEnvironment): void {
  const known = stackNames(root);
  const problems = [
    ...(/^[a-z][a-z0-9-]{1,19}$/.test(name)
      ? []
      : [`environment ${name}: allowed: 2-20 lower-case letters, digits or hyphens, starting with a letter`]),
    ...(known.includes(name)
      ? [`environment ${name}: exists; allowed: a name that is not ${known.join(", ")}`]
      : []),
    ...wordsTaken(root, name),
    ...(known.includes(like) ? [] : [`--like ${like}: not found; allowed: ${known.join(", ")}`]),
    ...(subscription === undefined || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(subscription)
      ? []
      : [`--subscription ${subscription}: allowed: the id of a subscription, a GUID`]),
    ...(shortName === undefined || /^[a-z][a-z0-9]{1,3}$/.test(shortName)
      ? []
      : [`--short-name ${shortName}: allowed: 2-4 lower-case letters or digits, starting with a letter`]),
  ];
  if (problems.length > 0) throw new UsageError(problems);
}

/** Where another environment has the name among its own: from then on it would be taken for the new one's. */
function wordsTaken(root: string, name: string): string[] {
  return Object.entries(readStacks(root)).flatMap(([stack, config]) =>
    borrowed(config, { environment: name }).map(
      ({ path: key, found }) =>
        `environment ${name}: stands in ${formatPath(key)} of Pulumi.${stack}.yaml (${String(found)}), which would be taken for its own; allowed: a name that no environment has in its hosts, channels, groups or databases`,
    ),
  );
}

/**
 * Makes a stack file, its expected plan and picture, and writes the generated pages again.
 * @throws UsageError for wrong names, and when the new stack cannot be planned or a policy forbids it; nothing is left then.
 */
export async function newEnvironment(root: string, wanted: NewEnvironment): Promise<Made> {
  check(root, wanted);
  const { name, subscription } = wanted;
  const file = `Pulumi.${name}.yaml`;
  const expected = `test/expected/${name}`;
  const control = { file: `control/${file}`, expected: `test/expected/control/${name}.json` };
  const written = [file, `${expected}.json`, `${expected}.mmd`, control.file, control.expected];
  const pagesBefore = new Map(
    pages(root).map((page) => [page.file, fs.readFileSync(path.join(root, page.file), "utf8")]),
  );
  const undo = () => {
    for (const one of written) fs.rmSync(path.join(root, one), { force: true });
    for (const [page, text] of pagesBefore)
      if (fs.readFileSync(path.join(root, page), "utf8") !== text)
        fs.writeFileSync(path.join(root, page), text);
  };
  return allOrNothing(undo, async () => {
    fs.writeFileSync(path.join(root, file), environmentFile(root, wanted));
    fs.writeFileSync(path.join(root, control.file), controlFile(root, wanted));
    readStacks(root);
    const plan = await planned(root, ".", wanted);
    const deployedFrom = await planned(root, "control", wanted);
    fs.writeFileSync(path.join(root, control.expected), formatDocument(planDocument(deployedFrom)));
    fs.writeFileSync(path.join(root, `${expected}.json`), formatDocument(planDocument(plan)));
    fs.writeFileSync(
      path.join(root, `${expected}.mmd`),
      renderMermaid([...plan.deployment.resources.values()], plan.model),
    );
    const changed = await writePages(root);
    return {
      files: [...written, ...changed],
      next: [
        ...(subscription === undefined
          ? [`put the id of its subscription into ${file}: azure.subscriptionId is made up (az account list)`]
          : []),
        `put its groups into ${file}: the ids in entraAdministrators and adminGroupObjectIds are made up`,
        `npm run plan -- ${name}: what it is, costs and lacks`,
        `docs/deploying.md: its subscription, identities, GitHub environments (${name}, ${name}-read, ${name}-copy, ${name}-preview) and runners`,
      ],
    };
  }).catch((error: unknown) => {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  });
}

/** @throws UsageError when it cannot be planned, or a policy forbids it */
async function planned(root: string, project: string, { name, like }: NewEnvironment): Promise<Plan> {
  const plan = await planStack(path.join(root, project), name, { packRoot: root, policies: buildPack });
  if (succeeded(plan)) return plan;
  // The command that shows whether a fix helps needs the stack, which is not kept.
  const violations = explained(plan.violations, catalogue(), name).map((found) => ({ ...found, fix: "" }));
  const others = Object.entries(readStacks(root)).flatMap(([stack, { environment }]) =>
    environment === "prod" || stack === name ? [] : [stack],
  );
  throw new UsageError([
    `environment ${name}: like ${like} it must not be deployed:\n${renderProblems({ ...plan, violations }, 100)}`,
    `--like ${like}: allowed: a stack with sizes for ${name}, such as ${others.join(", ")}; its own file then says what differs`,
  ]);
}

/** Stack file of what the environment is deployed from: no value of its own stands there. */
function controlFile(root: string, { name, like }: NewEnvironment): string {
  const text = fs.readFileSync(path.join(root, `control/Pulumi.${like}.yaml`), "utf8");
  return text
    .replace(`# What ${like} is`, `# What ${name} is`)
    .replace(`../Pulumi.${like}.yaml`, `../Pulumi.${name}.yaml`);
}

/** Writes the generated pages that changed, and gives their names. */
async function writePages(root: string): Promise<string[]> {
  const changed: string[] = [];
  for (const page of pages(root)) {
    const file = path.join(root, page.file);
    const text = await page.render();
    if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === text) continue;
    fs.writeFileSync(file, text);
    changed.push(page.file);
  }
  return changed;
}
