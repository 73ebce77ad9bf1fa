import * as authorization from "@pulumi/azure-native/authorization";
import * as storage from "@pulumi/azure-native/storage";
import * as pulumi from "@pulumi/pulumi";
import { RECORDER_RIGHTS, SERVING_CONTAINER } from "../data/places";
import { lifecycleRules } from "../data/lifecycle";
import { dataOptions, deleteLock } from "../data/protection";
import { PRIVATE_ACCOUNT } from "../data/storage";
import { assignRole, deterministicGuid } from "../identity/roles";
import { diagnostics } from "../monitoring/diagnostics";
import type { Region } from "../regions";
import type { Tags } from "../tags";

/** An account that keeps the record of who serves. */
export interface ServingPlace {
  /** Its region, which is what the record's readers call it. */
  name: string;
  accountName: pulumi.Input<string>;
  accountId: pulumi.Input<string>;
  resourceGroupName: pulumi.Input<string>;
  resourceGroupId: pulumi.Input<string>;
}

export interface ServingRecordArgs {
  subscriptionId: string;
  /** Prefix of the role's name, unique in the tenant. */
  prefix: string;
  /** The accounts of the two regions. */
  places: readonly [ServingPlace, ServingPlace];
  /** A third account in a third region, whose word decides when one of the two does not answer. */
  witness: {
    accountName: string;
    region: Region;
    resourceGroupName: pulumi.Input<string>;
    resourceGroupId: pulumi.Input<string>;
  };
  /** Identities that read the record, and that write it, by region. */
  readers: Readonly<Record<string, { principalId: pulumi.Input<string> }>>;
  /** Object id of the identity that deploys: it asks whether an operation holds its lease, which lies beside the record. */
  deployer: string | undefined;
  writers: Readonly<Record<string, { principalId: pulumi.Input<string> }>>;
  /** Entra groups of the people who fail over, and so write it. */
  operators: readonly string[];
  protect: boolean;
  logWorkspaceId: pulumi.Input<string>;
  tags: Tags;
}

/** Days in which a record that was deleted or written over can be brought back. */
const KEPT_DAYS = 30;

/**
 * The record that says which region serves, in three places: a region whose gateway hears it from fewer than two of them
 * stops calling partners. Pulumi makes the places and never the record, which belongs to failovers.
 *
 * Cost: the witness's private endpoints; the record itself is some bytes.
 */
export class ServingRecord extends pulumi.ComponentResource {
  /** The witness, for its private endpoints. */
  readonly witnessId: pulumi.Output<string>;
  /** Rights on the record: what reads it waits for them. */
  readonly access: pulumi.Resource[];

  constructor(
    private readonly name: string,
    private readonly args: ServingRecordArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:serving:ServingRecord", name, {}, opts);
    const witness = this.witness();
    this.witnessId = witness.id;
    const { region, resourceGroupName, resourceGroupId } = args.witness;
    const places: ServingPlace[] = [
      ...args.places,
      { name: region, accountName: witness.name, accountId: witness.id, resourceGroupName, resourceGroupId },
    ];
    const role = this.recorderRole(places);
    this.access = places.flatMap((place) => this.grants(place, this.container(place), role));
    this.registerOutputs({ witnessId: this.witnessId });
  }

