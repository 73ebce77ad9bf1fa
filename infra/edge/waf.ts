import * as frontdoor from "@pulumi/azure-native/frontdoor";
import type { frontdoor as inputs } from "@pulumi/azure-native/types/input";
import * as pulumi from "@pulumi/pulumi";
import { Tags } from "../tags";
import { WEBHOOK_PATHS } from "./webhookPaths";

export interface FirewallArgs {
  /** Letters and digits only. */
  policyName: string;
  resourceGroupName: pulumi.Input<string>;
  /** The Front Door profile's own. */
  sku: "Premium_AzureFrontDoor";
  mode: "Prevention" | "Detection";
  rateLimitPerMinute: number;
  webhookRateLimitPerMinute: number;
  tags: Tags;
}

/** A limit per client address; Front Door counts at each of its places for itself, so it is a floor, not exact. */
function rateLimit(
  name: string,
  priority: number,
  perMinute: number,
  webhooks: boolean,
): inputs.CustomRuleArgs {
  return {
    name,
    priority,
    enabledState: "Enabled",
    ruleType: "RateLimitRule",
    rateLimitDurationInMinutes: 1,
    rateLimitThreshold: perMinute,
    groupBy: [{ variableName: "SocketAddr" }],
    matchConditions: [
      {
        matchVariable: "RequestUri",
        operator: "RegEx",
        matchValue: [WEBHOOK_PATHS],
        negateCondition: !webhooks,
        transforms: ["Lowercase"],
      },
    ],
    action: "Block",
  };
}

/**
 * Web application firewall: Microsoft's rules against known attacks and bots, and a limit per client address, a
 * separate one for webhooks. No rule allows anything past the others.
 */
export function firewallPolicy(
  name: string,
  args: FirewallArgs,
  opts: pulumi.CustomResourceOptions,
): frontdoor.Policy {
  return new frontdoor.Policy(
    name,
    {
      policyName: args.policyName,
      resourceGroupName: args.resourceGroupName,
      location: "Global",
      sku: { name: args.sku },
      policySettings: {
        enabledState: "Enabled",
        mode: args.mode,
        requestBodyCheck: "Enabled",
        customBlockResponseStatusCode: 403,
      },
      customRules: {
        rules: [
          rateLimit("RateLimitWebhooks", 100, args.webhookRateLimitPerMinute, true),
          rateLimit("RateLimitClients", 200, args.rateLimitPerMinute, false),
        ],
      },
      managedRules: {
        managedRuleSets: [
          { ruleSetType: "Microsoft_DefaultRuleSet", ruleSetVersion: "2.1", ruleSetAction: "Block" },
          { ruleSetType: "Microsoft_BotManagerRuleSet", ruleSetVersion: "1.1" },
        ],
      },
      tags: args.tags,
    },
    opts,
  );
}
