import { stringAt } from "../paths";
import { Failure, Tree } from "../types";
import { type ArmTable } from "./arm";

/** A monthly budget begins with a month. */
function budgetStart(inputs: Tree): Failure[] {
  const start = stringAt(inputs, "timePeriod.startDate");
  return start === undefined || /^\d{4}-\d\d-01T00:00:00(\.0+)?Z$/.test(start)
    ? []
    : [{ property: "timePeriod.startDate", reason: `must be the first day of a month, not ${start}` }];
}

/** Plans Defender for Cloud sells today. */
const PLANS = [
  "AI",
  "Api",
  "AppServices",
  "Arm",
  "CloudPosture",
  "Containers",
  "CosmosDbs",
  "KeyVaults",
  "OpenSourceRelationalDatabases",
  "SqlServers",
  "SqlServerVirtualMachines",
  "StorageAccounts",
  "VirtualMachines",
];

function knownPlan(inputs: Tree): Failure[] {
  const plan = stringAt(inputs, "pricingName");
  return plan === undefined || PLANS.includes(plan)
    ? []
    : [{ property: "pricingName", reason: `must be one of ${PLANS.join(", ")}, not ${plan}` }];
}

export const GOVERNANCE_TYPES: ArmTable = {
  "consumption:Budget": {
    id: "{scope}/providers/Microsoft.Consumption/budgets/{budgetName}",
    immutable: ["timeGrain", "category"],
    check: budgetStart,
    computed: () => ({ currentSpend: { amount: 0, unit: "USD" } }),
  },
  // A subscription has every plan from the beginning: making one is changing it, and deleting it sets it back.
  "security:Pricing": {
    id: "{scopeId}/providers/Microsoft.Security/pricings/{pricingName}",
    auto: "never",
    check: knownPlan,
    computed: () => ({ deprecated: false, inherited: "False", resourcesCoverageStatus: "FullyCovered" }),
  },
};
