/** Clocks further apart than this are wrong, not merely late: a request takes less. */
export const TOLERATED_SKEW_SECONDS = 300;

export const secondsBetween = (earlier: Date, later: Date) => (later.getTime() - earlier.getTime()) / 1000;

/** A warning when two clocks disagree, or undefined. */
export function skewWarning(what: string, other: Date, runner: Date): string | undefined {
  const ahead = secondsBetween(other, runner);
  if (Math.abs(ahead) <= TOLERATED_SKEW_SECONDS) return undefined;
  return `this machine's clock is ${Math.abs(ahead).toFixed(0)} s ${ahead > 0 ? "ahead of" : "behind"} the ${what}'s`;
}
