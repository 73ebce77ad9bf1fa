/** Least percentage of mutants that tests must notice. */
export const LEAST_SCORE = 85;
