import { readInventory } from "../../stacks/inventory";
import { readStacks, stackNames } from "../../stacks/files";
import { ConfigError } from "../../stacks/problems";
import { type Approval, approvalOf, departures, unapproved } from "./approval";
import { type EngineResult, runEngine } from "./engine";
import { missingEvidence } from "./evidence";
import type { Verdict } from "./judge";
import { changedSince, freshPack, type Judges } from "./packFolder";
import { refreshFlags } from "./refreshing";
import { judgePreview, previewSchema } from "./preview";
import { stepsOf } from "./events";

export interface RunOptions {
  readonly root: string;
  readonly stack: string;
  readonly env: NodeJS.ProcessEnv;
  /** Minutes a preview may take. */
  readonly minutes: number;
}

export interface PreviewRunOptions extends RunOptions {
  /** Reads everything back from the cloud first, as far as it answers: {@link refreshFlags}. */
  readonly refresh?: boolean;
  /** A change is a finding. */
  readonly expectNoChanges?: boolean;
}

/** Verdict over a preview, and what there is to approve when it is clean. */
export interface PreviewRun {
  readonly verdict: Verdict;
  readonly approval: Approval;
  readonly judges: Judges;
}

/** @throws ConfigError for a stack without a file. */
function checkStack(root: string, stack: string): void {
  const known = stackNames(root);
  if (!known.includes(stack))
    throw new ConfigError("--stack", [{ path: [], found: stack, allowed: known.join(", ") }]);
  readInventory(root);
}

/** Flags that have the stack read back first. */
function refreshing(root: string, stack: string): string[] {
  const config = readStacks(root)[stack];
  return config ? refreshFlags(config) : [];
}

/**
 * Previews a stack with the real engine and accepts it only with evidence that the pack judged it: the canary was
 * refused in this very run, and engine and pack name the same resources. What the preview reads or imports is judged too.
 */
export async function previewRun(options: PreviewRunOptions): Promise<PreviewRun> {
  const { root, stack, refresh, expectNoChanges } = options;
  checkStack(root, stack);
  const args = ["preview", "--json", ...(refresh ? refreshing(root, stack) : [])];
  const judges = freshPack(root);
  const result = await runEngine({ ...options, args, canary: true }, judges);
  const expected = { root, stack, nonce: result.nonce, ...judges, canary: true };
  const approval = approvalOf(stack, result.events);
  const { findings, notes } = accesses(root, result);
  return {
    approval,
    judges,
    verdict: {
      findings: [
        ...changedSince(root, judges),
        ...missingEvidence(result, expected),
        ...findings,
        ...(expectNoChanges
          ? approval.steps.map(({ op, urn }) => `${op} ${urn}: moved away from its declaration`)
          : []),
      ],
      notes: [...notes, ...summary(result)],
    },
  };
}

/** Reads, imports and stack references of a preview, which no pack is shown. */
function accesses(root: string, { output }: EngineResult): Verdict {
  let document: unknown;
  try {
    document = JSON.parse(output);
  } catch {
    return { findings: ["the engine printed no preview"], notes: [] };
  }
  const result = previewSchema.safeParse(document);
  if (!result.success) return { findings: ["the engine printed something else than a preview"], notes: [] };
  return judgePreview(root, result.data);
}

/** Updates a stack, after a preview that shows what was approved, and proves that the pack judged the update too. */
export async function updateRun(options: RunOptions, approved: Approval): Promise<Verdict> {
  const { root, stack } = options;
  const { verdict, approval, judges: before } = await previewRun(options);
  const judges = freshPack(root);
  const findings = [
    ...verdict.findings,
    ...departures(approved, approval),
    // What was approved was shown by the judges of the preview, and by no others.
    ...changedSince(root, before),
  ];
  if (findings.length > 0) return { findings, notes: [...verdict.notes, "nothing was changed"] };
  const result = await runEngine(
    { root, stack, env: options.env, args: ["up", "--yes", "--skip-preview"], canary: false },
    judges,
  );
  process.stdout.write(result.output);
  return {
    findings: [
      ...changedSince(root, before),
      ...missingEvidence(result, { root, stack, nonce: result.nonce, ...judges, canary: false }),
      ...unapproved(approved, result.events),
    ],
    notes: summary(result),
  };
}

function summary({ events }: EngineResult): string[] {
  const counts = new Map<string, number>();
  const seen = new Map(stepsOf(events).map(({ urn, op }) => [`${urn} ${op}`, op]));
  for (const op of seen.values()) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [[...counts].map(([op, count]) => `${count} ${op}`).join(", ") || "no steps"];
}
