import path from "node:path";
import { UsageError } from "../../../packages/command/errors";
import { writeFile } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { PROD_ENVIRONMENT } from "../../../packages/isolation/derive";
import { statementsOf } from "../../../policies/pack/statement";
import { planProject } from "../../tools/plan/planProject";
import type { RecordedShape } from "../../../policies/pack/statement/shapes";
import { kindOf, type Shape, type TypeShape } from "../../../policies/rules/shape";
import { readStacks } from "../../../stacks/files";
import { CONTROL } from "../../../stacks/controlFile";
import { CONTROL_PROJECT } from "../../../stacks/names";
import { PRODUCT } from "../../../stacks/schema";
import { AT_REST, type Overrides, roleStates, type RoleState } from "../states";
import { viewsOf } from "../weaken/measure";
import { mergeShapes, widened } from "./merge";
import { CONTROL_OPTIONS, OPTIONS, REDUCTIONS } from "./options";
import { shapeOf } from "./record";
import { standingIn } from "./standing";

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
  states: readonly [RoleState, ...RoleState[]],
  others: { readonly options: readonly Overrides[]; readonly reductions: readonly Overrides[] },
): Promise<RecordedShape> {
  const [{ overrides: before }] = states;
  const plannedAs = async (all: readonly Overrides[]): Promise<Shape[]> => {
    const shapes: Shape[] = [];
    for (const overrides of all) shapes.push(await shapeIn(place, stack, { ...before, ...overrides }));
    return shapes;
  };
  const [first, ...rest] = states;
  const atRest = { roles: first.roles, ...(await shapeIn(place, stack, before)) };
  const after = await plannedAs(rest.map(({ overrides }) => overrides));
  const options = await plannedAs(others.options);
  const reductions = await plannedAs(others.reductions);
  const roles = mergeShapes([atRest, ...after]);
  const all = options.reduce(widened, roles);
  const ignored = (type: string): readonly string[] =>
    (type in roles.types ? atRest : all).types[type]?.ignoreChanges ?? [];
  const types = Object.entries(all.types).map(([type, shape]): [string, TypeShape] => [
    type,
    { ...shape, ignoreChanges: ignored(type) },
  ]);
  const open = new Set(
    types.flatMap(([type, shape]) => shape.ignoreChanges.map((path) => `${kindOf(type)} ${path}`)),
  );
  return {
    types: Object.fromEntries(types) as Shape["types"],
    rights: all.rights,
    standing: standingIn(
      [atRest, ...after.map((shape, at) => ({ roles: rest[at]?.roles ?? [], ...shape }))],
      [...options, ...reductions].map(({ standing }) => standing),
      (line) => {
        const [kind = "", , path = ""] = line.split(" ");
        return open.has(`${kind} ${path}`);
      },
    ),
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
        const states = roleStates(config);
        shapes[`${PRODUCT}/${stack}`] = await recorded({ root }, stack, states, {
          options: OPTIONS,
          reductions: REDUCTIONS,
        });
        shapes[`${CONTROL_PROJECT}/${stack}`] = await recorded(
          { root, project: CONTROL },
          stack,
          // It is the same whatever the regions are for.
          [{ name: AT_REST, roles: states.flatMap(({ roles }) => roles), overrides: {} }],
          { options: CONTROL_OPTIONS, reductions: [] },
        );
      }
      writeFile(path.join(root, "policies/shape.json"), `${JSON.stringify(shapes, null, 2)}\n`);
    }),
  );
}
