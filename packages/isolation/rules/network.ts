import { Cursor } from "../read";
import { type Context, type ResourceView, type Violation } from "../rule";
import { isGeneric, parseAddress, rangesOf } from "../addresses";
import { type Refusal, refusalOf } from "../traffic";
import { watchOf } from "../context";
import { resourceRule } from "./metadata";
import { EVERYWHERE, reachable } from "./networkBlocks";
import { wildcardHost, kubernetesPaths } from "./networkPolicies";

/** Properties of one rule of a network security group or firewall that say where traffic goes or comes from. */
const PREFIXES =
  /^(?:(?:source|destination)Address(?:es|Prefix|Prefixes)|addressPrefix(?:es)?|(?:source|target)Fqdns|targetUrls)$/;

/** Properties that name addresses without letting anybody reach them: ranges a firewall does not translate, resolvers. */
const HARMLESS_KEYS = /^(?:privateRanges|snat|dnsSettings|dhcpOptions|tags|privateIPAllocationMethod)$/;

interface AddressText {
  readonly key: string;
  readonly text: Cursor;
}

/** Every text below that is not in something that refuses. */
function* unrefusedTexts(root: Cursor, refusal: Refusal | undefined): Generator<AddressText> {
  const pending: { place: Cursor; key: string }[] = [{ place: root, key: "" }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { place, key } = next;
    const { value } = place;
    if (typeof value === "string") yield { key, text: place };
    if (typeof value !== "object" || value === null || refusal?.refuses(value) === true) continue;
    pending.push(...place.items().map((inner) => ({ place: inner, key })));
    for (const [name, inner] of place.entries()) {
      if (!HARMLESS_KEYS.test(name) && refusal?.exempt.has(name) !== true)
        pending.push({ place: inner, key: name });
    }
  }
}

/** A network group of a manager above the subscription takes in networks of every environment. */
function managedMeshes(resource: ResourceView): Violation[] {
  if (
    !/:(?:ConnectivityConfiguration|RoutingConfiguration|SecurityAdminConfiguration)$/.test(resource.type)
  ) {
    return [];
  }
  return new Cursor(resource.props)
    .at("appliesToGroups")
    .items()
    .map((group) => group.at("networkGroupId"))
    .filter(({ text }) => text !== undefined && !/^\/subscriptions\//i.test(text.trim()))
    .map(({ path }) => ({
      path,
      message: "is a group above the subscription, which takes in networks of every environment",
    }));
}

const isAddress = (text: string, context: Context): boolean =>
  watchOf(context)
    .scanner.text(text)
    .some(({ reach }) => reach === "address");

function azurePaths(resource: ResourceView, context: Context): Violation[] {
  const findings = managedMeshes(resource);
  for (const { key, text } of unrefusedTexts(new Cursor(resource.props), refusalOf(resource.type))) {
    // A star among addresses is the whole internet.
    if (PREFIXES.test(key) && (text.text !== "*" || !/address/i.test(key)))
      findings.push(...wildcardHost(text));
    for (const range of rangesOf(text.text ?? "")) {
      // The default route and the whole internet say nothing about one environment; narrower blocks do.
      if (range.first === 0 && range.last === EVERYWHERE.last) continue;
      // What ISO-006 finds, it finds wherever it stands.
      if (!PREFIXES.test(key) && !isGeneric(range) && isAddress(text.text ?? "", context)) continue;
      const environment = reachable(context, range, []);
      if (environment === undefined) continue;
      findings.push({
        path: text.path,
        environment,
        message: `takes in addresses of ${environment}; only a rule that denies may`,
      });
    }
  }
  return findings;
}

function firewallRange(resource: ResourceView, context: Context): Violation[] {
  const cursor = new Cursor(resource.props);
  const first = parseAddress(cursor.at("startIpAddress").text ?? "")?.first;
  const last = parseAddress(cursor.at("endIpAddress").text ?? "")?.last;
  if (first === undefined || last === undefined || last < first || last === 0) return [];
  const environment = reachable(context, { first, last }, []);
  return environment === undefined
    ? []
    : [
        {
          path: "startIpAddress",
          environment,
          message: `admits addresses of ${environment} up to \`endIpAddress\`; admit only this stack's own`,
        },
      ];
}

/** Blocks, ranges and wildcards that take in other environments without naming them. */
export const networkPathRule = resourceRule({
  id: "ISO-022",
  name: "open-network-path",
  title: "Network rules leave other environments out",
  description:
    "Egress policies, routes, security and firewall rules let no address or Azure host of another environment through; an `except`, a denial or a black-hole route may name them.",
  why: "A rule as wide as 10.0.0.0/8 or `*.database.azure.com` opens every environment without naming any.",
  remediation:
    "Name the stack's own blocks and hosts, or cut the others out with `except` or a denying rule.",
  url: "https://learn.microsoft.com/azure/aks/use-network-policies",
  appliesTo: "any",
  waf: ["SE:06"],
  check: (resource, context) => {
    if (/^azure-native[^:]*:network[^:]*:/.test(resource.type)) return azurePaths(resource, context);
    if (/:(?:FirewallRule|ServerFirewallRule)$/.test(resource.type)) return firewallRange(resource, context);
    return kubernetesPaths(resource, context);
  },
});
