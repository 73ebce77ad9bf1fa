import { Budget } from "@pulumi/azure-native/consumption/budget";
import * as pulumi from "@pulumi/pulumi";

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

/** Shares of the amount at which somebody is told, percent: of what was spent, and of what the month will come to. */
const THRESHOLDS = [
  { name: "spent-80", threshold: 80, thresholdType: "Actual" },
  { name: "spent-100", threshold: 100, thresholdType: "Actual" },
  { name: "forecast-110", threshold: 110, thresholdType: "Forecasted" },
] as const;

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
        THRESHOLDS.map(({ name: notification, threshold, thresholdType }) => [
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
    opts,
  );
}
