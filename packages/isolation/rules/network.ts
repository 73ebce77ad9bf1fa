import { Cursor } from "../read";
import { selects } from "../graph";
import type { Context, ResourceView, StackView, Value, Violation } from "../rule";
import { AddressRange, overlap, parseAddress, subtract } from "../addresses";
import { watchOf } from "../context";
import { coversManagedSuffix } from "../managedHosts";
import { kubernetesObjects, nameOf, podSpecs, type KubernetesObject } from "../objects";
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

const isWide = (range: AddressRange): boolean => range.last - range.first + 1 >= 2 ** 24;

function blockViolations(
  cidr: Cursor,
  except: Cursor,
  ports: Cursor | undefined,
  context: Context,
): Violation[] {
  const range = parseAddress(cidr.text ?? "");
  if (!range || (ports && isWide(range) && !letsDatabasesThrough(ports))) return [];
  // Ingress from the whole internet says nothing about one environment.
  if (!ports && isWide(range)) return [];
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

function everywhereViolations(rule: Cursor, to: Cursor, context: Context): Violation[] {
  if (to.items().length > 0 || !letsDatabasesThrough(rule.at("ports"))) return [];
  const environment = reachable(context, EVERYWHERE, []);
  return environment === undefined
    ? []
    : [
        {
          path: rule.path,
          environment,
          message: `lets traffic to every address through, those of ${environment} included; name the destinations`,
        },
      ];
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
  const environment = reachable(context, EVERYWHERE, []);
  if (environment === undefined) return [];
  return entities
    .items()
    .filter(({ text }) => EVERY_ENTITY.test(text ?? ""))
    .map(({ path }) => ({
      path,
      environment,
      message: `lets traffic to every address through, those of ${environment} included; name the destinations`,
    }));
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

function kubernetesPaths(resource: ResourceView, context: Context): Violation[] {
  return kubernetesObjects(resource).flatMap((found) => {
    switch (found.kind) {
      case "NetworkPolicy":
        return networkPolicy(found, context);
      case "CiliumNetworkPolicy":
      case "CiliumClusterwideNetworkPolicy":
        return ciliumPolicy(found, context);
      case "ServiceEntry":
        return meshHosts(found);
      default:
        return [];
    }
  });
}

/** Properties of one rule of a network security group or firewall that say where traffic goes or comes from. */
const PREFIXES =
  /^(?:(?:source|destination)Address(?:es|Prefix|Prefixes)|addressPrefix(?:es)?|(?:source|target)Fqdns|targetUrls)$/;

const refuses = ({ value }: Cursor, refusal: Refusal | undefined): boolean =>
  typeof value === "object" && value !== null && refusal !== undefined && refusal.refuses(value);

function* ruleObjects(cursor: Cursor, refusal: Refusal | undefined, depth = 6): Generator<Cursor> {
  if (depth === 0 || refuses(cursor, refusal)) return;
  if (Array.isArray(cursor.value)) {
    for (const item of cursor.items()) yield* ruleObjects(item, refusal, depth - 1);
    return;
  }
  const entries = cursor.entries();
  if (entries.some(([key]) => PREFIXES.test(key))) yield cursor;
  for (const [key, inner] of entries) {
    if (key === "action" || PREFIXES.test(key)) continue;
    yield* ruleObjects(inner, refusal, depth - 1);
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
  for (const rule of ruleObjects(new Cursor(resource.props), refusalOf(resource.type))) {
    for (const [key, value] of rule.entries()) {
      if (!PREFIXES.test(key)) continue;
      for (const text of value.text === undefined ? value.items() : [value]) {
        findings.push(...wildcardHost(text));
        const range = parseAddress(text.text ?? "");
        // The default route and the whole internet say nothing about one environment; narrower blocks do.
        if (!range || (range.first === 0 && range.last === EVERYWHERE.last)) continue;
        const environment = reachable(context, range, []);
        if (environment !== undefined) {
          findings.push({
            path: text.path,
            environment,
            message: `takes in addresses of ${environment}; only a rule that denies may`,
          });
        }
      }
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
    const labels = [
      "spec.template.metadata.labels",
      "spec.jobTemplate.spec.template.metadata.labels",
      "metadata.labels",
    ]
      .map((path) => found.object.at(...path.split(".")))
      .find((cursor) => cursor.present);
    return policies.some((policy) => guards(policy, namespace, labels ?? new Cursor({})))
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
