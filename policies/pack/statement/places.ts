import { PLACES, roleOf } from "../../../stacks/roles";
import type { StackConfig } from "../../../stacks/schema";

/** Places of the program whose region is not lost. */
export const present = (config: StackConfig) =>
  PLACES.filter((place) => !["lost", undefined].includes(roleOf(config, place)));

/** The same expectations below a path. */
export const nested = (prefix: string, paths: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(paths).map(([path, expected]) => [`${prefix}.${path}`, expected]));
