import type { Context } from "../../../packages/isolation/rule";

/** A preview of production, for rules that look at nothing of the inventory. */
export const PREVIEW_OF_PROD: Context = {
  stack: "prod",
  project: "forma3d",
  environment: "prod",
  isDryRun: true,
  inventory: { environments: [] } as unknown as Context["inventory"],
  config: {},
};
