import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";

const schema = z.strictObject({
  stack: z.string(),
  choices: z
    .array(
      z.strictObject({
        /** Keys of the stack file, and what they are set to. */
        values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
        /** US dollars a month more; less where it is negative. */
        usd: z.int(),
        means: z.string(),
      }),
    )
    .min(1),
  /** What runners of the environment's own add to what it is deployed from. */
  runners: z.strictObject({ usd: z.int(), means: z.string() }),
});

export type Choices = z.infer<typeof schema>;

const CHOICES_FILE = "apps/tools/cost/choices.yaml";

/** Keys an owner chooses by their price. */
export function readChoices(root: string): Choices {
  return schema.parse(yaml.load(fs.readFileSync(path.join(root, CHOICES_FILE), "utf8")));
}

/** The same as a section of a page. */
export function renderChoices({ stack, choices, runners }: Choices): string {
  const row = (set: string, { usd, means }: { usd: number; means: string }): string =>
    `| ${set} | ${usd > 0 ? "+" : ""}${usd} | ${means} |`;
  return [
    "## What a choice costs",
    "",
    `Each line alone, against \`Pulumi.${stack}.yaml\` as it is. \`npm run plan -- ${stack} --config <key>=<value> --save plan.json\` plans one, and \`npm run -s cost -- ${stack} --plan plan.json\` prices it.`,
    "",
    "| Value | USD a month | Means |",
    "| --- | --- | --- |",
    ...choices.map(({ values, usd, means }) => {
      const set = Object.entries(values).map(([key, value]) => `\`${key}: ${String(value)}\``);
      return row(set.join(", "), { usd, means });
    }),
    row("`controlPlane.runners` with `jobs`", runners),
    "",
  ].join("\n");
}
