import path from "node:path";
import { readStacks } from "../../../stacks/files";
import { askRegistry, imagesOf, parseImage } from "./registry";
import { readPlan } from "../plan/planOutput";
import { UsageError } from "../../../packages/command/errors";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { print } from "../../../packages/command/terminal";

const ANSWERS = {
  found: "found",
  missing: "MISSING: the registry has no image of this digest",
  refused: "REFUSED: it is private or does not exist; the clusters pull without a password",
} as const;

/** Asks for one image, and says what came of it. */
async function check(image: string): Promise<{ text: string; outcome: "found" | "bad" | "unknown" }> {
  try {
    const answer = await askRegistry(parseImage(image));
    return { text: `${ANSWERS[answer]}  ${image}`, outcome: answer === "found" ? "found" : "bad" };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      text: `NO ANSWER: ${cause instanceof Error ? cause.message : String(cause)}  ${image}`,
      outcome: "unknown",
    };
  }
}

async function run(stack: string, options: { online?: boolean; plan?: string }): Promise<number> {
  const root = projectRoot(__dirname);
  const stacks = Object.keys(readStacks(root));
  if (!stacks.includes(stack)) {
    throw new UsageError(`stack "${stack}" has no file; allowed: ${stacks.join(", ")}`);
  }
  const images = imagesOf(readPlan(options.plan ?? path.join(root, `test/expected/${stack}.json`)).resources);
  if (!options.online) {
    console.log(images.join("\n"));
    return 0;
  }
  const answers = await Promise.all(images.map(check));
  for (const { text } of answers) print(text);
  if (answers.some(({ outcome }) => outcome === "bad")) return 1;
  return answers.some(({ outcome }) => outcome === "unknown") ? 3 : 0;
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("images", "Every image a stack's committed plan runs, by digest.", {
      0: "listed; with --online: all found",
      1: "one is missing or cannot be pulled",
      3: "a registry did not answer",
    })
      .argument("<stack>", "whose images")
      .option("--plan <file>", "a plan (npm run plan -- <stack> --save file) instead of the committed one")
      .option("--online", "ask each registry, without a password, whether it has the image")
      .action(async (stack: string, options: { online?: boolean; plan?: string }) => {
        process.exitCode = await run(stack, options);
      }),
  );
}
