import * as pulumi from "@pulumi/pulumi";
import { BudgetArgs, subscriptionBudget } from "./budget";
import { clusterPolicies } from "./clusterPolicies";
import { defenderPlans } from "./defender";
import type { DefenderPlan } from "./defenderPlans";

export interface GovernanceArgs {
  subscriptionId: string;
  budget: Omit<BudgetArgs, "subscriptionId">;
  defender: Readonly<Record<DefenderPlan, boolean>>;
  /** Resource group of each cluster, by place. */
  clusterGroups: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * What holds for the subscription as a whole: what it may cost, what Defender watches, and what its clusters refuse.
 *
 * Cost: Defender's plans; the rest is free.
 */
export class Governance extends pulumi.ComponentResource {
  constructor(name: string, args: GovernanceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:governance:Governance", name, {}, opts);
    const { subscriptionId } = args;
    const here = { parent: this };
    subscriptionBudget(`${name}-budget`, { ...args.budget, subscriptionId }, here);
    defenderPlans(`${name}-defender`, { subscriptionId, plans: args.defender }, here);
    for (const [place, groupId] of Object.entries(args.clusterGroups))
      clusterPolicies(`${name}-${place}`, { groupId }, here);
    this.registerOutputs({});
  }
}
