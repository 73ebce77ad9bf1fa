import { z } from "zod";
import { readListFile } from "../../stacks/inventory";
import { ConfigError, type Problem } from "../../stacks/problems";
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
 * @throws ConfigError when the file is unreadable or malformed, or a waiver runs for more than 30 days from now.
 */
export function readWaivers(root: string, now: Date): Waiver[] {
  const { waivers } = readListFile(root, "waivers.yaml", waiverSchema);
  const latest = now.getTime() + MAX_WAIVER_DAYS * DAY;
  const problems = waivers.flatMap(({ expires }, index): Problem[] =>
    Date.parse(expires) > latest
      ? [
          {
            path: ["waivers", index, "expires"],
            found: expires,
            allowed: `a date at most ${MAX_WAIVER_DAYS} days ahead, ${new Date(latest).toISOString().slice(0, 10)} today`,
          },
        ]
      : [],
  );
  if (problems.length > 0) throw new ConfigError("policies/waivers.yaml", problems);
  return waivers;
}
