import {
  LOG_CAP_GIB,
  RUNNER_PURPOSES,
  runnerSubnetId,
  STATE_CONTAINER,
  STATE_KEPT_DAYS,
  STATE_KEY,
  type StateHomeNames,
} from "../../../infra/control/names";
import { accountAddresses } from "../../../infra/network/addressing";
import { deploymentEnvironments, stackControlNames } from "../../../stacks/names";
import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { runnersOf } from "./runners";
import { atLeast, between, GIVEN, holding, NONE, noneBut, OFF, oneOf } from "../../rules/expected";

const HOME = "infra/control/stateHome.ts";
const IDENTITIES = "infra/control/pipelineIdentities.ts";
const GITHUB = "https://token.actions.githubusercontent.com";

/** The runners' own subnets, all of them where there are any, and no others. */
function subnetRules(config: StackConfig) {
  const { runners } = stackControlNames(config);
  const own = RUNNER_PURPOSES.map((purpose) => ({
    action: "Allow",
    virtualNetworkResourceId: runnerSubnetId(config.azure.subscriptionId, runners, purpose),
  }));
  return config.controlPlane.runners ? own : noneBut(...own);
}

/** One home of the state: account, versions, key, and what tells who used them. */
function home({ storageAccount, vault, region }: StateHomeNames, config: StackConfig): Demand[] {
  const ranges = config.cluster.authorizedIpRanges;
  return [
    {
      what: `the account of the state in ${region}`,
      key: HOME,
      type: "storage:StorageAccount",
      where: { accountName: storageAccount },
      is: {
        location: region,
        kind: "StorageV2",
        accessTier: "Hot",
        allowBlobPublicAccess: false,
        allowSharedKeyAccess: false,
        allowCrossTenantReplication: false,
        defaultToOAuthAuthentication: true,
        enableHttpsTrafficOnly: true,
        isLocalUserEnabled: OFF,
        isSftpEnabled: OFF,
        minimumTlsVersion: "TLS1_2",
        "sku.name": oneOf("Standard_ZRS", "Standard_GZRS"),
        "encryption.keySource": GIVEN,
        "encryption.requireInfrastructureEncryption": true,
        "encryption.services.blob.enabled": true,
        publicNetworkAccess: "Enabled",
        "networkRuleSet.defaultAction": "Deny",
        "networkRuleSet.bypass": "None",
        "networkRuleSet.ipRules": accountAddresses(ranges).map((iPAddressOrRange) => ({ iPAddressOrRange })),
        "networkRuleSet.virtualNetworkRules": subnetRules(config),
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
        // From where operators and runners come, and from nowhere else.
        "properties.networkAcls.ipRules": ranges.map((value) => ({ value })),
        "properties.publicNetworkAccess": oneOf("enabled", "Enabled"),
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
    ...homes.flatMap((one) => home(one, config)),
    {
      what: "versions of the state",
      key: HOME,
      type: "storage:BlobServiceProperties",
      each: {
        isVersioningEnabled: true,
        "changeFeed.enabled": true,
        "changeFeed.retentionInDays": atLeast(STATE_KEPT_DAYS),
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
        "policy.rules": GIVEN,
        "policy.rules[].enabled?": true,
        "policy.rules[].definition.filters.blobTypes": ["blockBlob"],
        "policy.rules[].definition.filters.prefixMatch": [`${STATE_CONTAINER}/`],
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
        "properties.keySize": between(3072, 4096),
        "properties.keyOps": holding("encrypt", "decrypt", "wrapKey", "unwrapKey"),
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
        metrics: holding({ category: "Transaction", enabled: true }),
        workspaceId: GIVEN,
      },
      count,
    },
    {
      what: "who used the key",
      key: HOME,
      type: "monitor:DiagnosticSetting",
      is: {
        logs: holding({ categoryGroup: "audit", enabled: true }),
        workspaceId: GIVEN,
      },
      count,
    },
    {
      what: "the workspaces of those logs",
      key: HOME,
      type: "operationalinsights:Workspace",
      each: {
        retentionInDays: atLeast(config.logRetentionDays),
        "features.disableLocalAuth": true,
        "features.enableLogAccessUsingOnlyResourcePermissions": true,
        // What is beyond it on one day is in no log; what is far beyond it is paid for.
        "workspaceCapping.dailyQuotaGb": between(LOG_CAP_GIB, 10 * LOG_CAP_GIB),
      },
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
    ...runnersOf(config),
  ];
}
