import path from "node:path";

/**
 * The setting that makes Node.js leave out of Pulumi's SDK what a rehearsal does not need (`sandbox/lean/`), and collect
 * garbage seldom. What the program declares stays the same: the parity scenarios run without this.
 */
export function preloading(root: string): Record<string, string> {
  const lean = path.join(root, "sandbox/lean/preload.js");
  return { NODE_OPTIONS: `--max-semi-space-size=64 --require ${JSON.stringify(lean)}` };
}
