import { azure, FRONT_DOOR, ORIGIN, ORIGIN_GROUP } from "../../packages/isolation/kinds";
import {
  fault,
  ifPresent,
  isText,
  must,
  mustBe,
  mustBeText,
  mustBeWithin,
  mustExist,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const DOCS = "https://learn.microsoft.com/azure/frontdoor";
const FIREWALL = azure("frontdoor", "Policy");

function customRule(rule: Cursor): Outcome[] {
  return [
    ...must(
      rule.at("name"),
      (value) => typeof value === "string" && /^[A-Za-z][A-Za-z0-9]*$/.test(value),
      "be letters and digits, starting with a letter",
    ),
    ...mustExist(rule.at("matchConditions"), "have a condition"),
    ...(isText("RateLimitRule")(rule.at("ruleType").value)
      ? [
          ...mustBe(rule.at("rateLimitDurationInMinutes"), 1, 5),
          ...mustBeWithin(rule.at("rateLimitThreshold"), 10, Infinity, "requests"),
        ]
      : []),
  ];
}

function priorities(rules: Cursor): Outcome[] {
  const seen = new Set<number>();
  return rules.items().flatMap((rule) => {
    const priority = rule.at("priority");
    if (priority.number === undefined) return mustBeWithin(priority, 0, Infinity);
    const taken = seen.has(priority.number);
    seen.add(priority.number);
    return taken
      ? fault(priority, `must differ from that of every other rule, but is ${priority.number} again`)
      : [];
  });
}

const firewall: ArmLimit = {
  id: "ARM-070",
  name: "waf-policy-shape",
  title: "The rules of a web application firewall are ones Front Door accepts",
  description:
    "Custom rules have alphanumeric names, distinct priorities and a condition; rate limits count over 1 or 5 minutes; managed rules need Premium; block pages are base64.",
  why: "Azure rejects the policy, and the edge stays unguarded.",
  remediation: "Follow the message; Premium_AzureFrontDoor has the managed rules.",
  url: "https://learn.microsoft.com/azure/web-application-firewall/afds/afds-overview",
  risks: ["R07", "R15"],
  types: [FIREWALL],
  check: (policy) => {
    const rules = policy.at("customRules", "rules");
    const managed = policy.at("managedRules", "managedRuleSets");
    return [
      ...mustBeText(policy.at("location"), "global"),
      ...mustBeText(policy.at("sku", "name"), "Premium_AzureFrontDoor", "Standard_AzureFrontDoor"),
      ...(managed.items().length > 0 && isText("Standard_AzureFrontDoor")(policy.at("sku", "name").value)
        ? fault(managed, "must be left out with Standard_AzureFrontDoor, which has no managed rules")
        : []),
      ...ifPresent(policy.at("policySettings", "customBlockResponseBody"), (body) =>
        must(
          body,
          (value) =>
            typeof value === "string" &&
            /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
          "be base64",
        ),
      ),
      ...rules.items().flatMap(customRule),
      ...priorities(rules),
    ];
  },
};

const originGroup: ArmLimit = {
  id: "ARM-071",
  name: "front-door-origin-group-shape",
  title: "Health probes and load balancing of an origin group are within bounds",
  description:
    "The probe interval is set, 1 to 255 seconds; of sampleSize probes (1 to 255) at most that many must succeed.",
  why: "Azure rejects other values; unsaid, a lost region is noticed after four minutes.",
  remediation: "Set probeIntervalInSeconds to 30, sampleSize 4 and successfulSamplesRequired 3.",
  url: `${DOCS}/health-probes`,
  risks: ["R11"],
  types: [ORIGIN_GROUP],
  check: (group) => {
    const [probe, balance] = [group.at("healthProbeSettings"), group.at("loadBalancingSettings")];
    const [size, needed] = [balance.at("sampleSize"), balance.at("successfulSamplesRequired")];
    return [
      ...mustExist(probe.at("probePath")),
      ...mustBeWithin(probe.at("probeIntervalInSeconds"), 1, 255, "seconds"),
      ...mustBeWithin(size, 1, 255, "probes"),
      ...mustBeWithin(needed, 1, size.number ?? 255, "probes"),
      ...ifPresent(balance.at("additionalLatencyInMilliseconds"), (ms) => mustBeWithin(ms, 0, 1000, "ms")),
    ];
  },
};

const origin: ArmLimit = {
  id: "ARM-072",
  name: "front-door-origin-shape",
  title: "An origin has a legal priority, weight and private link",
  description:
    "priority is 1 to 5, weight 1 to 1000; a private link names its region and has a message of at most 140 characters.",
  why: "Azure rejects the origin.",
  remediation: "Use priority 1 for the region that serves and 2 for the other.",
  url: `${DOCS}/private-link`,
  risks: ["R11"],
  types: [ORIGIN],
  check: (resource) => {
    const link = resource.at("sharedPrivateLinkResource");
    return [
      ...ifPresent(resource.at("priority"), (priority) => mustBeWithin(priority, 1, 5)),
      ...ifPresent(resource.at("weight"), (weight) => mustBeWithin(weight, 1, 1000)),
      ...ifPresent(link, () => [
        ...mustExist(link.at("privateLinkLocation")),
        ...must(
          link.at("requestMessage"),
          (value) => typeof value === "string" && value.length >= 1 && value.length <= 140,
          "have 1 to 140 characters",
        ),
      ]),
    ];
  },
};

const privateLink: ArmLimit = {
  id: "ARM-073",
  name: "front-door-private-link-tier",
  title: "Private Link needs Front Door Premium",
  description: "An origin with a private link belongs to a profile of the Premium tier.",
  why: "Azure rejects the origin.",
  remediation: "Use sku Premium_AzureFrontDoor; the tier cannot be lowered again.",
  url: `${DOCS}/private-link`,
  risks: ["R11"],
  types: [ORIGIN],
  relations: [{ as: "profile", property: "profileName", types: [FRONT_DOOR] }],
  check: (resource, { related: { profile } }) =>
    profile &&
    resource.at("sharedPrivateLinkResource").present &&
    isText("Standard_AzureFrontDoor")(profile.at("sku", "name").value)
      ? fault(
          resource.at("sharedPrivateLinkResource"),
          "must be left out: the profile's Standard_AzureFrontDoor has no Private Link",
        )
      : [],
};

const sameTier: ArmLimit = {
  id: "ARM-074",
  name: "waf-policy-tier",
  title: "The firewall policy has the tier of its Front Door",
  description: "A security policy ties a WAF policy to a profile of the same sku.",
  why: "Azure rejects the association, and the edge stays unguarded.",
  remediation: "Give both the sku Premium_AzureFrontDoor.",
  url: "https://learn.microsoft.com/azure/web-application-firewall/afds/waf-front-door-create-portal",
  risks: ["R07", "R15"],
  types: [azure("cdn", "SecurityPolicy")],
  relations: [
    { as: "profile", property: "profileName", types: [FRONT_DOOR] },
    { as: "firewall", property: "parameters", types: [FIREWALL] },
  ],
  check: (policy, { related: { profile, firewall: waf } }) => {
    const [edge, rules] = [profile?.at("sku", "name").text, waf?.at("sku", "name").text];
    return edge !== undefined && rules !== undefined && edge !== rules
      ? fault(
          policy.at("parameters", "wafPolicy"),
          `must have the profile's sku ${edge}, but its policy has ${rules}`,
        )
      : [];
  },
};

export const EDGE_LIMITS: readonly ArmLimit[] = [firewall, originGroup, origin, privateLink, sameTier];
