import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";
import { FailedError, UsageError } from "../../../packages/command/errors";
import { projectRoot } from "../../../packages/command/root";

const amount = z.number().min(0);

const price = z.object({ unit: z.string().min(1), source: z.url() }).catchall(amount);

const table = z.strictObject({
  date: z.iso.date(),
  currency: z.string().length(3),
  hoursPerMonth: z.number().positive(),
  regions: z.array(z.string()).min(1),
  usage: z.strictObject({
    logGiBPerMonth: amount,
    metricSamplesMillionsPerMonth: amount,
    outboundGiBPerMonth: amount,
    natGiBPerMonth: amount,
    backupGiB: amount,
    requestsMillionsPerMonth: amount,
    secretOperationsTenThousandsPerMonth: amount,
    runnerHoursPerMonth: amount,
  }),
  prices: z.record(z.string(), price),
  promises: z.array(z.strictObject({ promise: z.string(), costs: z.array(z.string()).min(1) })),
  options: z.array(
    z.strictObject({
      component: z.string(),
      budget: z.string(),
      recommended: z.string(),
      enterprise: z.string(),
      here: z.string(),
      components: z.array(z.string()).min(1),
    }),
  ),
});

export type PriceTable = z.infer<typeof table>;

/** A size, kind or region the price table does not know. */
export class UnknownPrice extends FailedError {}

export const PRICE_FILE = "apps/tools/cost/prices.yaml";

/** Reads the price table. @throws Error that names each wrong entry */
export function readPrices(root: string = projectRoot(__dirname)): PriceTable {
  const result = table.safeParse(yaml.load(fs.readFileSync(path.join(root, PRICE_FILE), "utf8")));
  if (!result.success) {
    const lines = result.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
    throw new UsageError(`${PRICE_FILE}:\n${lines.join("\n")}`);
  }
  const incomplete = Object.entries(result.data.prices).flatMap(([key, entry]) =>
    result.data.regions
      .filter((region) => typeof entry[region] !== "number")
      .map((region) => `  prices.${key}.${region}: missing`),
  );
  if (incomplete.length > 0) throw new UsageError(`${PRICE_FILE}:\n${incomplete.join("\n")}`);
  return result.data;
}

/** Price per month of one unit: hourly prices are multiplied by the hours of a month. */
export function monthly(prices: PriceTable, key: string, region: string): number {
  const entry = prices.prices[key];
  if (!entry) throw new UnknownPrice(`${PRICE_FILE} has no price "${key}": add it with its source`);
  const value = entry[region];
  if (typeof value !== "number")
    throw new UnknownPrice(`${PRICE_FILE} has no price "${key}" in ${region}: add it with its source`);
  return entry.unit === "hour" ? value * prices.hoursPerMonth : value;
}
