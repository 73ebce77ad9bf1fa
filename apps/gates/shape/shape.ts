import path from "node:path";
import { UsageError } from "../../../packages/command/errors";
import { writeFile } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { PROD_ENVIRONMENT } from "../../../packages/isolation/derive";
import { statementsOf } from "../../../policies/pack/statement";
import { planProject } from "../../tools/plan/planProject";
import type { RecordedShape } from "../../../policies/pack/statement/shapes";
import type { Shape } from "../../../policies/rules/shape";
import { readStacks } from "../../../stacks/files";
import { CONTROL } from "../../../stacks/controlFile";
import { CONTROL_PROJECT } from "../../../stacks/names";
import { PRODUCT, type StackConfig } from "../../../stacks/schema";
import { viewsOf } from "../weaken/measure";
import { mergeShapes, widened } from "./merge";
import { CONTROL_OPTIONS, OPTIONS } from "./options";
import { shapeOf } from "./record";

type Overrides = Readonly<Record<string, unknown>>;

interface Roles {
  readonly before: Overrides;
  /** During and after one. */
  readonly after: readonly Overrides[];
}

/** What a stack file says of its regions before, during and after a failover, as overrides of it. */
function rolesOf({ regions }: StackConfig): Roles {
  if (!regions.secondary) return { before: {}, after: [] };
  const roles = (primary: string, secondary: string): Overrides => ({
    "regions.primary.role": primary,
    "regions.secondary.role": secondary,
  });
  return {
    before: roles("serving", "standby"),
    after: [roles("standby", "serving"), roles("serving", "lost"), roles("lost", "serving")],
  };
}

/** A program of this repository; the platform's without a folder of its own. */
interface Place {
  readonly root: string;
  readonly project?: string;
}

/** @throws UsageError where the stack cannot be planned so: half a plan would be half a list */
async function shapeIn({ root, project }: Place, stack: string, overrides: Overrides): Promise<Shape> {
  const plan = await planProject(root, project, stack, { overrides });
  const errors = plan.deployment.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0)
    throw new UsageError(
      [
        `${stack} cannot be planned with ${JSON.stringify(overrides)}:`,
        ...errors.map((one) => one.message),
      ].join("\n"),
    );
  const resources = viewsOf(plan);
  return shapeOf({ resources, byUrn: new Map(resources.map((one) => [one.urn, one])) });
}

async function recorded(
  place: Place,
  stack: string,
  { before, after }: Roles,
  options: readonly Overrides[],
): Promise<RecordedShape> {
  const standing = await shapeIn(place, stack, before);
  const others: Shape[] = [];
  for (const overrides of after) others.push(await shapeIn(place, stack, overrides));
  const roles = mergeShapes([standing, ...others]);
  let all = roles;
  for (const option of options) all = widened(all, await shapeIn(place, stack, { ...before, ...option }));
  const ignored = (type: string): readonly string[] =>
    (type in roles.types ? standing : all).types[type]?.ignoreChanges ?? [];
  const types = Object.entries(all.types).map(([type, shape]) => [
    type,
    { ...shape, ignoreChanges: ignored(type) },
  ]);
  const more = Object.entries(all.types).map(([type, { ignoreChanges }]): [string, readonly string[]] => [
    type,
    ignoreChanges.filter((one) => !ignored(type).includes(one)),
  ]);
  return {
    types: Object.fromEntries(types) as Shape["types"],
    rights: all.rights,
    ignoredAfterFailover: Object.fromEntries(more.filter(([, paths]) => paths.length > 0)),
  };
}

export async function main(): Promise<void> {
  const root = projectRoot(__dirname);
  await runCommand(
    createCommand(
      "plan:update",
      "Rewrites policies/shape.json: types, properties, options and rights production's plans have, whatever its regions are for; and test/policies/expected/statement.json: what they must have.",
      {},
    ).action(async () => {
      const stacks = readStacks(root);
      const statements = Object.fromEntries(statementsOf(stacks));
      writeFile(
        path.join(root, "test/policies/expected/statement.json"),
        `${JSON.stringify(statements, null, 2)}\n`,
      );
      const shapes: Record<string, RecordedShape> = {};
      for (const [stack, config] of Object.entries(stacks)) {
        if (config.environment !== PROD_ENVIRONMENT) continue;
        shapes[`${PRODUCT}/${stack}`] = await recorded({ root }, stack, rolesOf(config), OPTIONS);
        shapes[`${CONTROL_PROJECT}/${stack}`] = await recorded(
          { root, project: CONTROL },
          stack,
          { before: {}, after: [] },
          CONTROL_OPTIONS,
        );
      }
      writeFile(path.join(root, "policies/shape.json"), `${JSON.stringify(shapes, null, 2)}\n`);
    }),
  );
}
