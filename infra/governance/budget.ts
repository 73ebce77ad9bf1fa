import { Budget } from "@pulumi/azure-native/consumption/budget";
import * as pulumi from "@pulumi/pulumi";
import { BUDGET_THRESHOLDS } from "./budgetThresholds";

export interface BudgetArgs {
  budgetName: string;
  subscriptionId: string;
  /** What a month may cost, in the currency the subscription is billed in. */
  monthlyAmount: number;
  /** First day of the month it counts from, e.g. `2026-12-01`. */
  from: string;
  /** Who is written to. */
  emails: readonly string[];
}

/**
 * Tells people by mail when the subscription costs more than it was meant to. It stops nothing: what would be stopped is
 * the platform. Costs nothing.
 */
export function subscriptionBudget(
  name: string,
  args: BudgetArgs,
  opts: pulumi.CustomResourceOptions,
): Budget {
  return new Budget(
    name,
    {
      budgetName: args.budgetName,
      scope: `/subscriptions/${args.subscriptionId}`,
      category: "Cost",
      amount: args.monthlyAmount,
      timeGrain: "Monthly",
      timePeriod: { startDate: `${args.from}T00:00:00Z` },
      notifications: Object.fromEntries(
        BUDGET_THRESHOLDS.map(({ name: notification, threshold, thresholdType }) => [
          notification,
          {
            enabled: true,
            operator: "GreaterThan",
            threshold,
            thresholdType,
            contactEmails: [...args.emails],
            locale: "en-us",
          },
        ]),
      ),
    },
    // Azure takes no other beginning for a budget that is there; it keeps nothing that would be lost.
    { ...opts, replaceOnChanges: ["timePeriod.startDate"], deleteBeforeReplace: true },
  );
}
