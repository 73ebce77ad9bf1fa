import { AddressRange, parseAddress } from "./addresses";
import { Belongings, BELONGINGS, environmentOf, Inventory } from "./inventory";
import { otherEnvironment } from "./environmentWords";
import { ManagedKind } from "./managedHosts";

/** What kind of thing a text led to. */
export type Reach =
  | ManagedKind
  | "subscription"
  | "managementGroup"
  | "address"
  | "host"
  | "name"
  | "identity"
  | "secret"
  | "stackReference"
  | "issuer"
  | "engine"
  | "fetchedCode"
  | "fetchedScript"
  | "fetchedSettings"
  | "manifest"
  | "opaque";

/** What is told of a text without anybody's being hurt by it: rules that know the place judge it. */
export const UNOWNED: ReadonlySet<Reach> = new Set([
  "manifest",
  "issuer",
  "engine",
  "fetchedCode",
  "fetchedSettings",
]);

/** Something outside a stack's own environment, and whose it is. */
export interface Foreign {
  readonly reach: Reach;
  /** Environment it belongs to; undefined when nobody listed it, which makes it no less foreign. */
  readonly environment?: string;
  /** Whether it is only what a text with a place in it could become. */
  readonly isPattern?: boolean;
  /** What a manifest in a text declares; the rules on types judge it. */
  readonly manifest?: { readonly apiVersion: string; readonly kind: string };
  /** The issuer a text names, where it is not the stack's own by the inventory; clusters of the stack have theirs too. */
  readonly issuer?: string;
}

type Names = keyof Belongings;

/** What a stack can declare for its own: hosts of a kind, or a private DNS zone. */
export type Declared = ManagedKind | "zone";

const NAME_KINDS: readonly (readonly [Names, Reach])[] = [
  ["servers", "database"],
  ["virtualEndpoints", "database"],
  ["vaults", "vault"],
  ["storageAccounts", "storage"],
  ["clusters", "cluster"],
  ["resourceGroups", "name"],
  ["virtualNetworks", "name"],
  ["resources", "name"],
  ["identities", "identity"],
];

const ID_KINDS: readonly (readonly [Names, Reach])[] = [
  ["subscriptionIds", "subscription"],
  ["tenantIds", "identity"],
  ["clientIds", "identity"],
  ["principalIds", "identity"],
];

/** DNS prefix of a cluster's API host: Azure appends a hyphen and eight characters to it. */
const dnsPrefix = (label: string): string => label.replace(/-[a-z0-9]{8}$/, "");

const parentOf = (host: string): string => host.slice(host.indexOf(".") + 1);

/**
 * The line around one stack: what is its own, and what is known to be someone else's. Things with a syntax of
 * their own (subscriptions, Azure host names) are foreign unless they are inside; opaque names and addresses are
 * foreign when the inventory gives them to another environment.
 */
export class Perimeter {
  readonly environment: string | undefined;
  readonly isProd: boolean;
  /** Names by exact spelling, of everybody else. */
  readonly names = new Map<string, Foreign>();
  readonly ids = new Map<string, Foreign>();
  readonly aliases = new Map<string, Foreign>();
  private readonly clusterPrefixes = new Map<string, Foreign>();
  readonly stacks = new Map<string, Foreign>();
  /** What others' names begin with, and whose they are. */
  readonly prefixes = new Map<string, string>();
  /** Domains of public host names, and whether they are the stack's own. */
  readonly domains = new Map<string, boolean>();
  readonly addresses: readonly (AddressRange & { readonly environment: string })[];
  readonly secretHashes: readonly { salt: string; hash: string; environment: string }[];
  private readonly own: Readonly<Record<Names, ReadonlySet<string>>>;
  private readonly readableStacks: ReadonlySet<string>;
  /** Names of the other environments and of the one among them that is production. */
  private readonly others: readonly string[];
  private readonly production: string | undefined;
  private readonly declared = new Map<Declared, Set<string>>();

  constructor(inventory: Inventory, project: string, stack: string) {
    const name = `${project}/${stack}`;
    const environment = environmentOf(inventory, project, stack);
    const shared = inventory.shared.filter(({ stacks }) => !stacks || stacks.includes(name));
    this.environment = environment?.name;
    this.isProd = environment?.isProd ?? false;
    this.own = Object.fromEntries(
      BELONGINGS.map((key) => [
        key,
        new Set([...(environment?.[key] ?? []), ...shared.flatMap((entry) => entry[key] ?? [])]),
      ]),
    ) as Record<Names, Set<string>>;
    this.readableStacks = new Set([
      ...(environment?.stacks ?? []),
      ...shared.flatMap((entry) => entry.stackReferences ?? []),
    ]);
    const others = inventory.environments.filter((other) => other !== environment);
    this.others = others.map((other) => other.name);
    this.production = others.find(({ isProd }) => isProd)?.name;
    for (const other of others) {
      const add = (into: Map<string, Foreign>, key: Names, reach: Reach): void => {
        for (const entry of other[key]) {
          if (!this.own[key].has(entry)) into.set(entry, { reach, environment: other.name });
        }
      };
      NAME_KINDS.forEach(([key, reach]) => add(this.names, key, reach));
      ID_KINDS.forEach(([key, reach]) => add(this.ids, key, reach));
      add(this.clusterPrefixes, "clusterDnsPrefixes", "cluster");
      add(this.aliases, "publicHostNames", "host");
      add(this.aliases, "hostNames", "database");
      add(this.aliases, "privateDnsZones", "database");
      for (const prefix of other.namePrefixes)
        if (!this.own.namePrefixes.has(prefix)) this.prefixes.set(prefix, other.name);
      for (const host of other.publicHostNames) this.domains.set(parentOf(host), false);
      other.stacks.forEach((entry) =>
        this.stacks.set(entry, { reach: "stackReference", environment: other.name }),
      );
    }
    for (const host of environment?.publicHostNames ?? []) this.domains.set(parentOf(host), true);
    this.addresses = others.flatMap((other) =>
      other.cidrs.flatMap((cidr) => {
        const range = parseAddress(cidr);
        return range && !this.own.cidrs.has(cidr) ? [{ ...range, environment: other.name }] : [];
      }),
    );
    this.secretHashes = others.flatMap((other) =>
      other.secretHashes.map((entry) => {
        const [salt = "", hash = ""] = entry.split(":");
        return { salt, hash, environment: other.name };
      }),
    );
  }

