import { z } from "zod";
import { day } from "./common";

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
    secretsIssued: day.describe(
      "Date the generated and configured secrets were last issued; each expires its rotation period after it. Warned about when it lies in the future or so far back that a secret has expired. Moving it forward rotates every generated secret but the token encryption keys, and restarts what reads them.",
    ),
    tokenEncryptionKeys: z
      .array(day)
      .min(1, "at least one date, or stored tokens could not be read")
      .max(2, "at most two dates: the key in use and, while tokens are re-encrypted, the one before")
      .refine(([newest, before]) => before === undefined || (newest !== undefined && newest > before), {
        error: "the newest date first, each once",
      })
      .describe(
        "Dates of the keys that encrypt stored Shopify tokens, the newest first. Each date is a key of its own: put a new date in front to add one, and drop the old date after the tokens have been re-encrypted. Replacing the only date is refused while data is protected: nobody could read the stored tokens any more.",
      ),
  })
  .describe("Key Vault, one per region.");
