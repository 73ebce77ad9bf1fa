import { STATE_CONTAINER, STATE_KEPT_DAYS, STATE_KEY } from "../../../infra/control/names";
import { deploymentEnvironments, stackControlNames } from "../../../stacks/names";
import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { atLeast, GIVEN, holding, NONE, oneOf } from "../../rules/expected";

const HOME = "infra/control/stateHome.ts";
const IDENTITIES = "infra/control/pipelineIdentities.ts";
const GITHUB = "https://token.actions.githubusercontent.com";

/** One home of the state: account, versions, key, and what tells who used them. */
function home({ storageAccount, vault, region }: ReturnType<typeof stackControlNames>["home"]): Demand[] {
  return [
    {
      what: `the account of the state in ${region}`,
      key: HOME,
      type: "storage:StorageAccount",
      where: { accountName: storageAccount },
      is: {
        location: region,
        allowBlobPublicAccess: false,
        allowSharedKeyAccess: false,
        allowCrossTenantReplication: false,
        enableHttpsTrafficOnly: true,
        minimumTlsVersion: "TLS1_2",
        "sku.name": oneOf("Standard_ZRS", "Standard_GZRS"),
        "networkRuleSet.defaultAction": "Deny",
        "networkRuleSet.bypass": "None",
        "networkRuleSet.ipRules": GIVEN,
      },
    },
    {
      what: `the vault of the state's key in ${region}`,
      key: HOME,
      type: "keyvault:Vault",
      where: { vaultName: vault },
      is: {
        location: region,
        "properties.enablePurgeProtection": true,
        "properties.enableRbacAuthorization": true,
        "properties.enableSoftDelete": true,
        "properties.softDeleteRetentionInDays": atLeast(STATE_KEPT_DAYS),
        "properties.networkAcls.defaultAction": "Deny",
        "properties.networkAcls.bypass": "None",
      },
    },
  ];
}

/** What production is deployed from: two homes of the state, and the pipelines' identities, which trust one place each. */
export function controlPlane(config: StackConfig): Demand[] {
  const names = stackControlNames(config);
  const homes = [names.home, names.copy];
  const count = homes.length;
  const { repository } = config.controlPlane;
  return [
    ...homes.flatMap(home),
    {
      what: "versions of the state",
      key: HOME,
      type: "storage:BlobServiceProperties",
      each: {
        isVersioningEnabled: true,
        "changeFeed.enabled": true,
        "deleteRetentionPolicy.enabled": true,
        "deleteRetentionPolicy.days": atLeast(STATE_KEPT_DAYS),
        "deleteRetentionPolicy.allowPermanentDelete": oneOf(false),
        "containerDeleteRetentionPolicy.enabled": true,
        "containerDeleteRetentionPolicy.days": atLeast(STATE_KEPT_DAYS),
      },
      count,
    },
    {
      what: "the container of the state",
      key: HOME,
      type: "storage:BlobContainer",
      where: { containerName: STATE_CONTAINER },
      each: { publicAccess: "None" },
      count,
    },
    {
      what: "the lifecycle of the state's versions, which deletes nothing that is in use",
      key: HOME,
      type: "storage:ManagementPolicy",
      each: {
        "policy.rules[].definition.actions.baseBlob": NONE,
        "policy.rules[].definition.actions.version.delete.daysAfterCreationGreaterThan":
          atLeast(STATE_KEPT_DAYS),
        "policy.rules[].definition.actions.snapshot.delete.daysAfterCreationGreaterThan":
          atLeast(STATE_KEPT_DAYS),
      },
      count,
    },
    {
      what: "the key of the state's secrets, without an end",
      key: HOME,
      type: "keyvault:Key",
      where: { keyName: STATE_KEY },
      each: {
        "properties.kty": oneOf("RSA", "RSA-HSM"),
        "properties.keySize": atLeast(3072),
        "properties.keyOps": holding("wrapKey", "unwrapKey"),
        "properties.attributes.exp": NONE,
        "properties.attributes.enabled?": true,
      },
      count,
    },
    {
      what: "the locks of accounts and vaults",
      key: HOME,
      type: "authorization:ManagementLockByScope",
      each: { level: "CanNotDelete" },
      count: count * 2,
    },
    {
      what: "who used the state",
      key: HOME,
      type: "monitor:DiagnosticSetting",
      is: {
        logs: holding(
          ...["StorageRead", "StorageWrite", "StorageDelete"].map((category) => ({
            category,
            enabled: true,
          })),
        ),
        workspaceId: GIVEN,
      },
      count,
    },
    {
      what: "who used the key",
      key: HOME,
      type: "monitor:DiagnosticSetting",
      is: { logs: holding({ categoryGroup: "audit", enabled: true }), workspaceId: GIVEN },
      count,
    },
    {
      what: "the workspaces of those logs",
      key: HOME,
      type: "operationalinsights:Workspace",
      each: { retentionInDays: atLeast(config.logRetentionDays), "features.disableLocalAuth": true },
      count,
    },
    ...Object.values(names.identities).map((identity): Demand => ({
      what: `the pipelines' identity ${identity}`,
      key: IDENTITIES,
      type: "managedidentity:UserAssignedIdentity",
      where: { resourceName: identity },
    })),
    ...Object.values(deploymentEnvironments(config.environment)).map((deployment): Demand => ({
      what: `the trust in the deployment environment ${deployment}`,
      key: "controlPlane.repository",
      type: "managedidentity:FederatedIdentityCredential",
      where: { subject: `repo:${repository}:environment:${deployment}` },
      is: { issuer: GITHUB, audiences: ["api://AzureADTokenExchange"] },
    })),
  ];
}
