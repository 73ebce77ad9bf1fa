import * as keyvault from "@pulumi/azure-native/keyvault";
import * as pulumi from "@pulumi/pulumi";
import { diagnostics } from "../monitoring/diagnostics";
import { dataOptions, deleteLock } from "../data/protection";
import { Region } from "../regions";
import { assignRole } from "../identity/roles";
import { isWanted, OptionalFeature, SECRET_CATALOG, SecretEntry, SecretReader } from "./secretCatalogue";
import { issuedOn, SecretIssues } from "./secretIssue";
import { expiry } from "./secretLife";
import { Tags } from "../tags";

export interface VaultArgs {
  vaultName: string;
  region: Region;
  resourceGroupName: pulumi.Input<string>;
  subscriptionId: string;
  tenantId: string;
  /** Days a deleted vault or secret can be recovered, 7-90. Fixed at creation. */
  softDeleteRetentionDays: number;
  /** Values of the region's managed secrets by name; external ones have none here. */
  values: Record<string, pulumi.Output<string>>;
  /** Days the managed secrets were issued (ISO dates); each expires its rotation period later. */
  issues: Pick<SecretIssues, "issued" | "tokenEncryptionKeys">;
  /** Longest life of a secret in days, whatever its catalogue entry says. */
  maxRotationDays: number;
  /** What the environment has beyond what every one has; decides whose rights there are. */
  features: readonly OptionalFeature[];
  /** Principal of each reader in this region. */
  readers: Record<SecretReader, pulumi.Input<string>>;
  protect: boolean;
  logWorkspaceId: pulumi.Input<string>;
  tags: Tags;
}

/**
 * Key Vault of one region with the catalogue's managed secrets. Access is by Entra role on single secrets; the
 * network path is a private endpoint. A deleted vault can be recovered and never purged early.
 *
 * Cost: per 10,000 operations; the vault itself is free.
 */
export class Vault extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    args: VaultArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:vault:Vault", name, {}, opts);
    const vault = this.vault(args);
    for (const entry of SECRET_CATALOG) this.secret(entry, args, vault);
    this.grants(args, vault);
    this.id = vault.id;
    this.registerOutputs({ id: this.id });
  }

  private vault(args: VaultArgs) {
    const vault = new keyvault.Vault(
      `${this.name}-vault`,
      {
        vaultName: args.vaultName,
        resourceGroupName: args.resourceGroupName,
        location: args.region,
        properties: {
          tenantId: args.tenantId,
          sku: { family: "A", name: keyvault.SkuName.Standard },
          enableRbacAuthorization: true,
          enableSoftDelete: true,
          softDeleteRetentionInDays: args.softDeleteRetentionDays,
          // Irreversible, and Azure accepts no `false` here.
          enablePurgeProtection: true,
          publicNetworkAccess: "disabled",
          networkAcls: { defaultAction: "Deny", bypass: "AzureServices" },
        },
        tags: args.tags,
      },
      dataOptions(args.protect, { parent: this }),
    );
    if (args.protect) {
      deleteLock(`${this.name}-lock`, vault.id, "A deleted vault takes its role assignments with it.", {
        parent: this,
      });
    }
    diagnostics(
      `${this.name}-diagnostics`,
      {
        resourceId: vault.id,
        workspaceId: args.logWorkspaceId,
        categories: ["audit", "allLogs"],
        metrics: "AllMetrics",
      },
      { parent: this },
    );
    return vault;
  }

  private secret(entry: SecretEntry, args: VaultArgs, vault: keyvault.Vault) {
    const value = args.values[entry.name];
    if (!value) return;
    new keyvault.Secret(
      `${this.name}-${entry.name}`,
      {
        secretName: entry.name,
        vaultName: vault.name,
        resourceGroupName: args.resourceGroupName,
        properties: {
          value,
          contentType: entry.contentType,
          attributes: {
            enabled: true,
            expires: expiry(issuedOn(entry, args.issues), Math.min(entry.rotationDays, args.maxRotationDays)),
          },
        },
        tags: args.tags,
      },
      // Deleting a secret goes through the vault's data plane, which a deployment from outside cannot reach.
      { parent: this, retainOnDelete: true },
    );
  }

  private grants(args: VaultArgs, vault: keyvault.Vault) {
    for (const entry of SECRET_CATALOG) {
      // Where there is no other region, its logins have no passwords either.
      if (entry.login && !args.values[entry.name]) continue;
      if (!isWanted(entry, args.features)) continue;
      for (const reader of entry.readers) {
        assignRole(
          `${this.name}-${entry.name}-for-${reader}`,
          {
            key: `${args.vaultName}/${entry.name}/${reader}`,
            subscriptionId: args.subscriptionId,
            scope: pulumi.interpolate`${vault.id}/secrets/${entry.name}`,
            principalId: args.readers[reader],
            role: "keyVaultSecretsUser",
            description: `${reader} reads ${entry.name}`,
          },
          { parent: this },
        );
      }
    }
  }
}
