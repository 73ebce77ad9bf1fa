import { BlockList } from "node:net";
import { pairedRegion, regionName } from "../model/azure/regionPairs";
import { objectsAt, stringAt, textAt, treeAt, valueAt } from "../model/paths";
import type { Cloud, Stored, Tree } from "../model/types";
import { leads, type Linked } from "./privateLink";
import { outboundOf, placeOf, type Vantage } from "./vantage";

/** What a service's firewall says, whatever its own words for it. */
interface Rules {
  /** Whether it answers anybody but private endpoints. */
  readonly open: boolean;
  /** Whether it admits whom no rule names. */
  readonly everybody: boolean;
  /** Addresses and CIDR blocks it admits. */
  readonly addresses: readonly string[];
  /** Ids of subnets it admits. */
  readonly subnets: readonly string[];
}

interface Service {
  /** By what its private endpoints are told; absent for one that takes none. */
  readonly linked?: Linked;
  rules(inputs: Tree): Rules;
  /** Service endpoints that make a subnet known to it: one for its own region and that one's pair, one for all regions. */
  readonly endpoints?: { readonly near?: string; readonly anywhere?: string };
  /** Whether it sees private addresses of machines in its own region, which no rule can name. */
  readonly hidesOwnRegion: boolean;
}

const textsAt = (inputs: Tree, path: string, name: string): string[] =>
  objectsAt(inputs, path).flatMap((one) => stringAt(one, name) ?? []);

/** Unless it says so, a service answers the Internet, and everybody there. */
function rulesOf(
  access: string | undefined,
  acls: Tree | undefined,
  [address, subnet]: [string, string],
): Rules {
  return {
    open: (access ?? "Enabled").toLowerCase() === "enabled",
    everybody: textAt(acls ?? {}, "defaultAction") !== "Deny",
    addresses: textsAt(acls ?? {}, "ipRules", address),
    subnets: textsAt(acls ?? {}, "virtualNetworkRules", subnet),
  };
}

const SERVICES: Readonly<Record<string, Service>> = {
  "azure-native:storage:StorageAccount": {
    linked: { group: "blob", zone: "privatelink.blob.core.windows.net" },
    rules: (inputs) =>
      rulesOf(stringAt(inputs, "publicNetworkAccess"), treeAt(inputs, "networkRuleSet"), [
        "iPAddressOrRange",
        "virtualNetworkResourceId",
      ]),
    endpoints: { near: "Microsoft.Storage", anywhere: "Microsoft.Storage.Global" },
    hidesOwnRegion: true,
  },
  "azure-native:keyvault:Vault": {
    linked: { group: "vault", zone: "privatelink.vaultcore.azure.net" },
    rules: (inputs) =>
      rulesOf(stringAt(inputs, "properties.publicNetworkAccess"), treeAt(inputs, "properties.networkAcls"), [
        "value",
        "id",
      ]),
    endpoints: { anywhere: "Microsoft.KeyVault" },
    hidesOwnRegion: false,
  },
  // A server's rules for addresses are resources this cloud has not.
  "azure-native:dbforpostgresql:Server": {
    linked: { group: "postgresqlServer", zone: "privatelink.postgres.database.azure.com" },
    rules: (inputs) => rulesOf(stringAt(inputs, "network.publicNetworkAccess"), undefined, ["", ""]),
    hidesOwnRegion: false,
  },
  // Of a private cluster's own endpoint nothing is here.
  "azure-native:containerservice:ManagedCluster": {
    rules: (inputs) => {
      const ranges = (valueAt(inputs, "apiServerAccessProfile.authorizedIPRanges") ?? []) as string[];
      return {
        open: valueAt(inputs, "apiServerAccessProfile.enablePrivateCluster") !== true,
        everybody: ranges.length === 0,
        addresses: ranges,
        subnets: [],
      };
    },
    hidesOwnRegion: false,
  },
};

/**
 * Whether a service's data plane answers a request from somewhere:
 * - `answers`;
 * - `unreachable`: its name leads nowhere there, or nothing leads out;
 * - `closed`: it answers private endpoints only, and this is none;
 * - `firewall`: no rule admits whoever asks. `seen` is the address it sees, where it sees one.
 *
 * Exceptions for Azure's own services are not looked at: nobody who asks here is one of those.
 */
export type Verdict =
  { readonly is: "answers" | "unreachable" | "closed" } | { readonly is: "firewall"; readonly seen?: string };

/** How a request arrives at the public side of a service: with an address, as a subnet, or with an address nobody can name. */
type Arrives = { readonly addresses: readonly string[] } | { readonly subnet: string } | "hidden";

/** @throws Error for a type without a data plane here */
export function judge(cloud: Cloud, from: Vantage, target: Stored): Verdict {
  const service = SERVICES[target.type];
  if (!service) throw new Error(`${target.type} has no firewall here`);
  const arrives = arrivalOf(cloud, from, target, service);
  if (arrives === "private") return { is: "answers" };
  if (arrives === "nowhere") return { is: "unreachable" };
  const { open, everybody, addresses, subnets } = service.rules(target.inputs);
  if (!open) return { is: "closed" };
  if (everybody) return { is: "answers" };
  if (arrives === "hidden") return { is: "firewall" };
  if ("subnet" in arrives)
    return subnets.some((one) => one.toLowerCase() === arrives.subnet.toLowerCase())
      ? { is: "answers" }
      : { is: "firewall" };
  // Of several addresses any may be the one it leaves by.
  const strange = arrives.addresses.find((address) => !admits(addresses, address));
  return strange === undefined ? { is: "answers" } : { is: "firewall", seen: strange };
}

function arrivalOf(
  cloud: Cloud,
  from: Vantage,
  target: Stored,
  service: Service,
): Arrives | "private" | "nowhere" {
  const home = regionName(textAt(target.inputs, "location"));
  if (!("subnet" in from)) {
    const near = from.region !== undefined && regionName(from.region) === home;
    return near && service.hidesOwnRegion ? "hidden" : { addresses: [from.address] };
  }
  const place = placeOf(cloud, from);
  if (!place) return "nowhere";
  const { subnet, network } = place;
  const way = service.linked ? leads(cloud, network.id, target, service.linked) : "public";
  if (way !== "public") return way;
  const region = regionName(textAt(network.inputs, "location"));
  if (knownBy(service, subnet, region, home)) return { subnet: subnet.id };
  const out = outboundOf(cloud, subnet);
  if (out === "none") return "nowhere";
  if (out === "unknown" || (service.hidesOwnRegion && region === home)) return "hidden";
  return out.length > 0 ? { addresses: out } : "nowhere";
}

/** Whether a subnet's service endpoint makes it known to a service that stands in a region. */
function knownBy({ endpoints = {} }: Service, subnet: Stored, region: string, home: string): boolean {
  const has = textsAt(subnet.inputs, "serviceEndpoints", "service").map((one) => one.toLowerCase());
  const covers = (name: string | undefined): boolean =>
    name !== undefined && has.includes(name.toLowerCase());
  const near = region === home || pairedRegion(region) === home;
  return covers(endpoints.anywhere) || (near && covers(endpoints.near));
}

function admits(rules: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const rule of rules) {
    const [base = "", prefix] = rule.split("/");
    if (prefix === undefined) list.addAddress(base);
    else list.addSubnet(base, Number(prefix));
  }
  return list.check(address);
}
