import { contains, overlaps, parseCidr } from "../../infra/network/addressing";
import { PRIVATE_DNS_ZONES } from "../../infra/naming";
import { nameProblem, type NamedKind, TAG_LIMITS } from "../../packages/azure-facts";
import * as kinds from "../../packages/isolation/kinds";
import {
  fault,
  ifPresent,
  must,
  mustBeText,
  mustExist,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const NAMES_URL = "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules";

/** Property that names a resource and the rule its value follows. */
const NAMED: readonly (readonly [RegExp, string, NamedKind])[] = [
  [kinds.azure("resources", "ResourceGroup"), "resourceGroupName", "resourceGroup"],
  [kinds.azure("network", "VirtualNetwork"), "virtualNetworkName", "virtualNetwork"],
  [kinds.SERVER, "serverName", "postgresServer"],
  [kinds.VIRTUAL_ENDPOINT, "virtualEndpointName", "virtualEndpoint"],
  [kinds.VAULT, "vaultName", "vault"],
  [kinds.STORAGE_ACCOUNT, "accountName", "storageAccount"],
  [kinds.CLUSTER, "resourceName", "managedCluster"],
  [kinds.IDENTITY, "resourceName", "identity"],
  [kinds.azure("operationalinsights", "Workspace"), "workspaceName", "workspace"],
  [kinds.azure("monitor", "AzureMonitorWorkspace"), "azureMonitorWorkspaceName", "workspace"],
  [kinds.azure("monitor", "ActionGroup"), "actionGroupName", "actionGroup"],
  [kinds.azure("frontdoor", "Policy"), "policyName", "wafPolicy"],
  [kinds.FRONT_DOOR, "profileName", "frontDoor"],
  [kinds.azure("cdn", "AFDEndpoint"), "endpointName", "frontDoorEndpoint"],
  [kinds.azure("dashboard", "Grafana"), "workspaceName", "grafana"],
];

/** Least characters of a name, where it is more than one. */
const SHORTEST: Partial<Record<NamedKind, number>> = { postgresServer: 3, virtualEndpoint: 3, vault: 3 };

/**
 * Words Azure keeps from names of things with a public address
 * (https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-reserved-resource-name).
 */
const RESERVED = {
  whole:
    /^(access|azure|bing|bizspark|biztalk|cortana|directx|dotnet|dynamics|excel|exchange|forefront|groove|hololens|hyperv|kinect|lync|msdn|o365|office|office365|onedrive|onenote|outlook|powerpoint|sharepoint|skype|visio|visualstudio)$/i,
  anywhere: /microsoft|windows/i,
  beginning: /^(login|xbox)/i,
};

function reserved(name: string): boolean {
  return RESERVED.whole.test(name) || RESERVED.anywhere.test(name) || RESERVED.beginning.test(name);
}

const named: ArmLimit = {
  id: "ARM-060",
  name: "azure-name",
  title: "Every name follows the rule of its kind",
  description: "Length, characters and reserved words of names are those Azure accepts.",
  why: "Azure rejects the name; globally unique ones only after the deployment has begun.",
  remediation: "Shorten the product, short name or suffix in the stack file; infra/naming.ts has the rules.",
  url: NAMES_URL,
  risks: ["R09"],
  types: NAMED.map(([type]) => type),
  check: (resource, { type }) =>
    NAMED.filter(([pattern]) => pattern.test(type)).flatMap(([, property, kind]) => {
      const name = resource.at(property);
      return name.text === undefined ? [] : problems(name, name.text, kind);
    }),
};

function problems(name: Cursor, text: string, kind: NamedKind): Outcome[] {
  const problem = nameProblem(kind, text);
  if (problem) return fault(name, `breaks a rule for names: ${problem}`);
  const least = SHORTEST[kind] ?? 1;
  if (text.length < least) return fault(name, `must have at least ${least} characters, but is "${text}"`);
  return reserved(text) ? fault(name, `must not contain a word Azure reserves, but is "${text}"`) : [];
}

const tags: ArmLimit = {
  id: "ARM-061",
  name: "azure-tags-shape",
  title: "Tags have legal names and lengths",
  description: "At most 50 tags; names up to 512 characters without < > % & \\ ? /, values up to 256.",
  why: "Azure rejects the resource.",
  remediation: "Shorten the tag or put the text elsewhere.",
  url: "https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources",
  risks: ["R09"],
  severity: "medium",
  types: [/^azure-native[^:]*:/],
  check: (resource) => {
    const cursor = resource.at("tags");
    const entries = cursor.entries();
    return [
      ...(entries.length > TAG_LIMITS.count
        ? fault(cursor, `must have at most ${TAG_LIMITS.count} tags, but has ${entries.length}`)
        : []),
      ...entries.flatMap(([key, value]) => [
        ...(key.length > TAG_LIMITS.name || TAG_LIMITS.forbidden.test(key)
          ? fault(value, `must have a name of at most ${TAG_LIMITS.name} characters without < > % & \\ ? /`)
          : []),
        ...(value.text !== undefined && value.text.length > TAG_LIMITS.value
          ? fault(value, `must have at most ${TAG_LIMITS.value} characters, but has ${value.text.length}`)
          : []),
      ]),
    ];
  },
};

const zone: ArmLimit = {
  id: "ARM-062",
  name: "private-zone-name",
  title: "A private DNS zone has the exact name its service asks for",
  description:
    "Zones of private endpoints are named as Microsoft lists them, and a zone for servers in a virtual network is not named after a server.",
  why: "A zone with another name is created, linked and never asked: names resolve to public addresses.",
  remediation: `Use one of ${Object.values(PRIVATE_DNS_ZONES).join(", ")}.`,
  url: "https://learn.microsoft.com/azure/private-link/private-endpoint-dns",
  risks: ["R11"],
  types: [kinds.PRIVATE_ZONE],
  check: (resource) => [
    ...must(
      resource.at("privateZoneName"),
      (value) => {
        if (typeof value !== "string") return false;
        const name = value.toLowerCase();
        const microsoft = /(\.azure\.com|\.windows\.net|\.azure\.net)$/.test(name);
        return !microsoft || knownZone(name);
      },
      "be a zone Microsoft lists for private endpoints",
    ),
    ...mustBeText(resource.at("location"), "global"),
  ],
};

const OTHER_ZONES =
  /^(privatelink\.(file|queue|table|dfs|web)\.core\.windows\.net|privatelink\.(monitor|ods\.opinsights|oms\.opinsights|grafana)\.azure\.com|privatelink\.servicebus\.windows\.net|privatelink\.azconfig\.io|[a-z0-9-]+\.private\.postgres\.database\.azure\.com)$/;

function knownZone(name: string): boolean {
  return (Object.values(PRIVATE_DNS_ZONES) as string[]).includes(name) || OTHER_ZONES.test(name);
}

/** Parts of services a private endpoint may lead to. */
const GROUPS = [
  "postgresqlServer",
  "vault",
  "blob",
  "blob_secondary",
  "file",
  "queue",
  "table",
  "dfs",
  "web",
  "registry",
  "azuremonitor",
  "grafana",
  "prometheusMetrics",
  "namespace",
  "management",
];

const endpoint: ArmLimit = {
  id: "ARM-063",
  name: "private-endpoint-group",
  title: "A private endpoint leads to exactly one part of a service",
  description: "Each connection names one group Azure knows, such as postgresqlServer, vault or blob.",
  why: "Azure rejects the endpoint after the service has been created.",
  remediation: `Use one of ${GROUPS.slice(0, 4).join(", ")}.`,
  url: "https://learn.microsoft.com/azure/private-link/private-endpoint-overview",
  risks: ["R11"],
  types: [kinds.azure("network", "PrivateEndpoint")],
  check: (resource) =>
    ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"].flatMap((list) =>
      resource
        .at(list)
        .items()
        .flatMap((connection) => [
          ...mustExist(connection.at("privateLinkServiceId")).filter((outcome) => !("unknown" in outcome)),
          ...ifPresent(connection.at("groupIds"), (groups) => [
            ...must(groups, (value) => Array.isArray(value) && value.length === 1, "have one group"),
            ...groups.items().flatMap((group) => mustBeText(group, ...GROUPS)),
          ]),
        ]),
    ),
};

