import { parseAddress, sizeOf } from "../../packages/isolation/addresses";
import * as kinds from "../../packages/isolation/kinds";
import { objects } from "./pods";
import {
  fault,
  ifPresent,
  isText,
  must,
  mustBe,
  mustBeText,
  mustExist,
  type Cursor,
} from "../../packages/isolation/read";
import type { Rule } from "../../packages/isolation/rule";
import { resourceRule } from "./define";

const DOCS = "https://learn.microsoft.com/azure";

const OPEN_SOURCES = ["*", "internet", "0.0.0.0/0", "any", "::/0"];

function sources(rule: Cursor): string[] {
  return [rule.at("sourceAddressPrefix").text ?? "", ...rule.at("sourceAddressPrefixes").texts()];
}

const groups = resourceRule(
  {
    id: "SEC-070",
    name: "nsg-closed-to-internet",
    title: "No security group lets the internet in",
    description: "No inbound Allow rule of a network security group has any source.",
    why: "Traffic comes through Front Door's private link only; every other door is unguarded.",
    severity: "critical",
    framework: { cis: ["6.1", "6.2", "6.4"], mcsb: ["NS-1"], waf: ["SE:06"], risks: ["R07", "R15"] },
    remediation: "Name the subnet or service tag the traffic comes from.",
    url: `${DOCS}/virtual-network/network-security-groups-overview`,
    appliesTo: "any",
    types: [kinds.azure("network", "NetworkSecurityGroup", "SecurityRule")],
  },
  (resource) =>
    [resource, ...resource.at("securityRules").items()]
      .filter(
        (rule) => isText("Inbound")(rule.at("direction").value) && isText("Allow")(rule.at("access").value),
      )
      .flatMap((rule) =>
        sources(rule).some((source) => OPEN_SOURCES.includes(source.toLowerCase()))
          ? fault(rule, "must not allow traffic from everywhere")
          : [],
      ),
);

/** Exclusions that leave every member of a request unread. */
const wideExclusions = (sets: Cursor) =>
  sets
    .items()
    .flatMap((set) => {
      const groups = set.at("ruleGroupOverrides").items();
      return [set, ...groups, ...groups.flatMap((group) => group.at("rules").items())];
    })
    .flatMap((place) => place.at("exclusions").items())
    .filter(
      (one) =>
        isText("EqualsAny")(one.at("selectorMatchOperator").value) || isText("*")(one.at("selector").value),
    )
    .flatMap((one) => fault(one, "must not leave everything of a kind unread; name what is left out"));

/** Most addresses a rule may let past the firewall at once. */
const MOST_ADDRESSES = 65_536;

/** Whether a rule is for some addresses that it names, whatever else it asks for. */
const isOfNamedAddresses = (rule: Cursor): boolean =>
  rule
    .at("matchConditions")
    .items()
    .some(
      (condition) =>
        isText("RemoteAddr", "SocketAddr")(condition.at("matchVariable").value) &&
        isText("IPMatch")(condition.at("operator").value) &&
        condition.at("negateCondition").value !== true &&
        condition.at("matchValue").texts().length > 0 &&
        condition
          .at("matchValue")
          .texts()
          .every((text) => {
            const range = parseAddress(text);
            return range !== undefined && sizeOf(range) <= MOST_ADDRESSES;
          }),
    );

const firewall = resourceRule(
  {
    id: "SEC-071",
    name: "waf-prevents",
    title: "The web application firewall blocks",
    description:
      "The policy is enabled in Prevention mode, has managed rules without an exclusion for everything, limits the rate of each address, and lets only addresses that are named past it.",
    why: "In Detection mode an attack is only written down.",
    severity: "high",
    framework: { mcsb: ["NS-6"], waf: ["SE:06"], risks: ["R07", "R15"] },
    remediation: "Set edge.wafMode to Prevention.",
    url: `${DOCS}/web-application-firewall/afds/waf-front-door-policy-settings`,
    appliesTo: "prod",
    types: [kinds.azure("frontdoor", "Policy")],
  },
  (policy) => {
    const rules = policy.at("customRules", "rules");
    const limited = rules
      .items()
      .some(
        (rule) =>
          isText("RateLimitRule")(rule.at("ruleType").value) &&
          !isText("Disabled")(rule.at("enabledState").value),
      );
    return [
      ...mustBeText(policy.at("policySettings", "mode"), "Prevention"),
      ...mustBeText(policy.at("policySettings", "enabledState"), "Enabled"),
      ...mustExist(policy.at("managedRules", "managedRuleSets"), "have a managed rule set"),
      ...must(rules, () => limited, "have an enabled RateLimitRule"),
      ...wideExclusions(policy.at("managedRules", "managedRuleSets")),
      ...rules
        .items()
        .filter((rule) => isText("Allow")(rule.at("action").value) && !isOfNamedAddresses(rule))
        .flatMap((rule) =>
          fault(
            rule.at("action"),
            "must not let past the firewall whatever matches; name addresses, or block the rest",
          ),
        ),
    ];
  },
);

