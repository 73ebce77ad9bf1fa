import { canonical, percentDecoded } from "./text";

/** What people call production; names of environments that hold production data come from the inventory. */
const PRODUCTION = ["prod", "prd"];
const PRODUCTION_FOLDERS = ["production", "live"];

/**
 * A step of a path, pattern or subject that stands for another environment; undefined when none does.
 * @param environments names of the others
 */
export function otherEnvironment(text: string, environments: readonly string[]): string | undefined {
  const steps = canonical(percentDecoded(text)).split(/[^\p{L}\p{N}._-]+/u);
  const names = new Set(environments);
  const words = steps.flatMap((step) => step.split(/[._-]+/));
  return (
    [...words, ...steps].find((word) => names.has(word) || PRODUCTION.includes(word)) ??
    // `shop-production-db` is an environment's; `production-orders` may be a department's.
    steps.find((step) => PRODUCTION_FOLDERS.includes(step) || /[._-]production(?:[._-]|$)/.test(step))
  );
}
