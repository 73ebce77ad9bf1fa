import { Cursor } from "../read";
import { selects } from "../graph";
import type { Context, ResourceView, StackView, Value, Violation } from "../rule";
import { AddressRange, isGeneric, overlap, parseAddress, rangesOf, subtract } from "../addresses";
import { watchOf } from "../context";
import { coversManagedSuffix } from "../managedHosts";
import { kubernetesObjects, nameOf, podLabels, podSpecs, type KubernetesObject } from "../objects";
import { type Refusal, refusalOf } from "../traffic";
import { resourceRule, stackRule } from "./metadata";
import { references } from "./workloads";

/** Ports PostgreSQL and PgBouncer listen on. */
const DATABASE_PORTS = [5432, 6432];
const EVERYWHERE: AddressRange = { first: 0, last: 2 ** 32 - 1 };

function reachable(
  context: Context,
  range: AddressRange,
  except: readonly AddressRange[],
): string | undefined {
  const blocks = watchOf(context).perimeter.addresses;
  return blocks.find((block) => subtract(range, except).some((part) => overlap(part, block)))?.environment;
}

/** Whether a rule's ports let a database connection through; an unreadable port might. */
function letsDatabasesThrough(ports: Cursor): boolean {
  const list = ports.items();
  if (list.length === 0) return true;
  return list.some((entry) => {
    const port = entry.at("port");
    if (!port.present) return true;
    const first = port.number ?? Number(port.text);
    if (!Number.isFinite(first)) return true;
    const last = entry.at("endPort").number ?? first;
    return DATABASE_PORTS.some((database) => first <= database && database <= last);
  });
}

const isPrivate = ({ first, last }: AddressRange): boolean => first >= 0x0a000000 && last <= 0x0affffff;
const isWide = (range: AddressRange): boolean => range.last - range.first + 1 >= 2 ** 24;

function blockViolations(
  cidr: Cursor,
  except: Cursor,
  ports: Cursor | undefined,
  context: Context,
): Violation[] {
  const range = parseAddress(cidr.text ?? "");
  if (!range || (ports && isWide(range) && !letsDatabasesThrough(ports))) return [];
  // Ingress from the whole internet says nothing about one environment; prod lets no private block in as a whole.
  if (!ports && isWide(range) && (context.environment !== "prod" || !isPrivate(range))) return [];
  const holes = except.texts().flatMap((text) => parseAddress(text) ?? []);
  const environment = reachable(context, range, holes);
  return environment === undefined
    ? []
    : [
        {
          path: cidr.path,
          environment,
          message: `lets traffic ${ports ? "to" : "from"} addresses of ${environment} through; cut them out with \`except\` or name the stack's own block`,
        },
      ];
}

/** What lets traffic to every address through, wherever another environment has addresses at all. */
function everyAddress(places: readonly Cursor[], context: Context): Violation[] {
  const environment = reachable(context, EVERYWHERE, []);
  if (environment === undefined) return [];
  return places.map(({ path }) => ({
    path,
    environment,
    message: `lets traffic to every address through, those of ${environment} included; name the destinations`,
  }));
}

function everywhereViolations(rule: Cursor, to: Cursor, context: Context): Violation[] {
  if (to.items().length > 0 || !letsDatabasesThrough(rule.at("ports"))) return [];
  return everyAddress([rule], context);
}

function networkPolicy({ object }: KubernetesObject, context: Context): Violation[] {
  const egress = object.at("spec", "egress").items();
  const ingress = object.at("spec", "ingress").items();
  return [
    ...egress.flatMap((rule) => [
      ...everywhereViolations(rule, rule.at("to"), context),
      ...rule
        .at("to")
        .items()
        .flatMap((peer) =>
          blockViolations(
            peer.at("ipBlock", "cidr"),
            peer.at("ipBlock", "except"),
            rule.at("ports"),
            context,
          ),
        ),
    ]),
    ...ingress.flatMap((rule) =>
      rule
        .at("from")
        .items()
        .flatMap((peer) =>
          blockViolations(peer.at("ipBlock", "cidr"), peer.at("ipBlock", "except"), undefined, context),
        ),
    ),
  ];
}

function wildcardHost(cursor: Cursor): Violation[] {
  const host = cursor.text?.toLowerCase() ?? "";
  return host.includes("*") && coversManagedSuffix(host.slice(host.lastIndexOf("*") + 1))
    ? [
        {
          path: cursor.path,
          message: "takes in Azure services of every environment; name the hosts one by one",
        },
      ]
    : [];
}

