import { Governance } from "../infra/governance/governance";
import type { Context } from "./context";
import type { RegionBase } from "./regional";

/** What holds for the subscription of an environment. What a lost region has stays declared: nothing is sent there. */
export function governance({ config, names, opts }: Context, regions: readonly RegionBase[]): Governance {
  return new Governance(
    `${names.prefix}-governance`,
    {
      subscriptionId: config.azure.subscriptionId,
      budget: { budgetName: `budget-${names.prefix}`, ...config.budget, emails: config.alerts.emails },
      defender: config.defender,
      clusterGroups: Object.fromEntries(regions.map(({ place, group }) => [place, group.id])),
    },
    opts,
  );
}
