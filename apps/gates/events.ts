import fs from "node:fs";
import { z } from "zod";

const state = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).nullish(),
  provider: z.string().optional(),
});

const event = z.looseObject({
  resourcePreEvent: z
    .looseObject({
      metadata: z.looseObject({
        op: z.string(),
        urn: z.string(),
        type: z.string(),
        old: state.nullish(),
        new: state.nullish(),
        diffs: z.array(z.string()).nullish(),
        detailedDiff: z.record(z.string(), z.unknown()).nullish(),
      }),
    })
    .optional(),
  policyEvent: z
    .looseObject({
      resourceUrn: z.string().optional(),
      message: z.string(),
      policyName: z.string(),
      policyPackName: z.string(),
      enforcementLevel: z.string(),
    })
    .optional(),
  policyAnalyzeSummaryEvent: z
    .looseObject({ resourceUrn: z.string(), policyPackName: z.string() })
    .optional(),
  policyAnalyzeStackSummaryEvent: z.looseObject({ policyPackName: z.string() }).optional(),
  diagnosticEvent: z.looseObject({ message: z.string(), severity: z.string() }).optional(),
  summaryEvent: z.looseObject({ result: z.string().optional() }).optional(),
});

/** The part of an engine's event the gates read. */
export type Event = z.infer<typeof event>;

/** One step the engine planned or took. */
export type StepMetadata = NonNullable<Event["resourcePreEvent"]>["metadata"];

/** What a log tells. */
export interface Log {
  readonly events: Event[];
  /** Lines that are no event, or one of a form nobody knows: what they told is missing. */
  readonly unread: number;
}

/** The events of one run, one a line. A log that was cut off is read as far as it goes. */
export function readEvents(file: string): Log {
  if (!fs.existsSync(file)) return { events: [], unread: 0 };
  const lines = fs
    .readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const events = lines.flatMap((line): Event[] => {
    try {
      const result = event.safeParse(JSON.parse(line));
      return result.success ? [result.data] : [];
    } catch {
      return [];
    }
  });
  return { events, unread: lines.length - events.length };
}

export function stepsOf(events: readonly Event[]): StepMetadata[] {
  return events.flatMap(({ resourcePreEvent }) => (resourcePreEvent ? [resourcePreEvent.metadata] : []));
}

/** Operations that leave nothing a policy could be shown: what goes, and what is only looked at. */
const NOT_JUDGED = /^(delete|discard|remove|read|refresh)/;

/** URNs the engine must have had judged. */
export function judgedUrns(events: readonly Event[]): string[] {
  return stepsOf(events)
    .filter(({ op }) => !NOT_JUDGED.test(op))
    .map(({ urn }) => urn);
}
