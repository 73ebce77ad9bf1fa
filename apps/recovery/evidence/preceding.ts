import { z } from "zod";

/** Hours after which a readiness check is old: it runs daily. */
export const READINESS_HOURS = 26;

export const precedingSchema = z.strictObject({
  /** Whether every check passed, within the last {@link READINESS_HOURS} hours before. */
  passed: z.boolean(),
  /** When the newest on record was run; null when there is none that can be read. */
  at: z.iso.datetime().nullable(),
  /** Seconds it was old when the drill began. */
  ageSeconds: z.number().nullable(),
  /** Checks that did not pass. */
  open: z.array(z.string()),
  /** Why no record could be read. */
  reason: z.string().optional(),
});

/** The readiness checks that preceded a drill. */
export type Preceding = z.infer<typeof precedingSchema>;
