import * as keyvault from "@pulumi/azure-native/keyvault";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup";
import * as storage from "@pulumi/azure-native/storage";
import * as pulumi from "@pulumi/pulumi";
import { dataOptions, deleteLock } from "../data/protection";
import { lifecycleRules } from "../data/lifecycle";
import { PRIVATE_ACCOUNT } from "../data/storage";
import { assignRole, BuiltInRole } from "../identity/roles";
import { diagnostics } from "../monitoring/diagnostics";
import { Logs } from "../monitoring/logs";
import { accountAddresses } from "../network/addressing";
import { Tags } from "../tags";
import { LOG_CAP_GIB, STATE_CONTAINER, STATE_KEPT_DAYS, STATE_KEY, StateHomeNames } from "./names";

export interface StateHomeArgs {
  names: StateHomeNames;
  subscriptionId: string;
  tenantId: string;
  /** Public addresses that may reach account and vault: operators and runners. */
  allowedRanges: readonly string[];
  /** Subnets of runners, which reach the account by its service endpoint and not by their public address. */
  subnets: readonly { id: string; made: pulumi.Resource }[];
  /** Who reads and writes the state, and opens what is encrypted in it. */
  writers: Readonly<Record<string, pulumi.Input<string>>>;
  /** Who reads it, and opens it too: a preview compares secrets. */
  readers: Readonly<Record<string, pulumi.Input<string>>>;
  /** Days logs of account and vault are kept. */
  logDays: number;
  protect: boolean;
  tags: Tags;
}

/**
 * A home of Pulumi's state: account, key, and who may use them, in a region that need not be the one that serves. There
 * are two; none is ever failed over, and each has a key of its own.
 *
 * Cost: some kilobytes, ten thousand operations of the key, logs per gigabyte.
 */
