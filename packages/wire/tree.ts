/** Stands for a value Pulumi does not know yet. It takes the place of the value anywhere in a tree. */
export const UNKNOWN: unique symbol = Symbol("unknown until the update");

/** A property tree: plain data, with {@link UNKNOWN} where a value is not known yet. Reading it never throws. */
export type Value = null | boolean | number | string | typeof UNKNOWN | readonly Value[] | Tree;

/** A property map. Assets appear as `{ text }`, `{ path }` or `{ uri }`, archives as `{ assets }`, `{ path }` or `{ uri }`. */
export interface Tree {
  readonly [key: string]: Value;
}
