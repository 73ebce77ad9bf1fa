import { PLACES, roleOf, servingPlace } from "../../../stacks/roles";
import type { StackConfig } from "../../../stacks/schema";
import type { Shape, Shapes } from "../../rules/shape";
import recorded from "../../shape.json";

/** What is recorded of one production stack. */
export interface RecordedShape extends Shape {
  /**
   * Paths its plan ignores only after a failover, by type: a server that follows another, and what is in a region that is
   * lost, can be changed by nobody.
   */
  readonly ignoredAfterFailover: Readonly<Record<string, readonly string[]>>;
}

/** policies/shape.json: by `project/stack`, as `npm run plan:update` derives it from the expected plans. */
export type RecordedShapes = Readonly<Record<string, RecordedShape>>;

/** Whether a region other than the one the names were made for serves, or one is lost. */
const isFailedOver = (config: StackConfig): boolean =>
  servingPlace(config) !== PLACES[0] || PLACES.some((place) => roleOf(config, place) === "lost");

function now({ types, rights, ignoredAfterFailover }: RecordedShape, failedOver: boolean): Shape {
  if (!failedOver) return { types, rights };
  const open = Object.entries(types).map(([type, shape]) => [
    type,
    { ...shape, ignoreChanges: [...shape.ignoreChanges, ...(ignoredAfterFailover[type] ?? [])] },
  ]);
  return { types: Object.fromEntries(open) as Shape["types"], rights };
}

/** What production stacks consist of, as their regions stand now. */
export function shapesOf(stacks: Readonly<Record<string, StackConfig>>): Shapes {
  return new Map(
    Object.entries(recorded as unknown as RecordedShapes).map(([of, shape]) => {
      const config = stacks[of.split("/")[1] ?? ""];
      return [of, now(shape, config !== undefined && isFailedOver(config))];
    }),
  );
}