/** Cilium's names for every address there is. */
const EVERY_ENTITY = /^(?:all|world|world-ipv4|world-ipv6)$/;

function everyEntity(entities: Cursor, ports: Cursor, context: Context): Violation[] {
  if (!letsDatabasesThrough(ports)) return [];
  return everyAddress(
    entities.items().filter(({ text }) => EVERY_ENTITY.test(text ?? "")),
    context,
  );
}

/** A rule that names ports and nobody to reach lets through to everybody; an empty one lets nothing through. */
function everyDestination(rule: Cursor, ports: Cursor, context: Context): Violation[] {
  const hasDestination = rule.entries().some(([key]) => key !== "toPorts" && /^(?:to[A-Z]|icmps$)/.test(key));
  if (hasDestination || ports.items().length === 0 || !letsDatabasesThrough(ports)) return [];
  return everyAddress([rule], context);
}

function ciliumPolicy({ object }: KubernetesObject, context: Context): Violation[] {
  const specs = [object.at("spec"), ...object.at("specs").items()];
  return specs.flatMap((spec) =>
    spec
      .at("egress")
      .items()
      .flatMap((rule) => {
        const ports = new Cursor(
          rule
            .at("toPorts")
            .items()
            .flatMap((entry) =>
              entry
                .at("ports")
                .items()
                .map(({ value }) => value ?? null),
            ),
        );
        return [
          ...everyDestination(rule, ports, context),
          ...everyEntity(rule.at("toEntities"), ports, context),
          ...rule
            .at("toCIDR")
            .items()
            .flatMap((cidr) => blockViolations(cidr, new Cursor([]), ports, context)),
          ...rule
            .at("toCIDRSet")
            .items()
            .flatMap((set) => blockViolations(set.at("cidr"), set.at("except"), ports, context)),
          ...rule
            .at("toFQDNs")
            .items()
            .flatMap((name) => wildcardHost(name.at("matchPattern"))),
        ];
      }),
  );
}

function meshHosts({ object }: KubernetesObject): Violation[] {
  return object.at("spec", "hosts").items().flatMap(wildcardHost);
}

/** Groups whose objects decide about traffic; the ones with a shape of their own are read by it. */
const POLICY_GROUPS =
  /(?:^|\.)(?:cilium\.io|projectcalico\.org|policy\.networking\.k8s\.io|istio\.io|gateway\.envoyproxy\.io|linkerd\.io|metallb\.io)$/;
const HOLES = ["except", "excludedCIDRs", "notNets"];
const BOUNDS = [
  ["start", "stop"],
  ["start", "end"],
  ["startIP", "endIP"],
  ["from", "to"],
  ["first", "last"],
] as const;

/** Port lists in any tool's spelling: numbers, `5000:6000`, `{ port }`, `{ portNumber: { port } }`, `{ portRange }`. */
function opensDatabases(rule: Cursor): boolean {
  const lists = [rule.at("ports"), rule.at("destination", "ports"), rule.at("toPorts")].filter(
    ({ present }) => present,
  );
  const ports = lists.flatMap((list) => list.items());
  if (ports.length === 0) return true;
  return ports.some((entry) => {
    const inner = [
      entry,
      entry.at("port"),
      entry.at("portNumber", "port"),
      ...entry
        .at("ports")
        .items()
        .map((one) => one.at("port")),
    ];
    const texts = inner.flatMap((one) =>
      one.number !== undefined ? [String(one.number)] : (one.text ?? []),
    );
    const bounds = entry.at("portRange");
    if (bounds.present) texts.push(`${bounds.at("start").number ?? 0}:${bounds.at("end").number ?? 65535}`);
    if (texts.length === 0) return true;
    return texts.some((text) => {
      const [first = NaN, last = first] = text.split(/[:-]/).map(Number);
      return !Number.isFinite(first) || DATABASE_PORTS.some((port) => first <= port && port <= last);
    });
  });
}

