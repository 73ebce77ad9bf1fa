import { stackPlatformNames } from "../../../stacks/files";
import type { StackConfig } from "../../../stacks/schema";
import { WEBHOOK_PATHS } from "../../../infra/edge/webhookPaths";
import { SITES } from "../../../stacks/sites";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, between, GIVEN, holding, oneOf } from "../../rules/expected";

/** How strong the public side is, beside what it must have. */
export function edgeStrength(config: StackConfig): Demand[] {
  const { edge } = config;
  const key = "infra/edge";
  const matches = (negateCondition: boolean) => ({
    matchVariable: "RequestUri",
    operator: "RegEx",
    negateCondition,
    matchValue: [WEBHOOK_PATHS],
    transforms: ["Lowercase"],
  });
  const limit = (name: string, least: number, negate: boolean) => ({
    name,
    action: "Block",
    enabledState: "Enabled",
    ruleType: "RateLimitRule",
    rateLimitThreshold: atMost(least),
    rateLimitDurationInMinutes: 1,
    groupBy: [{ variableName: "SocketAddr" }],
    matchConditions: [matches(negate)],
  });
  return [
    {
      what: "the profile of Front Door",
      key,
      type: "cdn:Profile",
      is: { "sku.name": "Premium_AzureFrontDoor", originResponseTimeoutSeconds: between(16, 120) },
    },
    {
      what: "each public name",
      key,
      type: "cdn:AFDCustomDomain",
      each: { "tlsSettings.minimumTlsVersion": GIVEN, "tlsSettings.certificateType": GIVEN },
    },
    {
      what: "each origin",
      key,
      type: "cdn:AFDOrigin",
      each: {
        enforceCertificateNameCheck: true,
        "sharedPrivateLinkResource.privateLink.id": GIVEN,
        hostName: GIVEN,
        priority: between(1, 5),
        weight: between(1, 1000),
      },
    },
    {
      what: "each group of origins",
      key,
      type: "cdn:AFDOriginGroup",
      each: {
        sessionAffinityState: "Disabled",
        "healthProbeSettings.probeProtocol": GIVEN,
        "healthProbeSettings.probeRequestType": oneOf("GET", "HEAD"),
        "healthProbeSettings.probeIntervalInSeconds": atMost(60),
        "loadBalancingSettings.sampleSize": atMost(8),
        "loadBalancingSettings.successfulSamplesRequired": atLeast(1),
        "loadBalancingSettings.additionalLatencyInMilliseconds": atMost(200),
      },
    },
    {
      what: "each route",
      key,
      type: "cdn:Route",
      each: {
        customDomains: GIVEN,
        "customDomains[].id": GIVEN,
        "originGroup.id": GIVEN,
        supportedProtocols: holding("Https"),
        forwardingProtocol: GIVEN,
      },
    },
    {
      what: "the firewall in front of every public name",
      key,
      type: "cdn:SecurityPolicy",
      is: {
        "parameters.type": "WebApplicationFirewall",
        "parameters.wafPolicy.id": GIVEN,
        "parameters.associations": [{ domains: SITES.map(() => ({ id: GIVEN })), patternsToMatch: ["/*"] }],
      },
    },
    {
      what: "the rules of the firewall",
      key: "edge.rateLimitPerMinute, infra/edge/waf.ts",
      type: "frontdoor:Policy",
      where: { policyName: stackPlatformNames(config).wafPolicy },
      is: {
        "policySettings.requestBodyCheck": "Enabled",
        "policySettings.mode": edge.wafMode,
        "managedRules.managedRuleSets": holding(
          { ruleSetType: "Microsoft_DefaultRuleSet", ruleSetAction: "Block", ruleSetVersion: atLeast("2.1") },
          { ruleSetType: "Microsoft_BotManagerRuleSet", ruleSetVersion: atLeast("1.0") },
        ),
        "customRules.rules": holding(
          limit("RateLimitWebhooks", edge.webhookRateLimitPerMinute, false),
          limit("RateLimitClients", edge.rateLimitPerMinute, true),
        ),
      },
    },
  ];
}
