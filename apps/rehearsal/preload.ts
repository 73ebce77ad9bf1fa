import path from "node:path";

/**
 * How the program and the pack run Pulumi's SDK. `lean`: without what a rehearsal does not need (`packages/offline-engine/lean/`).
 * `whole`: with all the SDK does; only stack traces are left out. `traced`: with these too, at several times the cost.
 */
export type Sdk = "lean" | "whole" | "traced";

const PRELOADS: Readonly<Record<Exclude<Sdk, "traced">, string>> = {
  lean: "preload.js",
  whole: "preloadWhole.js",
};

/**
 * Settings that make Node.js do so, and collect garbage seldom. What the program declares stays the same: the parity
 * scenarios run the whole SDK.
 */
export function preloading(root: string, sdk: Sdk): Record<string, string> {
  if (sdk === "traced") return {};
  const file = path.join(root, "packages/offline-engine/lean", PRELOADS[sdk]);
  return { NODE_OPTIONS: `--max-semi-space-size=64 --require ${JSON.stringify(file)}` };
}