/** Addresses under any property of an object that decides about traffic, where it lets through. */
function anyPolicy({ kind, object }: KubernetesObject, type: string, context: Context): Violation[] {
  const refusal = refusalOf(type) ?? refusalOf(`kubernetes:${object.at("apiVersion").text ?? ""}:${kind}`);
  const findings: Violation[] = [];
  const pending: { place: Cursor; rule: Cursor; owner: Cursor; isIngress: boolean }[] = [
    { place: object.at("spec"), rule: object.at("spec"), owner: object.at("spec"), isIngress: false },
  ];
  const judge = (range: AddressRange, at: Cursor, owner: Cursor, rule: Cursor, isIngress: boolean): void => {
    if (isWide(range) && (isIngress || !opensDatabases(rule))) return;
    const holes = HOLES.flatMap((key) => owner.at(key).texts()).flatMap(rangesOf);
    const environment = reachable(context, range, holes);
    if (environment === undefined) return;
    findings.push({
      path: at.path,
      environment,
      message: `takes in addresses of ${environment}; only a rule that denies may, or one that cuts them out`,
    });
  };
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { place, owner, rule, isIngress } = next;
    const { value } = place;
    if (typeof value === "string")
      for (const range of rangesOf(value)) judge(range, place, owner, rule, isIngress);
    if (typeof value !== "object" || value === null || refusal?.refuses(value) === true) continue;
    if (Array.isArray(value)) {
      const isRules = /(?:^|\.)(?:egress|ingress|rules|http|tcp|tls)$/.test(place.path);
      pending.push(
        ...place.items().map((inner) => ({ place: inner, owner, rule: isRules ? inner : rule, isIngress })),
      );
      continue;
    }
    for (const [low, high] of BOUNDS) {
      const [first, last] = [place.at(low), place.at(high)].map(({ text }) => parseAddress(text ?? ""));
      if (first && last && first.first <= last.last) {
        judge({ first: first.first, last: last.last }, place.at(low), place, rule, isIngress);
      }
    }
    for (const [key, inner] of place.entries()) {
      if (HOLES.includes(key) || /Deny$/.test(key) || /^(?:endpointSelector|matchLabels|podCIDR)$/.test(key))
        continue;
      pending.push({
        place: inner,
        owner: place,
        rule,
        isIngress: isIngress || key === "ingress" || key === "source",
      });
    }
  }
  return findings;
}

/** Rules of Calico that allow without saying where to. */
function calicoEverywhere({ object }: KubernetesObject, context: Context): Violation[] {
  const environment = reachable(context, EVERYWHERE, []);
  if (environment === undefined) return [];
  return object
    .at("spec", "egress")
    .items()
    .filter((rule) => {
      if (!/^allow$/i.test(rule.at("action").text ?? "")) return false;
      const limits = rule
        .at("destination")
        .entries()
        .filter(([key]) => key !== "ports" && key !== "notPorts");
      return limits.length === 0 && opensDatabases(rule);
    })
    .map(({ path }) => ({
      path,
      environment,
      message: `lets traffic to every address through, those of ${environment} included; name the destinations`,
    }));
}

function kubernetesPaths(resource: ResourceView, context: Context): Violation[] {
  return kubernetesObjects(resource).flatMap((found) => {
    if (/projectcalico\.org$/.test(found.group) && /NetworkPolicy$/.test(found.kind)) {
      return [...calicoEverywhere(found, context), ...anyPolicy(found, resource.type, context)];
    }
    if (/^(?:CiliumCIDRGroup|NetworkSet|GlobalNetworkSet)$/.test(found.kind)) return [];
    switch (found.kind) {
      case "NetworkPolicy":
        return networkPolicy(found, context);
      case "CiliumNetworkPolicy":
      case "CiliumClusterwideNetworkPolicy":
        return ciliumPolicy(found, context);
      case "ServiceEntry":
        return [...meshHosts(found), ...anyPolicy(found, resource.type, context)];
      default:
        return POLICY_GROUPS.test(found.group) ? anyPolicy(found, resource.type, context) : [];
    }
  });
}

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

