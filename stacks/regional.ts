import { ResourceGroup } from "@pulumi/azure-native/resources";
import * as pulumi from "@pulumi/pulumi";
import { Identities } from "../infra/identity/identity";
import { RegionNames } from "../infra/naming";
import { Network, type PrivateZone } from "../infra/network/network";
import { EndpointGroup, PrivateEndpoint } from "../infra/network/privateEndpoint";
import { REGIONS } from "../infra/regions";
import { Tags } from "../infra/tags";
import type { Place } from "./roles";
import type { RegionRole } from "./schema";

/** What one region always has, whether or not anything computes there. */
export interface RegionBase {
  place: Place;
  role: RegionRole;
  /** Options of whatever stands in the region. */
  opts: pulumi.ComponentResourceOptions;
  names: RegionNames;
  group: ResourceGroup;
  network: Network;
  identities: Identities;
  /** Address plan of the region. */
  plan: { addressSpace: string; podCidr: string; serviceCidr: string };
}

/** Resource group, network and identities of one region. */
export function regionBase(
  place: Place,
  args: {
    role: RegionRole;
    prefix: string;
    names: RegionNames;
    plan: RegionBase["plan"];
    /** Kinds of services that are reached privately. */
    privateZones: readonly PrivateZone[];
    tags: Tags;
    azure: pulumi.ProviderResource;
  },
  opts: pulumi.ComponentResourceOptions,
): RegionBase {
  const { role, names, plan, privateZones, tags } = args;
  const name = `${args.prefix}-${place}`;
  const group = new ResourceGroup(
    `${name}-group`,
    { resourceGroupName: names.resourceGroup, location: names.region, tags },
    { provider: args.azure },
  );
  const resourceGroupName = group.name;
  const zones = REGIONS[names.region].zones ? ["1", "2", "3"] : [];
  return {
    place,
    role,
    opts,
    names,
    group,
    plan,
    network: new Network(
      `${name}-network`,
      { names, resourceGroupName, addressSpace: plan.addressSpace, zones, privateZones, tags },
      opts,
    ),
    identities: new Identities(`${name}-identities`, { names, resourceGroupName, tags }, opts),
  };
}

/** A service that is reached privately from every region. */
export interface PrivateService {
  noun: string;
  id: pulumi.Input<string>;
  group: EndpointGroup;
  zone: PrivateZone;
  dependsOn?: pulumi.Resource[];
}

/**
 * Endpoints of every service in every region, so that each region works without the other; each once its names can be
 * resolved there, or what waits for it would find the service's public address first. Endpoints of one
 * service are made one after another: a database server accepts one change at a time.
 */
export function privateEndpoints(
  prefix: string,
  regions: readonly RegionBase[],
  services: readonly PrivateService[],
  tags: Tags,
): PrivateEndpoint[] {
  return services.flatMap((service) => {
    let after = service.dependsOn ?? [];
    return regions.map((region) => {
      const zone = region.network.zones[service.zone];
      if (!zone) throw new Error(`the network of ${region.names.region} has no zone for ${service.zone}`);
      const endpoint = new PrivateEndpoint(
        `${prefix}-${region.place}-to-${service.noun}`,
        {
          endpointName: `pe-${service.noun}-${REGIONS[region.names.region].code}`,
          region: region.names.region,
          resourceGroupName: region.group.name,
          subnetId: region.network.subnetIds.endpoints,
          serviceId: service.id,
          group: service.group,
          zoneId: zone.id,
          tags,
        },
        { ...region.opts, dependsOn: [...after, zone.link] },
      );
      after = [endpoint.ready];
      return endpoint;
    });
  });
}
