import { cursor, linked, ofType, targetsOf, waitsFor } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import { objects } from "./pods";
import { fault, mustBeText } from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { about, stackRule, type Verdict } from "./define";

const DOCS = "https://learn.microsoft.com/azure";

/** Origins by the group they belong to. */
function members(stack: StackView): ReadonlyMap<string, readonly ResourceView[]> {
  const groups = new Map<string, ResourceView[]>();
  for (const origin of ofType(stack, kinds.ORIGIN)) {
    for (const { urn } of linked(stack, origin, "originGroupName", kinds.ORIGIN_GROUP)) {
      groups.set(urn, [...(groups.get(urn) ?? []), origin]);
    }
  }
  return groups;
}

const routes = stackRule(
  {
    id: "ARM-083",
    name: "route-waits-for-origins",
    title: "A route is made after the origins it leads to",
    description: "Every route depends on each origin of its origin group, not only on the group.",
    why: "Azure refuses a route to a group without origins, depending on which request comes first.",
    severity: "high",
    framework: { waf: ["OE:05"], risks: ["R11"] },
    remediation: "Name the origins in dependsOn.",
    url: `${DOCS}/frontdoor/front-door-route-matching`,
    appliesTo: "any",
  },
  (stack) => {
    const groups = members(stack);
    return ofType(stack, kinds.ROUTE).flatMap((route) =>
      linked(stack, route, "originGroup", kinds.ORIGIN_GROUP)
        .flatMap(({ urn }) => groups.get(urn) ?? [])
        .filter((origin) => !waitsFor(stack, route, origin))
        .map((origin) => about(route, `must wait for the origin ${origin.name}`)),
    );
  },
);

const priorities = stackRule(
  {
    id: "ARM-084",
    name: "origin-priority-distinct",
    title: "Requests go to one region at a time",
    description: "Origins of one group have different priorities.",
    why: "With equal ones Front Door spreads requests over both regions whenever both seem healthy, and those in the replica's region cannot write.",
    severity: "high",
    framework: { waf: ["RE:07"], risks: ["R11"] },
    remediation: "Give each origin of a group a priority of its own.",
    url: `${DOCS}/frontdoor/routing-methods`,
    appliesTo: "any",
  },
  (stack) =>
    [...members(stack).values()].flatMap((origins) => {
      const holders = new Map<unknown, ResourceView>();
      return origins.flatMap((origin): Verdict[] => {
        const priority = cursor(origin).at("priority");
        const value = priority.value ?? 1;
        const holder = holders.get(value);
        if (!holder) holders.set(value, origin);
        return holder
          ? [{ resource: origin, outcomes: fault(priority, `must differ from that of ${holder.name}`) }]
          : [];
      });
    }),
);

const zones = stackRule(
  {
    id: "ARM-085",
    name: "private-zone-linked",
    title: "Somebody can ask every private DNS zone",
    description: "Every private DNS zone is linked to a virtual network.",
    why: "Azure does not check it: names resolve to public addresses, which are closed, and every connection fails.",
    severity: "high",
    framework: { waf: ["RE:07"], risks: ["R11"] },
    remediation: "Add a VirtualNetworkLink for each network whose clients use the service.",
    url: `${DOCS}/dns/private-dns-virtual-network-links`,
    appliesTo: "any",
  },
  (stack) => {
    const links = ofType(stack, kinds.ZONE_LINK);
    const asked = targetsOf(stack, links, "privateZoneName", kinds.PRIVATE_ZONE);
    return ofType(stack, kinds.PRIVATE_ZONE)
      .filter((zone) => !asked.has(zone))
      .map((zone) => about(zone, "must be linked to a virtual network"));
  },
);

const issuers = stackRule(
  {
    id: "ARM-086",
    name: "cluster-issuer-trusted",
    title: "Identities trust the tokens of every cluster",
    description: "Every cluster with an OIDC issuer is the issuer of a federated credential.",
    why: "Each cluster has an issuer of its own: in one nobody trusts, no pod gets a token, and the region cannot take over.",
    severity: "high",
    framework: { mcsb: ["IM-3"], waf: ["RE:05"], risks: ["R08", "R11"] },
    remediation: "Add a federated credential with this cluster's issuer to each workload's identity.",
    url: `${DOCS}/aks/workload-identity-overview`,
    appliesTo: "any",
  },
  (stack) => {
    const trusted = targetsOf(stack, ofType(stack, kinds.FEDERATED_CREDENTIAL), "issuer", kinds.CLUSTER);
    return ofType(stack, kinds.CLUSTER)
      .filter((cluster) => cursor(cluster).at("oidcIssuerProfile", "enabled").value === true)
      .filter((cluster) => !trusted.has(cluster))
      .map((cluster) => about(cluster, "must be the issuer of a federated credential"));
  },
);

const PRIVATE_LINK = "service.beta.kubernetes.io/azure-pls";

const linkSubnets = stackRule(
  {
    id: "ARM-087",
    name: "private-link-subnet-policies",
    title: "The subnet of a Private Link Service lets it in",
    description:
      "A subnet that a service names for its Private Link Service has privateLinkServiceNetworkPolicies Disabled.",
    why: "Azure refuses the Private Link Service; the cluster only writes an event, and Front Door finds no origin.",
    severity: "high",
    framework: { waf: ["OE:05"], risks: ["R11"] },
    remediation: 'Set privateLinkServiceNetworkPolicies to "Disabled" on the subnet.',
    url: `${DOCS}/private-link/disable-private-link-service-network-policy`,
    appliesTo: "any",
  },
  (stack) => {
    const wanted = new Set(
      ofType(stack, kinds.kubernetes("Service"))
        .flatMap(objects)
        .map((service) => service.at("metadata", "annotations"))
        .filter((annotations) => annotations.at(`${PRIVATE_LINK}-create`).value === "true")
        .flatMap((annotations) => annotations.at(`${PRIVATE_LINK}-ip-configuration-subnet`).text ?? []),
    );
    return ofType(stack, kinds.SUBNET)
      .filter((subnet) => wanted.has(kinds.azureName(subnet) ?? ""))
      .map((subnet) => ({
        resource: subnet,
        outcomes: mustBeText(cursor(subnet).at("privateLinkServiceNetworkPolicies"), "Disabled"),
      }));
  },
);

export const NETWORK_WIRING_RULES: readonly Rule[] = [routes, priorities, zones, issuers, linkSubnets];
