import * as storage from "@pulumi/azure-native/storage";
import * as pulumi from "@pulumi/pulumi";
import { diagnostics } from "../monitoring/diagnostics";
import { lifecycleRules, TierStep } from "./lifecycle";
import { CONTAINER_NAMES, ContainerPurpose } from "./places";
import { dataOptions, deleteLock } from "./protection";
import { Region } from "../regions";
import { Tags } from "../tags";

/** Tiers of backups; each is kept in a container of its own, because each has its own immutability. */
export type BackupTier = "hourly" | "daily" | "weekly" | "monthly";

export interface BackupContainer {
  purpose: ContainerPurpose;
  /** Days a blob is promised to exist. */
  retentionDays: number;
  /** Days in which nobody can change or delete a blob; at most `retentionDays`. Absent: none. */
  immutabilityDays?: number;
  tiers: TierStep[];
  /** Days after which the lifecycle deletes a blob; absent where the recovery runner ends it. */
  deleteAfterDays?: number;
}

export interface BackupStorageArgs {
  accountName: string;
  resourceGroupName: pulumi.Input<string>;
  region: Region;
  /** Replication within the region: `Standard_ZRS`, or `Standard_LRS` where there are no zones. */
  redundancy: string;
  /** Days a deleted blob or container can be brought back, 1-365. */
  softDeleteDays: number;
  /** Days a previous version of a blob is kept. */
  previousVersionDays: number;
  /** Decides which containers exist. Renaming one makes a new, empty one. */
  containers: BackupContainer[];
  /** Protects and locks what holds data. */
  protect: boolean;
  logWorkspaceId: pulumi.Input<string>;
  tags: Tags;
}

/**
 * What every account has: reached only through private endpoints and with Entra identities, so that there are no keys
 * to leak.
 */
export const PRIVATE_ACCOUNT = {
  kind: storage.Kind.StorageV2,
  accessTier: storage.AccessTier.Hot,
  minimumTlsVersion: "TLS1_2",
  enableHttpsTrafficOnly: true,
  allowBlobPublicAccess: false,
  allowSharedKeyAccess: false,
  defaultToOAuthAuthentication: true,
  allowCrossTenantReplication: false,
  allowedCopyScope: "PrivateLink",
  isLocalUserEnabled: false,
  isSftpEnabled: false,
  publicNetworkAccess: "Disabled",
  networkRuleSet: { defaultAction: storage.DefaultAction.Deny, bypass: "AzureServices" },
  encryption: {
    keySource: "Microsoft.Storage",
    requireInfrastructureEncryption: true,
    services: { blob: { enabled: true, keyType: "Account" } },
  },
} as const;

/**
 * Storage account of backups, drill evidence and incident records in one region. Reached only through private endpoints
 * and only with Entra identities: there are no account keys to leak. It copies itself nowhere: the recovery runner writes
 * every backup to one such account in each of two regions, so that nothing has to be failed over.
 *
 * Cost: gigabytes per month by tier; early removal from a colder tier is billed for its minimum days.
 */
export class BackupStorage extends pulumi.ComponentResource {
  readonly accountId: pulumi.Output<string>;
  readonly accountName: pulumi.Output<string>;
  readonly blobEndpoint: string;
  readonly containerIds: Record<ContainerPurpose, pulumi.Output<string>>;

  constructor(
    private readonly name: string,
    args: BackupStorageArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:storage:BackupStorage", name, {}, opts);
    const account = this.account(args);
    const service = this.blobService(args, account);
    const containers = args.containers.map((container) => this.container(container, args, account, service));
    this.lifecycle(args, account, containers);
    this.logs(args, account);
    this.accountId = account.id;
    this.accountName = account.name;
    this.blobEndpoint = `https://${args.accountName}.blob.core.windows.net`;
    this.containerIds = Object.fromEntries(
      args.containers.map(({ purpose }) => [
        purpose,
        pulumi.interpolate`${account.id}/blobServices/default/containers/${CONTAINER_NAMES[purpose]}`,
      ]),
    ) as Record<ContainerPurpose, pulumi.Output<string>>;
    this.registerOutputs({ accountId: this.accountId });
  }

  private account(args: BackupStorageArgs) {
    const account = new storage.StorageAccount(
      `${this.name}-account`,
      {
        accountName: args.accountName,
        resourceGroupName: args.resourceGroupName,
        location: args.region,
        ...PRIVATE_ACCOUNT,
        sku: { name: args.redundancy },
        tags: args.tags,
      },
      dataOptions(args.protect, { parent: this }),
    );
    if (args.protect) {
      deleteLock(
        `${this.name}-lock`,
        account.id,
        "Holds the backups; remove only to tear the environment down.",
        {
          parent: this,
        },
      );
    }
    return account;
  }

  private blobService(args: BackupStorageArgs, account: storage.StorageAccount) {
    const softDelete = { enabled: true, days: args.softDeleteDays };
    return new storage.BlobServiceProperties(
      `${this.name}-blobs`,
      {
        accountName: account.name,
        resourceGroupName: args.resourceGroupName,
        blobServicesName: "default",
        isVersioningEnabled: true,
        changeFeed: { enabled: true, retentionInDays: Math.max(args.softDeleteDays, 7) },
        deleteRetentionPolicy: { ...softDelete, allowPermanentDelete: false },
        containerDeleteRetentionPolicy: softDelete,
      },
      { parent: this },
    );
  }

  private container(
    { purpose, immutabilityDays }: BackupContainer,
    args: BackupStorageArgs,
    account: storage.StorageAccount,
    service: storage.BlobServiceProperties,
  ) {
    const container = new storage.BlobContainer(
      `${this.name}-${purpose}`,
      {
        accountName: account.name,
        resourceGroupName: args.resourceGroupName,
        containerName: CONTAINER_NAMES[purpose],
        publicAccess: storage.PublicAccess.None,
      },
      dataOptions(args.protect, { parent: this, dependsOn: [service] }),
    );
    if (immutabilityDays !== undefined) {
      new storage.BlobContainerImmutabilityPolicy(
        `${this.name}-${purpose}-immutability`,
        {
          accountName: account.name,
          resourceGroupName: args.resourceGroupName,
          containerName: container.name,
          immutabilityPolicyName: "default",
          immutabilityPeriodSinceCreationInDays: immutabilityDays,
          allowProtectedAppendWrites: false,
        },
        dataOptions(args.protect, { parent: this }),
      );
    }
    return container;
  }

  private lifecycle(args: BackupStorageArgs, account: storage.StorageAccount, containers: pulumi.Resource[]) {
    const rules = lifecycleRules(
      args.containers.map(({ purpose, tiers, deleteAfterDays, immutabilityDays }) => ({
        container: CONTAINER_NAMES[purpose],
        tiers,
        deleteAfterDays,
        previousVersionDays: immutabilityDays === undefined ? args.previousVersionDays : undefined,
      })),
    );
    new storage.ManagementPolicy(
      `${this.name}-lifecycle`,
      {
        accountName: account.name,
        resourceGroupName: args.resourceGroupName,
        managementPolicyName: "default",
        policy: { rules },
      },
      { parent: this, dependsOn: containers },
    );
  }

  private logs(args: BackupStorageArgs, account: storage.StorageAccount) {
    diagnostics(
      `${this.name}-diagnostics`,
      {
        resourceId: pulumi.interpolate`${account.id}/blobServices/default`,
        workspaceId: args.logWorkspaceId,
        categories: ["StorageRead", "StorageWrite", "StorageDelete"],
        metrics: "Transaction",
      },
      { parent: this },
    );
  }
}
