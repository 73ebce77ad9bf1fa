import { z } from "zod";

export const vault = z
  .strictObject({
    softDeleteRetentionDays: z
      .int()
      .min(7)
      .max(90)
      .default(90)
      .describe(
        "Days a deleted vault or secret can be recovered, and its name stays reserved. Fixed at creation.",
      ),
    secretRotationDays: z
      .int()
      .min(30)
      .max(365)
      .default(180)
      .describe("Longest life of a secret whose catalogue entry names no shorter one, in days."),
    secretsIssued: z.iso
      .date()
      .describe(
        "Date the generated and configured secrets were last issued; each expires its rotation period after it. Moving it forward rotates every generated secret and restarts what reads them.",
      ),
  })
  .describe("Key Vault, one per region.");
