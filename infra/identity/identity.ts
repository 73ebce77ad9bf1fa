import * as managedidentity from "@pulumi/azure-native/managedidentity";
import * as pulumi from "@pulumi/pulumi";
import { IdentityName, IDENTITIES, RegionNames } from "../naming";
import { Tags } from "../tags";

export interface IdentitiesArgs {
  names: RegionNames;
  resourceGroupName: pulumi.Input<string>;
  tags: Tags;
}

/** What other components need of a managed identity. */
export interface Identity {
  id: pulumi.Output<string>;
  clientId: pulumi.Output<string>;
  principalId: pulumi.Output<string>;
}

/**
 * User-assigned identities of one region: one per workload, and the cluster's own two. Each region has its own
 * set, because an identity in a lost region can no longer be taught to trust another cluster. They cost nothing.
 */
export class Identities extends pulumi.ComponentResource {
  readonly workloads: Record<IdentityName, Identity>;
  readonly cluster: Identity;
  readonly kubelet: Identity;

  constructor(
    private readonly name: string,
    private readonly args: IdentitiesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:identity:Identities", name, {}, opts);
    this.cluster = this.identity("cluster", args.names.clusterIdentity);
    this.kubelet = this.identity("kubelet", args.names.kubeletIdentity);
    this.workloads = Object.fromEntries(
      IDENTITIES.map((workload) => [workload, this.identity(workload, args.names.identities[workload])]),
    ) as Record<IdentityName, Identity>;
    this.registerOutputs({});
  }

  private identity(noun: string, resourceName: string): Identity {
    const { names, resourceGroupName, tags } = this.args;
    const identity = new managedidentity.UserAssignedIdentity(
      `${this.name}-${noun}`,
      { resourceName, resourceGroupName, location: names.region, tags },
      { parent: this },
    );
    return { id: identity.id, clientId: identity.clientId, principalId: identity.principalId };
  }
}

export interface FederationArgs {
  names: RegionNames;
  resourceGroupName: pulumi.Input<string>;
  /** Issuer of the cluster's service account tokens. */
  issuer: pulumi.Input<string>;
  namespace: string;
  /** Identities a service account of the same name may use; at most 20 credentials fit on one identity. */
  identities: IdentityName[];
}

/** Lets service accounts of one cluster act as the region's workload identities, without any stored secret. */
export class Federation extends pulumi.ComponentResource {
  constructor(name: string, args: FederationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:identity:Federation", name, {}, opts);
    for (const identity of args.identities) {
      new managedidentity.FederatedIdentityCredential(
        `${name}-${identity}`,
        {
          federatedIdentityCredentialResourceName: args.names.cluster,
          resourceName: args.names.identities[identity],
          resourceGroupName: args.resourceGroupName,
          issuer: args.issuer,
          subject: `system:serviceaccount:${args.namespace}:${identity}`,
          audiences: ["api://AzureADTokenExchange"],
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
