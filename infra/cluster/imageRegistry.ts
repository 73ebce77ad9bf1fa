import * as containerregistry from "@pulumi/azure-native/containerregistry";
import * as pulumi from "@pulumi/pulumi";
import { dataOptions, deleteLock } from "../data/protection";
import { diagnostics } from "../monitoring/diagnostics";
import { assignRole } from "../identity/roles";
import { Region, REGIONS } from "../regions";
import { Tags } from "../tags";

export interface ImageRegistryArgs {
  /** Name of the registry, and first label of the host it answers under. */
  registryName: string;
  resourceGroupName: pulumi.Input<string>;
  /** Where it is managed: import, rules and replicas stand still while this region is lost, pulls do not. */
  region: Region;
  /** Other regions that keep a copy of every image. */
  copies: readonly Region[];
  /** Public addresses that may reach it, operators and runners; clusters come over private endpoints. */
  allowedRanges: readonly string[];
  /** Who, beside the nodes, asks whether an image is there: a principal by a word that tells it from the others. */
  readers: Readonly<Record<string, pulumi.Input<string>>>;
  subscriptionId: string;
  logWorkspaceId: pulumi.Input<string>;
  protect: boolean;
  tags: Tags;
}

/** Who pulled, pushed and deleted what, and who signed in. */
const LOGS = ["ContainerRegistryRepositoryEvents", "ContainerRegistryLoginEvents"];

/**
 * Registry of an environment: every image its clusters run, with a copy in each region that may have to start pods alone. One
 * name answers from whichever copy stands. Who pulls signs in with Entra; there is no password and no anonymous pull.
 *
 * Nothing in it is deleted by age: images are imported by digest and carry no tag, and that is what a retention policy
 * deletes; soft delete is not offered for a registry with copies.
 *
 * Cost: Premium per day and region, 500 GiB included; changing `region` makes a new one, to be filled anew.
 */
export class ImageRegistry extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;
  /** What pulls wait for: every copy is there. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: ImageRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:cluster:ImageRegistry", name, {}, opts);
    const { registryName, resourceGroupName, region, allowedRanges, protect, tags } = args;
    const here = { parent: this };
    const zoneRedundancy = (place: Region) => (REGIONS[place].zones ? "Enabled" : "Disabled");
    const registry = new containerregistry.Registry(
      `${name}-registry`,
      {
        registryName,
        resourceGroupName,
        location: region,
        // The only tier with copies, private endpoints and a firewall.
        sku: { name: "Premium" },
        adminUserEnabled: false,
        anonymousPullEnabled: false,
        // Layers come from hosts with the registry's own name, not from accounts of Azure's that anybody could have.
        dataEndpointEnabled: true,
        // Operators and runners come from outside any network of the platform: it is filled before anything runs.
        publicNetworkAccess: "Enabled",
        networkRuleSet: {
          defaultAction: "Deny",
          ipRules: allowedRanges.map((iPAddressOrRange) => ({ iPAddressOrRange, action: "Allow" })),
        },
        // Defender for Containers reads what it scans this way.
        networkRuleBypassOptions: "AzureServices",
        policies: { retentionPolicy: { status: "disabled" } },
        zoneRedundancy: zoneRedundancy(region),
        tags,
      },
      dataOptions(protect, here),
    );
    const copies = args.copies.map(
      (place) =>
        new containerregistry.Replication(
          `${name}-${place}`,
          {
            replicationName: place,
            registryName: registry.name,
            resourceGroupName,
            location: place,
            regionEndpointEnabled: true,
            zoneRedundancy: zoneRedundancy(place),
            tags,
          },
          here,
        ),
    );
    if (protect)
      deleteLock(
        `${name}-lock`,
        registry.id,
        "Holds every image the clusters run; remove only to tear the environment down.",
        here,
      );
    for (const [reader, principalId] of Object.entries(args.readers))
      assignRole(
        `${name}-${reader}-reads`,
        {
          key: `${registryName}/${reader}`,
          subscriptionId: args.subscriptionId,
          scope: registry.id,
          principalId,
          role: "acrPull",
          description: "asks every day whether each image is there",
        },
        here,
      );
    diagnostics(
      `${name}-diagnostics`,
      { resourceId: registry.id, workspaceId: args.logWorkspaceId, categories: LOGS, metrics: "AllMetrics" },
      here,
    );
    this.id = registry.id;
    this.ready = [registry, ...copies];
    this.registerOutputs({ id: this.id });
  }
}
