import { wantsText } from "../../../stacks/allowed";
import { CONTROL, checkControlFile } from "../../../stacks/controlFile";
import { readStacks, StackDocument } from "../../../stacks/files";
import { stackSchema } from "../../../stacks/schema";
import { ConfigError } from "../../../stacks/problems";
import { UsageError } from "../../../packages/command/errors";
import { overriddenPlace, readOverridden } from "../../../packages/offline-engine/config";

/**
 * Checks the stack files, with overrides laid over those of the stacks that are planned, before anything is started: a
 * mistake is said once, and before the seconds a plan takes.
 * @param project folder of the program that is planned; the platform's when absent
 * @throws UsageError with every problem of all files.
 */
export function checkStackFiles(
  root: string,
  stacks: readonly string[],
  overrides: Readonly<Record<string, unknown>>,
  project?: string,
): void {
  const keys = Object.keys(overrides);
  try {
    if (project === CONTROL) for (const stack of stacks) checkControlFile(root, stack);
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

/**
 * An override as its key means it: `18` where the stack file has a version in quotes is that text, because a shell has
 * taken the quotes away. Any other value stays what YAML reads.
 * @param key as in `database.version` or `alerts.emails[0]`, with or without the project's namespace
 */
export function meantAs(key: string, text: string, value: unknown): unknown {
  if (typeof value !== "number" && typeof value !== "boolean") return value;
  return wantsText(stackSchema, overriddenPlace(key)) ? text : value;
}
