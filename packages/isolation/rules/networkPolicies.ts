import { Cursor } from "../read";
import { type Context, type ResourceView, type Violation } from "../rule";
import { AddressRange, parseAddress, rangesOf } from "../addresses";
import { coversManagedSuffix } from "../managedHosts";
import { kubernetesObjects, type KubernetesObject } from "../objects";
import { refusalOf } from "../traffic";
import {
  DATABASE_PORTS,
  EVERYWHERE,
  reachable,
  letsDatabasesThrough,
  isWide,
  blockViolations,
  everyAddress,
  everywhereViolations,
} from "./networkBlocks";

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

export function wildcardHost(cursor: Cursor): Violation[] {
  const host = cursor.text?.toLowerCase() ?? "";
  // Numbers and stars are addresses, which are judged by overlap.
  return host.includes("*") &&
    !/^\d[\d.*\s-]*$/.test(host) &&
    coversManagedSuffix(host.slice(host.lastIndexOf("*") + 1))
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

/** A place in a policy, and what around it says whom it is about. */
interface PolicyPlace {
  readonly place: Cursor;
  /** The rule it is part of. */
  readonly rule: Cursor;
  /** The map it is a property of, which may cut holes into its addresses. */
  readonly owner: Cursor;
  readonly isIngress: boolean;
}

const IS_RULES = /(?:^|\.)(?:egress|ingress|rules|http|tcp|tls)$/;
/** Properties that say whom a policy keeps out, whom it is for, or what the cluster itself is. */
const UNREAD = /Deny$|^(?:endpointSelector|matchLabels|podCIDR)$/;

function membersOf({ place, rule, owner, isIngress }: PolicyPlace): PolicyPlace[] {
  const isRules = IS_RULES.test(place.path);
  return place.items().map((inner) => ({ place: inner, owner, rule: isRules ? inner : rule, isIngress }));
}

function propertiesOf({ place, rule, isIngress }: PolicyPlace): PolicyPlace[] {
  return place
    .entries()
    .filter(([key]) => !HOLES.includes(key) && !UNREAD.test(key))
    .map(([key, inner]) => ({
      place: inner,
      owner: place,
      rule,
      isIngress: isIngress || key === "ingress" || key === "source",
    }));
}

/** Ranges a map says by its first and last address. */
function boundedIn(place: Cursor): { range: AddressRange; at: Cursor }[] {
  return BOUNDS.flatMap(([low, high]) => {
    const at = place.at(low);
    const [first, last] = [at, place.at(high)].map(({ text }) => parseAddress(text ?? ""));
    return first && last && first.first <= last.last
      ? [{ range: { first: first.first, last: last.last }, at }]
      : [];
  });
}

/** Addresses under any property of an object that decides about traffic, where it lets through. */
function anyPolicy({ kind, object }: KubernetesObject, type: string, context: Context): Violation[] {
  const refusal = refusalOf(type) ?? refusalOf(`kubernetes:${object.at("apiVersion").text ?? ""}:${kind}`);
  const findings: Violation[] = [];
  const judge = (range: AddressRange, at: Cursor, { owner, rule, isIngress }: PolicyPlace): void => {
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
  const spec = object.at("spec");
  const pending: PolicyPlace[] = [{ place: spec, rule: spec, owner: spec, isIngress: false }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { place } = next;
    const { value } = place;
    if (typeof value === "string") for (const range of rangesOf(value)) judge(range, place, next);
    if (typeof value !== "object" || value === null || refusal?.refuses(value) === true) continue;
    if (Array.isArray(value)) pending.push(...membersOf(next));
    else {
      for (const { range, at } of boundedIn(place)) judge(range, at, { ...next, owner: place });
      pending.push(...propertiesOf(next));
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

export function kubernetesPaths(resource: ResourceView, context: Context): Violation[] {
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
