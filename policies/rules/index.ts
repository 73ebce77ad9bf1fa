import type { Rule } from "../rule";

/** What prod may not be, and what Azure refuses. */
export const rules: readonly Rule[] = [];
