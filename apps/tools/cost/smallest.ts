import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";

const schema = z.strictObject({
  stack: z.string(),
  values: z
    .array(
      z.strictObject({
        key: z.string(),
        value: z.union([z.string(), z.number(), z.boolean()]),
        gives: z.string(),
      }),
    )
    .min(1),
  /** US dollars a month. */
  total: z.number(),
});

export type Smallest = z.infer<typeof schema>;

const SMALLEST_FILE = "apps/tools/cost/smallest.yaml";

/** The smallest production that keeps every promise: what it sets otherwise, and what it costs. */
export function readSmallest(root: string): Smallest {
  return schema.parse(yaml.load(fs.readFileSync(path.join(root, SMALLEST_FILE), "utf8")));
}

/** The same as a section of a page. */
export function renderSmallest({ stack, values, total }: Smallest): string {
  const flags = values.map(({ key, value }) => `--config ${key}=${String(value)}`).join(" ");
  return [
    "## The smallest that keeps every promise",
    "",
    `${total} USD a month. Each value gives something away that no promise rests on, and the policies find nothing; how long a restore takes on these sizes was not measured, so drill before you rely on them. Less than this gives a promise away: the second region, zones, the hourly backups in two accounts, the edge with a firewall.`,
    "",
    "| Value of `Pulumi." + stack + ".yaml` | Instead | Gives away |",
    "| --- | --- | --- |",
    ...values.map(({ key, value, gives }) => `| \`${key}\` | \`${String(value)}\` | ${gives} |`),
    "",
    "```bash",
    `npm run plan -- ${stack} ${flags}`,
    "```",
    "",
  ].join("\n");
}
