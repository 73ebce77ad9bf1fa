import fs from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { sandboxModel } from "../packages/emulated-azure/model";
import { differences } from "../packages/emulated-azure/model/paths";
import type { Tree } from "../packages/emulated-azure/model/types";
import { stacksIn } from "../packages/offline-engine/config";
import { nameOf } from "../packages/wire/urn";
import { diffPlans, renderDiff } from "../apps/tools/render/diff";
import { formatDocument, PlanDocument } from "../apps/tools/render/plan";
import { projectRoot } from "../packages/command/root";
import { planStack } from "./support/plan";

const ROOT = projectRoot(__dirname);
const HINT = "npm run plan:update rewrites the expected plans, once every difference is wanted";

/** Dependencies that changed: they decide the order of an update, and no comparison of properties shows them. */
function orderChanges(before: PlanDocument, after: PlanDocument): string[] {
  const old = new Map(before.resources.map((resource) => [resource.urn, resource]));
  return after.resources.flatMap((resource) => {
    const earlier = old.get(resource.urn);
    if (!earlier) return [];
    const gone = earlier.dependencies.filter((urn) => !resource.dependencies.includes(urn));
    const added = resource.dependencies.filter((urn) => !earlier.dependencies.includes(urn));
    const changed = [
      ...added.map((urn) => `    waits for ${nameOf(urn)} now`),
      ...gone.map((urn) => `    no longer waits for ${nameOf(urn)}`),
    ];
    return changed.length > 0 ? [`~ order of ${nameOf(resource.urn)}`, ...changed] : [];
  });
}

/** Everything else, such as where a property's value comes from. */
function remaining(before: PlanDocument, after: PlanDocument): string[] {
  const byUrn = ({ resources }: PlanDocument): Tree =>
    Object.fromEntries(resources.map((resource) => [nameOf(resource.urn), resource as unknown as Tree]));
  return differences(byUrn(before), byUrn(after));
}

/** What a reader has to know about two plans that are not the same text; empty when they are. */
export function explain(before: PlanDocument, after: PlanDocument): string {
  if (formatDocument(before) === formatDocument(after)) return "";
  const changes = diffPlans(before, after, sandboxModel());
  const order = orderChanges(before, after);
  const lines = [...(changes.length > 0 ? [stripVTControlCharacters(renderDiff(changes))] : []), ...order];
  return [...(lines.length > 0 ? lines : remaining(before, after)), HINT].join("\n");
}

test("what production may consist of is written before a plan is judged by it", () => {
  const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const programs = [...(scripts["plan:update"] ?? "").matchAll(/run\.mjs (\S+)/g)].map(([, file]) => file);
  expect(programs).toEqual([
    "apps/gates/shape/shape.ts",
    "apps/tools/plan/plan.ts",
    "apps/tools/plan/plan.ts",
  ]);
});

test("every stack has an expected plan, and no other has", () => {
  const expected = fs.readdirSync(path.join(ROOT, "test/expected")).filter((name) => name.endsWith(".json"));
  expect(expected.sort()).toEqual(stacksIn(ROOT).map((stack) => `${stack}.json`));
});

test.each(stacksIn(ROOT))("%s is planned as test/expected says", async (stack) => {
  const file = path.join(ROOT, `test/expected/${stack}.json`);
  const before = JSON.parse(fs.readFileSync(file, "utf8")) as PlanDocument;
  const { resources, errors } = await planStack(stack);
  expect(errors).toEqual([]);
  const difference = explain(before, { resources });
  if (difference !== "")
    throw new Error(`${stack} is not what test/expected/${stack}.json says:\n${difference}`);
});

test.each(stacksIn(ROOT))(
  "what %s is deployed from is planned as test/expected/control says",
  async (stack) => {
    const file = path.join(ROOT, `test/expected/control/${stack}.json`);
    const before = JSON.parse(fs.readFileSync(file, "utf8")) as PlanDocument;
    const { resources, errors } = await planStack(stack, { root: path.join(ROOT, "control") });
    expect(errors).toEqual([]);
    const difference = explain(before, { resources });
    if (difference !== "")
      throw new Error(`${stack} is not what test/expected/control/${stack}.json says:\n${difference}`);
  },
);

test("a difference is told in words", () => {
  const resource = (over: object) => ({
    urn: "urn:pulumi:s::p::azure-native:storage:StorageAccount::backups",
    custom: true,
    type: "azure-native:storage:StorageAccount",
    inputs: { location: "westeurope" },
    protect: true,
    dependencies: [],
    propertyDependencies: {},
    options: {},
    ...over,
  });
  const before = { resources: [resource({})] };
  expect(explain(before, { resources: [resource({})] })).toBe("");
  expect(explain(before, { resources: [resource({ inputs: { location: "northeurope" } })] })).toBe(
    [
      "0 added, 0 changed, 1 replaced, 0 removed",
      "± replaced storage:StorageAccount backups  ← protected, holds data: would be replaced; what to do instead: docs/changing.md",
      '    location: "westeurope" → "northeurope"  (replaces)',
      HINT,
    ].join("\n"),
  );
  expect(explain(before, { resources: [resource({ dependencies: ["urn:pulumi:s::p::t::group"] })] })).toBe(
    ["~ order of backups", "    waits for group now", HINT].join("\n"),
  );
  expect(explain(before, { resources: [resource({ propertyDependencies: { location: ["x"] } })] })).toBe(
    ["backups.propertyDependencies.location", HINT].join("\n"),
  );
});
