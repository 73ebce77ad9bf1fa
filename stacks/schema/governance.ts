import { z } from "zod";
import { day } from "./common";

export const budget = z
  .strictObject({
    monthlyAmount: z
      .int()
      .min(300)
      .max(1_000_000)
      .describe(
        "What a month may cost, in the currency the subscription is billed in; the smallest environment takes more than 300 of any. At 80 and 100 percent of it, and when a month is forecast to pass 110, alerts.emails are written to; nothing is stopped. `npm run cost` has the estimate.",
      ),
    from: day
      .refine((value) => value.endsWith("-01"), "the first day of a month, written like 2026-12-01")
      .describe(
        "First day of the month the budget counts from: the month of the first deployment or a later one, as Azure takes no earlier one for a new budget. Leave it as it is afterwards.",
      ),
  })
  .describe("What the subscription may cost.");

const plan = (what: string) => z.boolean().default(false).describe(what);

export const defender = z
  .strictObject({
    containers: plan(
      "Watches clusters and images; also puts its sensor on every node. By far the dearest: about 7 USD a month for each vCPU of all node pools, the standby's included.",
    ),
    storage: plan(
      "Watches the accounts of backups and of Pulumi's state, malware among what is uploaded aside. About 10 USD a month for each account.",
    ),
    vaults: plan("Watches the key vaults. About 0.25 USD a month for each."),
    databases: plan(
      "Watches sign-ins and queries of the database servers. About 15 USD a month for each server.",
    ),
    resourceManager: plan("Watches what is done to the subscription. About 5 USD a month."),
  })
  .prefault({})
  .describe(
    "Plans of Microsoft Defender for Cloud for the subscription; each is declared on or off. Changing one changes the bill from that hour on.",
  );