function azurePaths(resource: ResourceView, context: Context): Violation[] {
  const findings = managedMeshes(resource);
  for (const { key, text } of unrefusedTexts(new Cursor(resource.props), refusalOf(resource.type))) {
    if (PREFIXES.test(key)) findings.push(...wildcardHost(text));
    for (const range of rangesOf(text.text ?? "")) {
      // The default route and the whole internet say nothing about one environment; narrower blocks do.
      if (range.first === 0 && range.last === EVERYWHERE.last) continue;
      // ISO-006 finds what is narrow and written out, wherever it stands.
      if (!PREFIXES.test(key) && !isGeneric(range) && text.text?.includes("*") !== true) continue;
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

/** Environment variables and ports that make a container a database client. */
const CLIENT_TEXT =
  /postgres(?:ql)?:\/\/|\bpghost\b|database_url|postgres\.database|(?:^|[^0-9])(?:5432|6432)(?:$|[^0-9])/i;

const isClientText = (value: Value | undefined): boolean =>
  JSON.stringify(value ?? null, (_, inner: unknown) => (typeof inner === "symbol" ? "" : inner)).match(
    CLIENT_TEXT,
  ) !== null;

/** Settings of a ConfigMap or Secret in clear text. */
function settings({ object }: KubernetesObject): Value {
  const encoded = object.at("data").entries();
  return [
    object.at("data").value ?? null,
    object.at("stringData").value ?? null,
    ...encoded.map(([, value]) => Buffer.from(value.text ?? "", "base64").toString("utf8")),
  ];
}

const POLICIES = new Set(["NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"]);

/**
 * Whether a policy selects pods by their labels and limits where they go: a NetworkPolicy of type Egress, or a
 * Cilium policy with a rule on egress. What a selector says beyond labels and expressions on them selects nothing.
 */
function guards({ kind, object }: KubernetesObject, namespace: string, labels: Cursor): boolean {
  if (kind === "NetworkPolicy") {
    const isEgress =
      object.at("spec", "policyTypes").texts().includes("Egress") ||
      (!object.at("spec", "policyTypes").present && object.at("spec", "egress").present);
    const selector = object.at("spec", "podSelector");
    return (
      isEgress &&
      nameOf({ kind, group: "", object }).namespace === namespace &&
      (!selector.present || selector.unknown || selects(selector, labels, true))
    );
  }
  const isClusterwide = kind === "CiliumClusterwideNetworkPolicy";
  if (!isClusterwide && nameOf({ kind, group: "", object }).namespace !== namespace) return false;
  return [object.at("spec"), ...object.at("specs").items()].some(
    (spec) =>
      (spec.at("egress").items().length > 0 || spec.at("egressDeny").items().length > 0) &&
      spec.at("enableDefaultDeny", "egress").value !== false &&
      selects(spec.at("endpointSelector"), labels, true),
  );
}

function unguarded(stack: StackView): Violation[] {
  const objects = stack.resources.flatMap((resource) =>
    kubernetesObjects({ ...resource, props: resource.inputs ?? resource.props }).map((found) => ({
      ...found,
      urn: resource.urn,
    })),
  );
  const namespaces = new Set(
    objects.filter(({ kind }) => kind === "Namespace").map((found) => nameOf(found).name),
  );
  const policies = objects.filter(({ kind }) => POLICIES.has(kind));
  const key = (kind: string, namespace: string, name: string | undefined) =>
    `${kind}/${namespace}/${name ?? ""}`;
  const connecting = new Set(
    objects
      .filter((found) => /^(?:ConfigMap|Secret)$/.test(found.kind) && isClientText(settings(found)))
      .map((found) => key(found.kind, nameOf(found).namespace, nameOf(found).name)),
  );
  return objects.flatMap((found): Violation[] => {
    const { namespace } = nameOf(found);
    if (!namespaces.has(namespace) && namespace !== "default") return [];
    const clients = podSpecs(found).filter(
      (spec) =>
        isClientText(spec.value) ||
        references(spec).some(({ kind, name }) => connecting.has(key(kind, namespace, name.text))),
    );
    if (clients.length === 0) return [];
    const outside = clients.find((spec) => spec.at("hostNetwork").value === true);
    if (outside) {
      return [
        {
          urn: found.urn,
          path: outside.at("hostNetwork").path,
          message: "puts a database client into its node's network, where no policy limits its egress",
        },
      ];
    }
    const open = clients.find(
      (spec) => !policies.some((policy) => guards(policy, namespace, podLabels(found, spec))),
    );
    return open === undefined
      ? []
      : [
          {
            urn: found.urn,
            path: "spec",
            message: `connects to a database from namespace ${namespace}, where no policy limits its egress`,
          },
        ];
  });
}

/** A database client may only leave its namespace through a policy that says where to. */
export const egressRequiredRule = stackRule({
  id: "ISO-023",
  name: "egress-policy-required",
  title: "Database clients have an egress policy",
  description:
    "Every pod outside prod that connects to a database, by its own settings or by a ConfigMap or Secret it refers to, in a namespace the stack declares or in `default`, is selected by a policy that limits its egress, and is not in its node's network.",
  why: "A host name put together at run time is invisible in a plan; the network is where it is stopped.",
  remediation: "Add a NetworkPolicy with policyTypes [Egress] that names the stack's own endpoints.",
  url: "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
  appliesTo: "nonProd",
  waf: ["SE:06"],
  check: unguarded,
});