const subnet: ArmLimit = {
  id: "ARM-064",
  name: "subnet-plan",
  title: "Subnets lie inside their network and apart from each other",
  description:
    "Each subnet is a block of /29 or larger inside the network's address space, overlapping no other.",
  why: "Azure rejects the subnet.",
  remediation: "Cut subnets with infra/network/addressing.ts.",
  url: "https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq",
  risks: ["R11"],
  types: [kinds.SUBNET],
  relations: [
    { as: "network", property: "virtualNetworkName", types: [kinds.azure("network", "VirtualNetwork")] },
  ],
  siblings: "network",
  check: (resource, { related: { network }, siblings }) => {
    const cursor = resource.at("addressPrefix");
    const block = cursor.text;
    if (block === undefined) return [];
    const parsed = parseCidr(block);
    if (!parsed || parsed.prefix > 29) {
      return fault(cursor, `must be an IPv4 block of /29 or larger, but is ${block}`);
    }
    const spaces = network?.at("addressSpace", "addressPrefixes").texts() ?? [];
    const neighbour = siblings.find((other) => overlaps(other.at("addressPrefix").text ?? "", block));
    return [
      ...(spaces.length > 0 && !spaces.some((space) => contains(space, block))
        ? fault(cursor, `must lie in the network's ${spaces.join(", ")}, but is ${block}`)
        : []),
      ...(neighbour
        ? fault(
            cursor,
            `must not overlap ${neighbour.at("addressPrefix").text ?? ""} of the same network, but is ${block}`,
          )
        : []),
    ];
  },
};

export const NAMING_LIMITS: readonly ArmLimit[] = [named, tags, zone, endpoint, subnet];
