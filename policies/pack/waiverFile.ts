import { z } from "zod";
import { readListFile } from "../../stacks/inventory";
import { ConfigError, type Problem } from "../../stacks/problems";
import { STATEMENT_RULE } from "../rules/statement";
import { MAX_WAIVER_DAYS, type Waiver } from "./waivers";

const waiverSchema = z.strictObject({
  waivers: z
    .array(
      z.strictObject({
        rule: z.string().regex(/^[A-Z]+-[A-Z0-9]+$/, "the id of a rule, such as ISO-006"),
        resource: z.string().regex(/^urn:pulumi:[^:]+::[^:]+::.+$/, "the full URN of one resource"),
        path: z.string().optional(),
        reason: z.string().min(20, "a reason of at least 20 characters"),
        owner: z.email("an e-mail address"),
        expires: z.iso.date("a date such as 2026-01-31"),
      }),
    )
    .default([]),
});

const DAY = 24 * 60 * 60 * 1000;

/**
 * The waivers of the project in a folder, expired ones included.
 * @throws ConfigError when the file is unreadable or malformed, or a waiver runs for more than 30 days from now, or is of
 * production's statement and does not say of what in it.
 */
export function readWaivers(root: string, now: Date): Waiver[] {
  const { waivers } = readListFile(root, "waivers.yaml", waiverSchema);
  const latest = now.getTime() + MAX_WAIVER_DAYS * DAY;
  const problems = waivers.flatMap(({ rule, path, expires }, index): Problem[] => [
    ...(Date.parse(expires) > latest
      ? [
          {
            path: ["waivers", index, "expires"],
            found: expires,
            allowed: `a date at most ${MAX_WAIVER_DAYS} days ahead, ${new Date(latest).toISOString().slice(0, 10)} today`,
          },
        ]
      : []),
    // At one resource it finds all that is missing in the stack.
    ...(rule === STATEMENT_RULE && path === undefined
      ? [
          {
            path: ["waivers", index, "path"],
            found: undefined,
            allowed: `what a finding of ${STATEMENT_RULE} begins with: a property, or what is missing, such as "the alert ReplicaLagging"`,
          },
        ]
      : []),
  ]);
  if (problems.length > 0) throw new ConfigError("policies/waivers.yaml", problems);
  return waivers;
}
