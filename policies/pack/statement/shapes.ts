import { PLACES, roleOf } from "../../../stacks/roles";
import type { StackConfig } from "../../../stacks/schema";
import type { Shape, Shapes, Standing } from "../../rules/shape";
import recorded from "../../shape.json";

/** What is recorded of one production stack. */
export interface RecordedShape extends Omit<Shape, "standing"> {
  /** What is so while its regions are for one of these: see {@link rolesIn}. */
  readonly standing: readonly (Standing & { readonly roles: readonly string[] })[];
}

/** policies/shape.json: by `project/stack`, as `npm run plan:update` derives it from the expected plans. */
export type RecordedShapes = Readonly<Record<string, RecordedShape>>;

/** What a stack's regions are for now, in the order of its places, e.g. `serving standby`. */
export const rolesIn = (config: Pick<StackConfig, "regions">): string =>
  PLACES.map((place) => roleOf(config, place) ?? "none").join(" ");

/** A stack whose regions are for what no plan was made for is held against no single resource. */
function now({ types, rights, standing }: RecordedShape, config: StackConfig | undefined): Shape {
  const roles = config && rolesIn(config);
  const own = standing.filter((one) => roles !== undefined && one.roles.includes(roles));
  return {
    types,
    rights,
    standing: {
      resources: own.flatMap(({ resources }) => resources),
      wiring: own.flatMap(({ wiring }) => wiring),
      ignoreChanges: own.flatMap(({ ignoreChanges }) => ignoreChanges),
    },
  };
}

/** What production stacks consist of, as their regions stand now. */
export function shapesOf(stacks: Readonly<Record<string, StackConfig>>): Shapes {
  return new Map(
    Object.entries(recorded as unknown as RecordedShapes).map(([of, shape]) => [
      of,
      now(shape, stacks[of.split("/")[1] ?? ""]),
    ]),
  );
}
