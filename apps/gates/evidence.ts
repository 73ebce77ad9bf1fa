import { z } from "zod";
import { canaryRefusals, counted, PROOF_POLICIES, type Receipt, rulesDigest } from "../../policies/proof";
import { allRules } from "../../policies/pack/pack";
import { readInventory } from "../../stacks/inventory";
import { mendLine, mendOf, placeOf } from "../../policies/pack/mend";
import { Waivers } from "../../policies/pack/waivers";
import { type Event, judgedUrns } from "./events";

/** Name of the pack whose evidence counts. */
const PACK = "forma3d";

const amount = z.object({ count: z.number(), digest: z.string() });
const receiptSchema: z.ZodType<Receipt> = z.object({
  nonce: z.string(),
  pack: z.string(),
  configuration: z.string(),
  rules: z.string(),
  canary: z.array(z.string()),
  resources: amount,
  stack: amount,
});

/** What a run must prove. */
export interface Expectation {
  readonly root: string;
  readonly project: string;
  readonly stack: string;
  /** Text the pack was given for this one run. */
  readonly nonce: string;
  /** SHA-256 of the pack's code as the gate built it. */
  readonly pack: string;
  /** {@link configurationDigest} before the engine was started. */
  readonly configuration: string;
  /** Whether the pack was to refuse the canary. */
  readonly canary: boolean;
}

/** How the engine ended. */
export interface Ended {
  /** Exit code; undefined when it had to be ended. */
  readonly code?: number;
  readonly events: readonly Event[];
  /** Lines of the engine's log that could not be read; none by default. */
  readonly unread?: number;
}

/**
 * Everything that is missing to believe that this pack, with this configuration, judged what this run of the engine
 * planned or did, and everything it refused. Empty: the run may be trusted.
 */
export function missingEvidence({ code, events, unread = 0 }: Ended, expected: Expectation): string[] {
  return [
    ...(unread > 0 ? [`${unread} event(s) of the engine cannot be read: what they told is missing`] : []),
    ...ending(code, events, expected),
    ...refusals(events, expected),
    ...engineSide(events),
    ...packSide(events, expected),
  ];
}

function ending(code: number | undefined, events: readonly Event[], { canary }: Expectation): string[] {
  if (code === undefined) return ["the engine did not end by itself in time"];
  if (!events.some(({ summaryEvent }) => summaryEvent)) return ["the engine ended without a summary"];
  if (canary && code === 0) return ["the run succeeded although the canary had to be refused"];
  if (!canary && code !== 0) return [`the engine failed with exit code ${code}`, ...errors(events)];
  return canary ? errors(events) : [];
}

/** Errors of program, provider or pack; that a preview failed is no news when the canary made it fail. */
function errors(events: readonly Event[]): string[] {
  return events.flatMap(({ diagnosticEvent }) =>
    diagnosticEvent?.severity === "error" && diagnosticEvent.message.trim() !== "preview failed"
      ? [`error: ${firstLine(diagnosticEvent.message)}`]
      : [],
  );
}

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

/** What was refused: the canary where it was asked for, and nothing else. */
function refusals(events: readonly Event[], { nonce, canary, stack }: Expectation): string[] {
  const mandatory = events.flatMap(({ policyEvent }) =>
    policyEvent && policyEvent.enforcementLevel !== "advisory" && policyEvent.enforcementLevel !== "warning"
      ? [policyEvent]
      : [],
  );
  const isCanary = ({ policyName, policyPackName, message }: (typeof mandatory)[number]): boolean =>
    policyPackName === PACK && policyName === PROOF_POLICIES.canary && message.includes(nonce);
  const others = mandatory.filter((event) => !isCanary(event));
  return [
    ...(canary && !mandatory.some(isCanary)
      ? ["the canary was not refused: no policy can have stopped anything"]
      : []),
    ...others.map(
      ({ resourceUrn = "", message, policyName }) =>
        `${resourceUrn}: ${firstLine(message)}${mended(policyName, resourceUrn, message, stack)}`,
    ),
  ];
}

/** Key, fix and page of a finding, where a rule of the pack made it. */
function mended(name: string, urn: string, message: string, stack: string): string {
  const rule = allRules(new Waivers([], "")).find((one) => one.name === name);
  return rule ? mendLine(mendOf(rule, { urn, path: placeOf(message) }, stack)) : "";
}

/** What the engine itself says it had judged. */
function engineSide(events: readonly Event[]): string[] {
  const analyzed = new Set(
    events.flatMap(({ policyAnalyzeSummaryEvent: summary }) =>
      summary?.policyPackName === PACK ? [summary.resourceUrn] : [],
    ),
  );
  const stack = events.some(({ policyAnalyzeStackSummaryEvent: one }) => one?.policyPackName === PACK);
  const skipped = [...new Set(judgedUrns(events))].filter((urn) => !analyzed.has(urn));
  return [
    ...(skipped.length > 0
      ? [`the engine had ${skipped.length} resource(s) not judged, the first ${skipped[0] ?? ""}`]
      : []),
    ...(stack ? [] : ["the engine had the stack as a whole not judged"]),
  ];
}

/** What the pack says it judged, and whether it is the pack this project has. */
function packSide(events: readonly Event[], expected: Expectation): string[] {
  const receipts = events.flatMap(({ policyEvent }): Receipt[] => {
    if (policyEvent?.policyPackName !== PACK || policyEvent.policyName !== PROOF_POLICIES.receipt) return [];
    const receipt = parseReceipt(policyEvent.message);
    return receipt && receipt.nonce === expected.nonce ? [receipt] : [];
  });
  const last = receipts.at(-1);
  if (!last) return ["the pack gave no receipt for this run: nothing shows that it judged"];
  const rules = allRules(new Waivers([], ""));
  const { root, project, stack } = expected;
  const canary = canaryRefusals(rules, readInventory(root), project, stack);
  const seen = counted(judgedUrns(events));
  const same = (what: string, found: unknown, wanted: unknown): string[] =>
    JSON.stringify(found) === JSON.stringify(wanted)
      ? []
      : [`the pack's receipt differs in ${what}: found ${show(found)}, expected ${show(wanted)}`];
  return [
    ...same("its code", last.pack, expected.pack),
    ...same("its configuration", last.configuration, expected.configuration),
    ...same("its rules", last.rules, rulesDigest(rules)),
    ...same("the canary's refusals", last.canary, canary),
    ...(canary.length > 0 ? [] : ["no rule refuses the canary: it proves nothing"]),
    ...same("the resources judged", last.resources, seen),
    // Outputs of all resources, those included that another run made and this one left alone.
    ...(last.stack.count >= seen.count
      ? []
      : [`the stack rules were shown ${last.stack.count} of ${seen.count} resources`]),
  ];
}

function parseReceipt(message: string): Receipt | undefined {
  try {
    const result = receiptSchema.safeParse(JSON.parse(message.slice(message.indexOf("{"))));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

const show = (value: unknown): string => JSON.stringify(value).slice(0, 120);
