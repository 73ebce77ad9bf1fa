import fs from "node:fs";
import path from "node:path";
import { ResourceManagementClient } from "@azure/arm-resources";
import { DefaultAzureCredential } from "@azure/identity";
import { imageRegistryId } from "../../../infra/naming";
import { readStacks } from "../../../stacks/files";
import { asPublished } from "../../../stacks/images";
import { stackPlatformNames } from "../../../stacks/names";
import type { StackConfig } from "../../../stacks/schema";
import { askRegistry, parseImage, registryToken } from "../../operations/ground/registry";
import { resourceManager } from "../../operations/ground/resources";
import { bring, Brought, importImage, reason, SourceLogin } from "./import";
import { imagesOf } from "./planned";
import { readPlan } from "../plan/planOutput";
import { UsageError } from "../../../packages/command/errors";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { print } from "../../../packages/command/terminal";

interface Options {
  online?: boolean;
  import?: boolean;
  plan?: string;
  from?: string;
  user?: string;
  passwordFile?: string;
}

interface Answer {
  text: string;
  outcome: "found" | "bad" | "unknown";
}

const credential = new DefaultAzureCredential();

const ANSWERS = {
  found: "found",
  missing: "MISSING: the registry has no image of this digest",
  refused: "REFUSED: it is private or does not exist",
} as const;

/** Asks for one image where it is pulled, and where it is published if it has not come that far. */
async function check(image: string, config: StackConfig): Promise<Answer> {
  try {
    const answer = await ask(image);
    const published = asPublished(config, image);
    if (answer !== "missing" || published === image)
      return { text: `${ANSWERS[answer]}  ${image}`, outcome: answer === "found" ? "found" : "bad" };
    const source = await askRegistry(parseImage(published));
    return source === "found"
      ? { text: `to import (--import)  ${image}`, outcome: "found" }
      : { text: `${ANSWERS[source]}  ${published}`, outcome: "bad" };
  } catch (error) {
    return { text: `NO ANSWER: ${reason(error)}  ${image}`, outcome: "unknown" };
  }
}

/** @throws UsageError when only a part of a login is given */
function loginOf({ from, user, passwordFile }: Options): SourceLogin | undefined {
  const given = [from, user, passwordFile].filter((value) => value !== undefined).length;
  if (given === 0) return undefined;
  if (given < 3)
    throw new UsageError(
      "--from, --user and --password-file belong together: a registry, and who may pull there",
    );
  if (!fs.existsSync(passwordFile as string))
    throw new UsageError(`--password-file ${passwordFile as string}: allowed: a file that exists`);
  return {
    registry: from as string,
    username: user as string,
    password: fs.readFileSync(passwordFile as string, "utf8").trim(),
  };
}

/** Asks for an image where it is pulled, as who is signed in. */
function ask(image: string): ReturnType<typeof askRegistry> {
  const reference = parseImage(image);
  return askRegistry(reference, registryToken(reference, credential));
}

/** Brings into the environment's registry whatever of the images is not there. */
function bringTo(config: StackConfig, images: readonly string[], login?: SourceLogin): Promise<Brought[]> {
  const endpoint = process.env["AZURE_RESOURCE_MANAGER_URL"];
  const { subscriptionId } = config.azure;
  const client = new ResourceManagementClient(credential, subscriptionId, endpoint ? { endpoint } : {});
  const resources = resourceManager(client, endpoint ? { endpoint } : {});
  const id = imageRegistryId(subscriptionId, stackPlatformNames(config));
  const own = images
    .map((pulled) => ({ pulled, published: asPublished(config, pulled) }))
    .filter(({ pulled, published }) => pulled !== published);
  return bring(own, ask, (published) => importImage(resources, id, published, login));
}

async function run(stack: string, options: Options): Promise<number> {
  const root = projectRoot(__dirname);
  const stacks = readStacks(root);
  const config = stacks[stack];
  if (!config) {
    throw new UsageError(`stack "${stack}" has no file; allowed: ${Object.keys(stacks).join(", ")}`);
  }
  const login = loginOf(options);
  if (options.import && !config.registry.enabled)
    throw new UsageError(
      `${stack} has no registry of its own to import into (forma3d:registry.enabled is false)`,
    );
  const images = imagesOf(readPlan(options.plan ?? path.join(root, `test/expected/${stack}.json`)).resources);
  if (!options.online && !options.import) {
    console.log(images.join("\n"));
    return 0;
  }
  const answers = options.import
    ? (await bringTo(config, images, login)).map(({ there, text }): Answer => ({
        text,
        outcome: there ? "found" : "bad",
      }))
    : await Promise.all(images.map((image) => check(image, config)));
  for (const { text } of answers) print(text);
  if (answers.some(({ outcome }) => outcome === "bad")) return 1;
  return answers.some(({ outcome }) => outcome === "unknown") ? 3 : 0;
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("images", "Every image a stack's committed plan runs, by digest.", {
      0: "listed; with --online: all found, or to be had where they are published; with --import: all there",
      1: "one is missing, or cannot be pulled or imported",
      3: "a registry did not answer",
    })
      .argument("<stack>", "whose images")
      .option("--plan <file>", "a plan (npm run plan -- <stack> --save file) instead of the committed one")
      .option(
        "--online",
        "ask each registry whether it has the image: the environment's own as who is signed in",
      )
      .option("--import", "copy into the environment's own registry whatever is not there yet")
      .option(
        "--from <registry>",
        "with --import: a registry that gives its images to nobody, such as ghcr.io",
      )
      .option("--user <name>", "with --from: who may pull there")
      .option("--password-file <file>", "with --from: file with the password or token")
      .action(async (stack: string, options: Options) => {
        process.exitCode = await run(stack, options);
      }),
  );
}
