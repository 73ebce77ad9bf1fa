import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { GIVEN, oneOf } from "../../rules/expected";

/** Plans of Defender for Cloud, by the stack file's names for them. */
const PLANS = {
  containers: "Containers",
  vaults: "KeyVaults",
  resourceManager: "Arm",
  databases: "OpenSourceRelationalDatabases",
  storage: "StorageAccounts",
} as const;

/** What watches over costs and configuration. */
export function governance({ defender }: StackConfig, regions: number): Demand[] {
  return [
    ...Object.entries(PLANS)
      .filter(([plan]) => defender[plan as keyof typeof defender])
      .map(([plan, pricingName]): Demand => ({
        what: `Defender's plan for ${pricingName}`,
        key: `defender.${plan}`,
        type: "security:Pricing",
        where: { pricingName },
        is: { pricingTier: "Standard" },
      })),
    {
      what: "the budget",
      key: "budget",
      type: "consumption:Budget",
      is: { notifications: GIVEN, amount: GIVEN },
    },
    {
      what: "the policies of the clusters",
      key: "infra/governance",
      type: "authorization:PolicyAssignment",
      each: { enforcementMode: "Default", "parameters.effect.value": oneOf("deny", "Deny") },
      count: regions,
    },
  ];
}
