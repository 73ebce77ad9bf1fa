import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const armEdgeCases: readonly Case[] = [
  {
    rule: "waf-policy-shape",
    change: { firewall: { location: "westeurope", "policySettings.customBlockResponseBody": "<html>" } },
    finds: [
      ["firewall", "location", 'must be "global", but is "westeurope"'],
      ["firewall", "policySettings.customBlockResponseBody", 'must be base64, but is "<html>"'],
    ],
  },
  {
    rule: "waf-policy-shape",
    change: { firewall: { "sku.name": "Standard_AzureFrontDoor" } },
    finds: [
      [
        "firewall",
        "managedRules.managedRuleSets",
        "must be left out with Standard_AzureFrontDoor, which has no managed rules",
      ],
    ],
  },
  {
    rule: "waf-policy-shape",
    change: {
      firewall: {
        "customRules.rules[0]": {
          name: "rate-limit",
          ruleType: "RateLimitRule",
          rateLimitDurationInMinutes: 2,
          rateLimitThreshold: 5,
        },
      },
    },
    finds: [
      [
        "firewall",
        "customRules.rules[0].name",
        'must be letters and digits, starting with a letter, but is "rate-limit"',
      ],
      ["firewall", "customRules.rules[0].matchConditions", "must have a condition, but is absent"],
      ["firewall", "customRules.rules[0].rateLimitDurationInMinutes", "must be 1 or 5, but is 2"],
      ["firewall", "customRules.rules[0].rateLimitThreshold", "must be at least 10 requests, but is 5"],
      ["firewall", "customRules.rules[0].priority", "must be at least 0, but is absent"],
    ],
  },
  {
    rule: "waf-policy-shape",
    change: {
      firewall: {
        "customRules.rules[1]": {
          name: "Again",
          priority: 100,
          ruleType: "MatchRule",
          matchConditions: [{}],
        },
      },
    },
    finds: [
      [
        "firewall",
        "customRules.rules[1].priority",
        "must differ from that of every other rule, but is 100 again",
      ],
    ],
  },
  {
    rule: "front-door-origin-group-shape",
    change: {
      origins: {
        "healthProbeSettings.probeIntervalInSeconds": undefined,
        "healthProbeSettings.probePath": "",
      },
    },
    finds: [
      ["origins", "healthProbeSettings.probePath", 'must be set, but is ""'],
      ["origins", "healthProbeSettings.probeIntervalInSeconds", "must be 1 to 255 seconds, but is absent"],
    ],
  },
  {
    rule: "front-door-origin-group-shape",
    change: {
      origins: {
        "loadBalancingSettings.successfulSamplesRequired": 5,
        "loadBalancingSettings.additionalLatencyInMilliseconds": 2000,
      },
    },
    finds: [
      ["origins", "loadBalancingSettings.successfulSamplesRequired", "must be 1 to 4 probes, but is 5"],
      [
        "origins",
        "loadBalancingSettings.additionalLatencyInMilliseconds",
        "must be at most 1000 ms, but is 2000",
      ],
    ],
  },
  {
    rule: "front-door-origin-shape",
    change: {
      origin: {
        priority: 6,
        weight: 0,
        "sharedPrivateLinkResource.privateLinkLocation": undefined,
        "sharedPrivateLinkResource.requestMessage":
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      },
    },
    finds: [
      ["origin", "priority", "must be 1 to 5, but is 6"],
      ["origin", "weight", "must be 1 to 1000, but is 0"],
      ["origin", "sharedPrivateLinkResource.privateLinkLocation", "must be set, but is absent"],
      [
        "origin",
        "sharedPrivateLinkResource.requestMessage",
        'must have 1 to 140 characters, but is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"',
      ],
    ],
  },
  {
    rule: "front-door-private-link-tier",
    change: { profile: { "sku.name": "Standard_AzureFrontDoor" } },
    finds: [
      [
        "origin",
        "sharedPrivateLinkResource",
        "must be left out: the profile's Standard_AzureFrontDoor has no Private Link",
      ],
    ],
  },
  {
    rule: "waf-policy-tier",
    change: { firewall: { "sku.name": "Standard_AzureFrontDoor" } },
    finds: [
      [
        "firewall-association",
        "parameters.wafPolicy",
        "must have the profile's sku Premium_AzureFrontDoor, but its policy has Standard_AzureFrontDoor",
      ],
    ],
  },
];
