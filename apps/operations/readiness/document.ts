import path from "node:path";

/** Where the last readiness check of a stack is kept. */
export const readinessFile = (folder: string, stack: string): string =>
  path.join(folder, `readiness-${stack}.json`);
