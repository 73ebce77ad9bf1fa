import { FailedError } from "../../../packages/command/errors";
import type { Measured } from "../../recovery/drill/report";
import type { Stages } from "../../recovery/stages";
import type { CheckResult } from "../../recovery/types";
import type { Customer } from "./customer";
import type { CommandOptions, Laptop, Ran } from ".";

/** Orders confirmed before a loss, and again after the recovery. */
export const ORDERS = 20;
export const STACK = "prod";

export interface Attempt {
  laptop: Laptop;
  customer: Customer;
  stages: Stages;
}

export type Outcome = { measured: Measured; checks: CheckResult[] };

export const check = (id: string, expected: string, actual: string): CheckResult => ({
  id,
  level: "L6",
  status: expected === actual ? "PASS" : "FAIL",
  expected,
  actual,
});

/** Time without a confirmed order since the loss, and how far back the missing ones reach. */
export async function measure(
  { laptop, customer }: Attempt,
  lossAt: Date,
): Promise<Measured & { missing: number }> {
  const missing = await laptop.missing(customer);
  const { from, to } = customer.outage(lossAt.getTime() - 5_000);
  const earliest = Math.min(...missing.map((id) => customer.confirmed.get(id) ?? Infinity));
  return {
    rtoSeconds: Math.max(0, to - Math.max(from, lossAt.getTime())) / 1000,
    rpoSeconds: missing.length === 0 ? 0 : Math.max(0, (lossAt.getTime() - earliest) / 1000),
    rpoMethod: "orders",
    lossAt: lossAt.toISOString(),
    markerAt: null,
    missing: missing.length,
  };
}

export const stripped = ({ missing: _count, ...measured }: Measured & { missing: number }): Measured =>
  measured;

/** Types a verb. @throws FailedError unless it ends well */
export const type = (laptop: Laptop, incident: string, ...args: string[]): Promise<Ran> =>
  typeWith(laptop, incident, args);

export async function typeWith(
  laptop: Laptop,
  incident: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Ran> {
  const ran = await laptop.operations([...args, "--yes", "--incident", incident], options);
  if (ran.code !== 0)
    throw new FailedError(
      `${args.join(" ")} ended with ${ran.code ?? "a signal"}: ${ran.said.trim().split("\n").at(-1) ?? ""}`,
    );
  return ran;
}

export function secondsLost({ document }: Ran): number {
  const { lossSeconds } = (document["measured"] ?? {}) as { lossSeconds?: number };
  return lossSeconds ?? 0;
}

export async function now(laptop: Laptop): Promise<Date> {
  const [row] = await laptop.sql<{ now: Date }>("SELECT clock_timestamp() AS now");
  if (!row) throw new FailedError("the database has no clock");
  return row.now;
}
