import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";
import type { Estimate } from "./price";

const perStack = z.record(z.string(), z.number());

const schema = z.strictObject({
  /** US dollars a month then, by stack. */
  totals: perStack,
  changes: z.array(
    z.union([
      /** Ends of components' names that came. */
      z.strictObject({ what: z.string(), components: z.array(z.string()).min(1) }),
      /** US dollars a month that are gone, by stack. */
      z.strictObject({ what: z.string(), gone: perStack }),
    ]),
  ),
});

export type Earlier = z.infer<typeof schema>;

const EARLIER_FILE = "apps/tools/cost/earlier.yaml";

/** What the stacks cost before, and what changed since. */
export function readEarlier(root: string): Earlier {
  return schema.parse(yaml.load(fs.readFileSync(path.join(root, EARLIER_FILE), "utf8")));
}

/** One stack's way from then to now: then, each change, what is left unexplained, and now. */
export function since({ totals, changes }: Earlier, stack: string, now: Estimate) {
  const came = (patterns: readonly string[]): number =>
    Object.entries(now.byComponent)
      .filter(([component]) => patterns.some((pattern) => new RegExp(pattern).test(component)))
      .reduce((sum, [, cost]) => sum + cost, 0);
  const before = totals[stack] ?? 0;
  const steps = changes.map((change) =>
    "gone" in change ? -(change.gone[stack] ?? 0) : came(change.components),
  );
  const rest = now.total - before - steps.reduce((sum, step) => sum + step, 0);
  return { before, steps, rest, now: now.total };
}

/** The same as a section of a page; a stack that was not there then has no column. */
export function renderEarlier(earlier: Earlier, estimates: readonly (readonly [string, Estimate])[]): string {
  const ways = estimates
    .filter(([stack]) => stack in earlier.totals)
    .map(([stack, now]) => [stack, since(earlier, stack, now)] as const);
  const whole = (value: number): string => String(Math.round(value));
  const signed = (value: number): string => (Math.round(value) > 0 ? "+" : "") + whole(value);
  const row = (what: string, cells: readonly string[]): string => `| ${[what, ...cells].join(" | ")} |`;
  return [
    "## Before and after",
    "",
    row(
      "",
      ways.map(([stack]) => `${stack}, USD a month`),
    ),
    row(
      "---",
      ways.map(() => "---"),
    ),
    row(
      "Before the second region was made to last (November 2026)",
      ways.map(([, { before }]) => whole(before)),
    ),
    ...earlier.changes.map(({ what }, index) =>
      row(
        what,
        ways.map(([, { steps }]) => signed(steps[index] ?? 0)),
      ),
    ),
    row(
      "Everything else",
      ways.map(([, { rest }]) => signed(rest)),
    ),
    row(
      "**Now**",
      ways.map(([, { now }]) => `**${whole(now)}**`),
    ),
    "",
    "What an environment is deployed from is declared since, too, and stands with each stack above.",
    "",
  ].join("\n");
}