  private witness(): storage.StorageAccount {
    const { witness, protect, logWorkspaceId, tags } = this.args;
    const account = new storage.StorageAccount(
      `${this.name}-witness`,
      {
        ...PRIVATE_ACCOUNT,
        accountName: witness.accountName,
        resourceGroupName: witness.resourceGroupName,
        location: witness.region,
        sku: { name: "Standard_ZRS" },
        tags,
      },
      dataOptions(protect, { parent: this }),
    );
    if (protect) {
      const why = "Keeps the record of which region serves; remove only to tear the environment down.";
      deleteLock(`${this.name}-witness-lock`, account.id, why, { parent: this });
    }
    const kept = { enabled: true, days: KEPT_DAYS };
    new storage.BlobServiceProperties(
      `${this.name}-witness-blobs`,
      {
        accountName: account.name,
        resourceGroupName: witness.resourceGroupName,
        blobServicesName: "default",
        isVersioningEnabled: true,
        deleteRetentionPolicy: { ...kept, allowPermanentDelete: false },
        containerDeleteRetentionPolicy: kept,
      },
      { parent: this },
    );
    new storage.ManagementPolicy(
      `${this.name}-witness-lifecycle`,
      {
        accountName: account.name,
        resourceGroupName: witness.resourceGroupName,
        managementPolicyName: "default",
        policy: {
          rules: lifecycleRules([
            { container: SERVING_CONTAINER, tiers: [], previousVersionDays: KEPT_DAYS },
          ]),
        },
      },
      { parent: this },
    );
    diagnostics(
      `${this.name}-witness-diagnostics`,
      {
        resourceId: pulumi.interpolate`${account.id}/blobServices/default`,
        workspaceId: logWorkspaceId,
        categories: ["StorageRead", "StorageWrite", "StorageDelete"],
        metrics: "Transaction",
      },
      { parent: this },
    );
    return account;
  }

  private container({ name, accountName, resourceGroupName }: ServingPlace): storage.BlobContainer {
    return new storage.BlobContainer(
      `${this.name}-${name}`,
      {
        accountName,
        resourceGroupName,
        containerName: SERVING_CONTAINER,
        publicAccess: storage.PublicAccess.None,
      },
      dataOptions(this.args.protect, { parent: this }),
    );
  }

  /** Writes the record and cannot delete it: a place without one would speak for whoever asks. */
  private recorderRole(places: readonly ServingPlace[]): authorization.RoleDefinition {
    const { subscriptionId, prefix } = this.args;
    return new authorization.RoleDefinition(
      `${this.name}-recorder-role`,
      {
        roleDefinitionId: deterministicGuid(`${subscriptionId}/serving-recorder`),
        roleName: `${prefix} serving recorder`,
        roleType: "CustomRole",
        description: "Says which region serves, and cannot take the record away.",
        scope: this.args.places[0].resourceGroupId,
        assignableScopes: places.map(({ resourceGroupId }) => resourceGroupId),
        permissions: [{ actions: [], dataActions: [...RECORDER_RIGHTS] }],
      },
      { parent: this },
    );
  }

  private grants(
    { name, accountId }: ServingPlace,
    container: storage.BlobContainer,
    role: authorization.RoleDefinition,
  ): pulumi.Resource[] {
    const { subscriptionId, readers, writers, operators, deployer } = this.args;
    const scope = pulumi.interpolate`${accountId}/blobServices/default/containers/${container.name}`;
    const grant = (
      kind: "reads" | "writes",
      who: string,
      principalId: pulumi.Input<string>,
      granted: Parameters<typeof assignRole>[1]["role"],
      principalType?: "Group",
    ) =>
      assignRole(
        `${this.name}-${who}-${kind}-${name}`,
        {
          key: `${who}/serving/${kind}/${name}`,
          subscriptionId,
          scope,
          principalId,
          role: granted,
          ...(principalType && { principalType }),
          description:
            who === "deployer" ? "reads whether an operation is under way" : `${kind} which region serves`,
        },
        { parent: this },
      );
    return [
      ...Object.entries(readers).map(([region, { principalId }]) =>
        grant("reads", region, principalId, "storageBlobDataReader"),
      ),
      ...(deployer === undefined ? [] : [grant("reads", "deployer", deployer, "storageBlobDataReader")]),
      ...Object.entries(writers).map(([region, { principalId }]) =>
        grant("writes", region, principalId, { definitionId: role.id }),
      ),
      ...operators.map((group, index) =>
        grant("writes", `operators-${index + 1}`, group, { definitionId: role.id }, "Group"),
      ),
    ];
  }
}
