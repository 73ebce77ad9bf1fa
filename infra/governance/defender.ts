import { Pricing } from "@pulumi/azure-native/security/pricing";
import * as pulumi from "@pulumi/pulumi";
import { DEFENDER_PLANS, type DefenderPlan } from "./defenderPlans";

/**
 * Switches each plan of the subscription on or off. A plan that is off is declared too: nobody then pays for one that
 * was tried in the portal, or believes in one that never was on. One after another, as Azure asks for.
 *
 * Cost: by plan, see the price table.
 */
export function defenderPlans(
  name: string,
  args: { subscriptionId: string; plans: Readonly<Record<DefenderPlan, boolean>> },
  opts: pulumi.CustomResourceOptions,
): void {
  let after: pulumi.Resource[] = [];
  for (const plan of Object.keys(DEFENDER_PLANS) as DefenderPlan[]) {
    const { pricingName, ...details } = DEFENDER_PLANS[plan];
    const on = args.plans[plan];
    const pricing = new Pricing(
      `${name}-${plan}`,
      {
        pricingName,
        scopeId: `subscriptions/${args.subscriptionId}`,
        pricingTier: on ? "Standard" : "Free",
        ...(on && details),
      },
      { ...opts, dependsOn: after },
    );
    after = [pricing];
  }
}
