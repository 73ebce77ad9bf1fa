import { createHash } from "node:crypto";
import { z } from "zod";
import { type Event, type StepMetadata, stepsOf } from "./events";

const approvedStep = z.strictObject({ op: z.string(), urn: z.string(), inputs: z.string() });

/** A preview that people can approve and an update can be held to. */
export const approvalSchema = z.strictObject({
  stack: z.string(),
  digest: z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits"),
  /** Steps that change something, in the order of their URNs. `inputs` is a hash: an approval holds no value. */
  steps: z.array(approvedStep),
});

export type Approval = z.infer<typeof approvalSchema>;
type Step = z.infer<typeof approvedStep>;

const QUIET = /^(same|read|refresh)/;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]));
}

function stepOf({ op, urn, new: planned }: StepMetadata): Step {
  return { op, urn, inputs: sha256(JSON.stringify(canonical(planned?.inputs ?? null))) };
}

const keyOf = ({ op, urn }: { op: string; urn: string }): string => `${urn} ${op}`;

function changesOf(events: readonly Event[]): Step[] {
  const steps = stepsOf(events)
    .filter(({ op }) => !QUIET.test(op))
    .map(stepOf);
  const byKey = new Map(steps.map((step) => [keyOf(step), step]));
  return [...byKey.values()].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** The approval of what a preview showed. */
export function approvalOf(stack: string, events: readonly Event[]): Approval {
  const steps = changesOf(events);
  return { stack, digest: sha256(JSON.stringify([stack, steps])), steps };
}

/** How a preview differs from the one that was approved; empty: it is the same. */
export function departures(approved: Approval, now: Approval): string[] {
  const before = new Map(approved.steps.map((step) => [keyOf(step), step]));
  const after = new Map(now.steps.map((step) => [keyOf(step), step]));
  return [
    ...(approved.stack === now.stack
      ? []
      : [`the approval is for the stack ${approved.stack}, not ${now.stack}`]),
    ...(approvalDigest(approved) === approved.digest
      ? []
      : ["the approval's digest is not that of its steps"]),
    ...now.steps.flatMap((step) => {
      const known = before.get(keyOf(step));
      if (!known) return [`${step.op} ${step.urn} was not approved`];
      return known.inputs === step.inputs ? [] : [`${step.op} ${step.urn} was approved with other inputs`];
    }),
    ...approved.steps
      .filter((step) => !after.has(keyOf(step)))
      .map(({ op, urn }) => `${op} ${urn} was approved and is not planned any more`),
  ];
}

function approvalDigest({ stack, steps }: Approval): string {
  return sha256(JSON.stringify([stack, steps]));
}

/** What an update did that nobody approved. Its inputs are known by then, so only operations are compared. */
export function unapproved(approved: Approval, events: readonly Event[]): string[] {
  const allowed = new Set(approved.steps.map(keyOf));
  return changesOf(events)
    .filter((step) => !allowed.has(keyOf(step)))
    .map(({ op, urn }) => `${op} ${urn} was done and not approved`);
}