  /** Names of the stack's own, declared ones too. */
  ownNames(): string[] {
    return [
      ...NAME_KINDS.flatMap(([key]) => [...this.own[key]]),
      ...[...this.declared.values()].flatMap((names) => [...names]),
    ];
  }

  owns(key: Names, value: string): boolean {
    return this.own[key].has(value);
  }

  /** What is listed of a kind as the stack's own. */
  listed(key: Names): ReadonlySet<string> {
    return this.own[key];
  }

  /** Whether anything of a kind is listed for the stack's environment. */
  lists(key: Names): boolean {
    return this.own[key].size > 0;
  }

  /** Whether the stack may read another stack's outputs. */
  mayRead(project: string, stack: string): boolean {
    return this.readableStacks.has(`${project}/${stack}`);
  }

  /** Which other environment a stack, context or workspace of that name is of, by the words in it. */
  namedEnvironment(text: string): string | undefined {
    const word = otherEnvironment(text, this.others);
    if (word === undefined || word === this.environment) return undefined;
    return this.others.includes(word) ? word : this.production;
  }

  /** The other environment a text is the name of, as it is or as a step of a path. */
  calledEnvironment(text: string): string | undefined {
    const steps = text.split("/");
    return this.others.find((name) => steps.includes(name));
  }

  /** Takes in the name of a resource the stack itself declares, in a subscription of its own. */
  declare(kind: Declared, name: string): void {
    if (name.split(".").some((label) => this.names.has(label)) || this.aliases.has(name)) return;
    const names = this.declared.get(kind) ?? new Set<string>();
    this.declared.set(kind, names.add(name));
  }

  /** Whether a private DNS zone is the stack's own, by the inventory or because it declares it. */
  ownsZone(zone: string): boolean {
    return this.own.privateDnsZones.has(zone) || this.declared.get("zone")?.has(zone) === true;
  }

  /** Whether a pattern could be the name of something the stack has, and whose it could be otherwise. */
  matching(kind: ManagedKind, pattern: RegExp): { own: boolean; foreign: Foreign | undefined } {
    const own = [
      ...(this.declared.get(kind) ?? []),
      ...(kind === "database" ? [...this.own.servers, ...this.own.virtualEndpoints] : []),
      ...(kind === "vault" ? this.own.vaults : []),
      ...(kind === "storage" ? this.own.storageAccounts : []),
      ...(kind === "cluster" ? [...this.own.clusterDnsPrefixes, ...this.own.clusters] : []),
      ...(kind === "host" ? this.own.resources : []),
    ].some((name) => pattern.test(name));
    const [, foreign] =
      [...this.names, ...(kind === "cluster" ? this.clusterPrefixes : [])].find(
        ([name, { reach }]) => reach === kind && pattern.test(name),
      ) ?? [];
    return { own, foreign };
  }

  ownsHost(kind: ManagedKind, name: string): boolean {
    const declared = this.declared.get(kind);
    if (declared?.has(name) || (kind === "cluster" && declared?.has(dnsPrefix(name)))) return true;
    switch (kind) {
      case "database":
        return this.own.servers.has(name) || this.own.virtualEndpoints.has(name);
      case "vault":
        return this.own.vaults.has(name);
      case "storage":
        return this.own.storageAccounts.has(name);
      case "cluster":
        return this.own.clusterDnsPrefixes.has(dnsPrefix(name)) || this.own.clusters.has(name);
      case "host":
        return this.own.resources.has(name);
    }
  }

  /** Environment a managed host name belongs to, when the inventory knows. */
  hostOwner(kind: ManagedKind, name: string): string | undefined {
    const foreign =
      this.names.get(name) ?? (kind === "cluster" ? this.clusterPrefixes.get(dnsPrefix(name)) : undefined);
    return foreign?.environment;
  }

  /** Whether a host is in the stack's own cluster, or a public one or an account of its environment. */
  isInside(host: string): boolean {
    const [label = ""] = host.split(".");
    return (
      !host.includes(".") ||
      /(?:^|\.)(?:svc|local|internal|localhost)$|\.svc\.|^127\./.test(host) ||
      this.own.publicHostNames.has(host) ||
      this.domains.get(parentOf(host)) === true ||
      (/\.(?:blob|file|dfs)\.core\./.test(host) && this.ownsHost("storage", label))
    );
  }

  foreignAddress(range: AddressRange): string | undefined {
    return this.addresses.find((block) => block.first <= range.last && range.first <= block.last)
      ?.environment;
  }
}
