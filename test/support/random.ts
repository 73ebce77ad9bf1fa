/**
 * What everything random in a test is drawn from: the same in every run, so that a failure is the change's own and comes
 * again. `TEST_SEED` sets another, as the weekly run does.
 */
export const SEED = Number(process.env["TEST_SEED"] ?? 20261129);

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