export class StateHome extends pulumi.ComponentResource {
  readonly groupId: pulumi.Output<string>;
  /** Workspace of its logs. */
  readonly workspaceId: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    private readonly args: StateHomeArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:control:StateHome", name, {}, opts);
    const { names, tags, protect } = args;
    const group = new ResourceGroup(
      `${name}-group`,
      { resourceGroupName: names.resourceGroup, location: names.region, tags },
      { parent: this },
    );
    const logs = new Logs(
      `${name}-logs`,
      {
        workspaceName: names.logWorkspace,
        resourceGroupName: group.name,
        region: names.region,
        retentionDays: this.args.logDays,
        dailyCapGiB: LOG_CAP_GIB,
        protect,
        tags,
      },
      { parent: this },
    );
    this.account(group, logs);
    this.vault(group, logs);
    this.rights(group);
    this.groupId = group.id;
    this.workspaceId = logs.workspaceId;
    this.registerOutputs({});
  }

  private account(group: ResourceGroup, logs: Logs): void {
    const { names, allowedRanges, subnets, protect, tags } = this.args;
    const account = new storage.StorageAccount(
      `${this.name}-account`,
      {
        ...PRIVATE_ACCOUNT,
        accountName: names.storageAccount,
        resourceGroupName: group.name,
        location: names.region,
        sku: { name: "Standard_ZRS" },
        // Runners and operators come from outside any network of the platform: it must be there before one is.
        publicNetworkAccess: "Enabled",
        networkRuleSet: {
          defaultAction: storage.DefaultAction.Deny,
          bypass: "None",
          ipRules: accountAddresses(allowedRanges).map((iPAddressOrRange) => ({ iPAddressOrRange })),
          ...(subnets.length > 0 && {
            virtualNetworkRules: subnets.map(({ id }) => ({ virtualNetworkResourceId: id, action: "Allow" })),
          }),
        },
        tags,
      },
      dataOptions(protect, { parent: this, dependsOn: subnets.map(({ made }) => made) }),
    );
    this.lock("account", account.id, protect);
    const kept = { enabled: true, days: STATE_KEPT_DAYS };
    const service = new storage.BlobServiceProperties(
      `${this.name}-blobs`,
      {
        accountName: account.name,
        resourceGroupName: group.name,
        blobServicesName: "default",
        isVersioningEnabled: true,
        changeFeed: { enabled: true, retentionInDays: STATE_KEPT_DAYS },
        deleteRetentionPolicy: { ...kept, allowPermanentDelete: false },
        containerDeleteRetentionPolicy: kept,
      },
      { parent: this },
    );
    new storage.BlobContainer(
      `${this.name}-state`,
      {
        accountName: account.name,
        resourceGroupName: group.name,
        containerName: STATE_CONTAINER,
        publicAccess: storage.PublicAccess.None,
      },
      dataOptions(protect, { parent: this, dependsOn: [service] }),
    );
    new storage.ManagementPolicy(
      `${this.name}-lifecycle`,
      {
        accountName: account.name,
        resourceGroupName: group.name,
        managementPolicyName: "default",
        policy: {
          rules: lifecycleRules([
            { container: STATE_CONTAINER, tiers: [], previousVersionDays: STATE_KEPT_DAYS },
          ]),
        },
      },
      { parent: this, dependsOn: [service] },
    );
    diagnostics(
      `${this.name}-account-diagnostics`,
      {
        resourceId: pulumi.interpolate`${account.id}/blobServices/default`,
        workspaceId: logs.workspaceId,
        categories: ["StorageRead", "StorageWrite", "StorageDelete"],
        metrics: "Transaction",
      },
      { parent: this },
    );
  }

  private vault(group: ResourceGroup, logs: Logs): void {
    const { names, tenantId, allowedRanges, protect, tags } = this.args;
    const vault = new keyvault.Vault(
      `${this.name}-vault`,
      {
        vaultName: names.vault,
        resourceGroupName: group.name,
        location: names.region,
        properties: {
          tenantId,
          sku: { family: "A", name: keyvault.SkuName.Standard },
          enableRbacAuthorization: true,
          enableSoftDelete: true,
          softDeleteRetentionInDays: STATE_KEPT_DAYS,
          enablePurgeProtection: true,
          publicNetworkAccess: "enabled",
          networkAcls: {
            bypass: "None",
            defaultAction: "Deny",
            ipRules: allowedRanges.map((value) => ({ value })),
          },
        },
        tags,
      },
      dataOptions(protect, { parent: this }),
    );
    this.lock("vault", vault.id, protect);
    // Without an end: a key that expired would close the state.
    new keyvault.Key(
      `${this.name}-key`,
      {
        keyName: STATE_KEY,
        vaultName: vault.name,
        resourceGroupName: group.name,
        properties: { kty: "RSA", keySize: 3072, keyOps: ["encrypt", "decrypt", "wrapKey", "unwrapKey"] },
        tags,
      },
      dataOptions(protect, { parent: this }),
    );
    diagnostics(
      `${this.name}-vault-diagnostics`,
      { resourceId: vault.id, workspaceId: logs.workspaceId, categories: ["audit"] },
      { parent: this },
    );
  }

  private lock(noun: string, scope: pulumi.Input<string>, protect: boolean): void {
    if (!protect) return;
    const why = "Holds the state of the environment; remove only to tear it down.";
    deleteLock(`${this.name}-${noun}-lock`, scope, why, { parent: this });
  }

  /** On the group, so that account and vault can be made anew without asking whoever may give rights. */
  private rights(group: ResourceGroup): void {
    const { names, subscriptionId, writers, readers } = this.args;
    const grant = (who: string, principalId: pulumi.Input<string>, role: BuiltInRole, why: string) =>
      assignRole(
        `${this.name}-${who}-${role}`,
        {
          key: `${names.resourceGroup}/${who}/${role}`,
          subscriptionId,
          scope: group.id,
          principalId,
          role,
          description: `${who} ${why}`,
        },
        { parent: this },
      );
    for (const [who, principalId] of Object.entries(writers)) {
      grant(who, principalId, "storageBlobDataContributor", "writes the state and takes its lock");
      grant(who, principalId, "keyVaultCryptoUser", "opens the state's secrets");
    }
    for (const [who, principalId] of Object.entries(readers)) {
      grant(who, principalId, "storageBlobDataReader", "reads the state");
      grant(who, principalId, "keyVaultCryptoUser", "opens the state's secrets");
    }
  }
}
