import { armKey } from "../model/azure/arm";
import { liveOfType } from "../model/cloud";
import { lastName } from "../model/ids";
import { objectsAt, stringAt } from "../model/paths";
import type { Cloud, Stored } from "../model/types";
import { networkOf } from "./vantage";

const ENDPOINT = "azure-native:network:PrivateEndpoint";
const RECORDS = "azure-native:network:PrivateDnsZoneGroup";
const LINK = "azure-native:privatedns:VirtualNetworkLink";

/** What a private endpoint of a service is told by. */
export interface Linked {
  /** Part of the service, as the endpoint names it. */
  readonly group: string;
  /** Zone of its private addresses. */
  readonly zone: string;
}

/**
 * Where a service's name leads in a network: to a private address that answers there, to one that does not, to nothing at all,
 * or to the service's public address.
 */
export type Leads = "private" | "nowhere" | "public";

/** @param network ARM id of a virtual network */
export function leads(cloud: Cloud, network: string, service: Stored, linked: Linked): Leads {
  const endpoints = endpointsOf(cloud, service, linked.group);
  // Without an endpoint anywhere the service's name is no alias of one in the zone.
  if (endpoints.length === 0) return "public";
  const link = liveOfType(cloud, LINK).find(
    ({ id, inputs }) =>
      same(stringAt(inputs, "virtualNetwork.id"), network) &&
      lastName(zoneOf(id)).toLowerCase() === linked.zone,
  );
  if (!link) return "public";
  const zone = zoneOf(link.id);
  const known = endpoints.filter((endpoint) => recordedIn(cloud, endpoint, zone));
  if (known.length === 0)
    return stringAt(link.inputs, "resolutionPolicy") === "NxDomainRedirect" ? "public" : "nowhere";
  return known.some((endpoint) => answersIn(cloud, endpoint, service, network)) ? "private" : "nowhere";
}

const same = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();
const zoneOf = (link: string): string => link.replace(/\/virtualNetworkLinks\/[^/]+$/i, "");

function connectionsOf({ inputs }: Stored, service: Stored) {
  const made = objectsAt(inputs, "privateLinkServiceConnections").map((one) => [one, "Approved"] as const);
  const asked = objectsAt(inputs, "manualPrivateLinkServiceConnections").map(
    (one) => [one, "Pending"] as const,
  );
  return [...made, ...asked].filter(([one]) => same(stringAt(one, "privateLinkServiceId"), service.id));
}

function endpointsOf(cloud: Cloud, service: Stored, group: string): Stored[] {
  return liveOfType(cloud, ENDPOINT).filter((endpoint) =>
    connectionsOf(endpoint, service).some(([one]) => ((one["groupIds"] ?? []) as string[]).includes(group)),
  );
}

/** Whether Azure keeps the endpoint's address in a zone. */
function recordedIn(cloud: Cloud, { id }: Stored, zone: string): boolean {
  return liveOfType(cloud, RECORDS).some(
    (records) =>
      records.id.toLowerCase().startsWith(`${id.toLowerCase()}/`) &&
      objectsAt(records.inputs, "privateDnsZoneConfigs").some((one) =>
        same(stringAt(one, "privateDnsZoneId"), zone),
      ),
  );
}

/** Whether an endpoint that was let in stands in a network: none is joined to another here. */
function answersIn(cloud: Cloud, endpoint: Stored, service: Stored, network: string): boolean {
  const subnet = stringAt(endpoint.inputs, "subnet.id") ?? "";
  const approved = connectionsOf(endpoint, service).some(
    ([one, unless]) => (stringAt(one, "privateLinkServiceConnectionState.status") ?? unless) === "Approved",
  );
  return approved && cloud.get(armKey(subnet)) !== undefined && same(networkOf(subnet), network);
}