const edge = resourceRule(
  {
    id: "SEC-072",
    name: "front-door-https",
    title: "The edge speaks HTTPS only, and checks whom it speaks to",
    description:
      "Routes redirect to HTTPS and forward by it, origins have their certificate's name checked, custom domains take TLS 1.2 or newer.",
    why: "Sessions and orders would cross the internet in clear text, or reach whoever answers first.",
    severity: "high",
    framework: { mcsb: ["DP-3"], waf: ["SE:07"], risks: ["R07", "R12"] },
    remediation: "Set httpsRedirect, enforceCertificateNameCheck and tlsSettings.minimumTlsVersion.",
    url: `${DOCS}/frontdoor/end-to-end-tls`,
    appliesTo: "any",
    types: [kinds.ROUTE, kinds.ORIGIN, kinds.azure("cdn", "AFDCustomDomain")],
  },
  (resource, { type }) => {
    if (kinds.ROUTE.test(type)) {
      return mustBeText(resource.at("httpsRedirect"), "Enabled");
    }
    if (kinds.ORIGIN.test(type)) {
      return must(resource.at("enforceCertificateNameCheck"), (value) => value !== false, "not be false");
    }
    return ifPresent(resource.at("tlsSettings", "minimumTlsVersion"), (version) =>
      mustBeText(version, "TLS12", "TLS13"),
    );
  },
);

const services = resourceRule(
  {
    id: "SEC-081",
    name: "service-not-public",
    title: "No service has an address on the internet",
    description:
      "Services are not of type NodePort, load balancers are internal, and none claims external addresses.",
    why: "Traffic would pass the edge's firewall and rate limits by.",
    severity: "critical",
    framework: { mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07", "R15"] },
    remediation: "Use ClusterIP, or an internal load balancer behind Front Door.",
    url: `${DOCS}/aks/internal-lb`,
    appliesTo: "any",
    types: [kinds.kubernetes("Service")],
  },
  (_, resource) =>
    objects(resource).flatMap((object) => {
      const internal = object.at(
        "metadata",
        "annotations",
        "service.beta.kubernetes.io/azure-load-balancer-internal",
      );
      const type = object.at("spec", "type");
      return [
        ...must(type, (value) => value !== "NodePort", "not be NodePort"),
        ...(type.value === "LoadBalancer" ? mustBe(internal, "true") : []),
        ...must(
          object.at("spec", "externalIPs"),
          (value) => value === undefined || (Array.isArray(value) && value.length === 0),
          "be left out",
        ),
      ];
    }),
);

const namespaces = resourceRule(
  {
    id: "SEC-082",
    name: "namespace-restricted",
    title: "Namespaces admit restricted pods only",
    description:
      "Every namespace has the label pod-security.kubernetes.io/enforce with the value restricted.",
    why: "The pack judges what Pulumi deploys; the label also stops what somebody applies by hand.",
    severity: "high",
    framework: { cis: ["Kubernetes 5.2.1"], mcsb: ["PV-3"], waf: ["SE:08"], risks: ["R07"] },
    remediation: "Add the label.",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
    appliesTo: "any",
    types: [kinds.kubernetes("Namespace")],
  },
  (_, resource) =>
    objects(resource).flatMap((object) =>
      mustBe(object.at("metadata", "labels", "pod-security.kubernetes.io/enforce"), "restricted"),
    ),
);

export const NETWORK_SECURITY_RULES: readonly Rule[] = [groups, firewall, edge, services, namespaces];
