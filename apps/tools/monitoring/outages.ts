import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";
import { EXCLUSION_CAUSES, OutsideOutage } from "../../../packages/alerting/report";
import { ConfigError, fromZod } from "../../../stacks/problems";

const instant = z.iso.datetime("an instant in UTC, e.g. 2026-11-28T22:00:00Z");

const schema = z.strictObject({
  outages: z.array(
    z
      .strictObject({
        cause: z.enum(EXCLUSION_CAUSES),
        startsAt: instant,
        endsAt: instant,
        reference: z.string().min(1, "where the outage is documented"),
      })
      .refine(({ startsAt, endsAt }) => Date.parse(startsAt) < Date.parse(endsAt), {
        error: "an end after startsAt",
        path: ["endsAt"],
      }),
  ),
});

/**
 * Reads outages that were not ours from a YAML file.
 * @throws ConfigError that names every problem of the file.
 */
export function readOutsideOutages(file: string): OutsideOutage[] {
  const source = path.basename(file);
  let document: unknown;
  try {
    document = yaml.load(fs.readFileSync(file, "utf8"));
  } catch (error) {
    const found = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new ConfigError(source, [
      { path: [], found, allowed: "a readable YAML file with a list of outages" },
    ]);
  }
  const result = schema.safeParse(document);
  if (!result.success) throw new ConfigError(source, fromZod(result.error, document, schema));
  return result.data.outages;
}
