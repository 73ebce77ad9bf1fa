import { readStacks, StackDocument } from "../../../stacks/files";
import { ConfigError } from "../../../stacks/problems";
import { UsageError } from "../../../packages/command/errors";
import { readOverridden } from "../../../packages/offline-engine/config";

/**
 * Checks the stack files, with overrides laid over those of the stacks that are planned, before anything is started: a
 * mistake is said once, and before the seconds a plan takes.
 * @throws UsageError with every problem of all files.
 */
export function checkStackFiles(
  root: string,
  stacks: readonly string[],
  overrides: Readonly<Record<string, unknown>>,
): void {
  const keys = Object.keys(overrides);
  try {
    readStacks(
      root,
      keys.length === 0
        ? {}
        : Object.fromEntries(stacks.map((stack) => [stack, laidOver(root, stack, overrides)])),
    );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(`${error.message}${keys.length > 0 ? `\nwith --config ${keys.join(", ")}` : ""}`);
  }
}

function laidOver(root: string, stack: string, overrides: Readonly<Record<string, unknown>>): StackDocument {
  const { document, values } = readOverridden(root, stack, overrides);
  return { ...document, config: values };
}
