import {
  LOG_CAP_GIB,
  PIPELINE_PURPOSES,
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
import { stateRights } from "./stateRights";
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
function home(
  { storageAccount, vault, region, resourceGroup, logWorkspace }: StateHomeNames,
  config: StackConfig,
): Demand[] {
  const ranges = config.cluster.authorizedIpRanges;
  return [
    {
      // A group whose own region is lost lets nothing in it be changed.
      what: `the group of the state in ${region}`,
      key: HOME,
      type: "resources:ResourceGroup",
      where: { resourceGroupName: resourceGroup },
      is: { location: region },
    },
    {
      what: `the workspace of who used the state in ${region}`,
      key: HOME,
      type: "operationalinsights:Workspace",
      where: { workspaceName: logWorkspace },
      is: { location: region },
    },
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
        allowedCopyScope: "PrivateLink",
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
        "properties.tenantId": config.azure.tenantId,
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
  const deployments = deploymentEnvironments(config.environment);
  return [
    {
      what: "the group of the pipelines' identities",
      key: IDENTITIES,
      type: "resources:ResourceGroup",
      where: { resourceGroupName: `rg-${names.prefix}` },
      is: { location: names.home.region },
    },
    ...homes.flatMap((one) => home(one, config)),
    {
      what: "versions of the state",
      key: HOME,
      type: "storage:BlobServiceProperties",
      per: { type: "storage:StorageAccount", by: "accountName" },
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
      count: 1,
    },
    {
      what: "the container of the state",
      key: HOME,
      type: "storage:BlobContainer",
      per: { type: "storage:StorageAccount", by: "accountName" },
      where: { containerName: STATE_CONTAINER },
      each: { publicAccess: "None" },
      count: 1,
    },
    {
      what: "the lifecycle of the state's versions, which deletes nothing that is in use",
      key: HOME,
      type: "storage:ManagementPolicy",
      per: { type: "storage:StorageAccount", by: "accountName" },
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
      count: 1,
    },
    {
      what: "the key of the state's secrets, without an end",
      key: HOME,
      type: "keyvault:Key",
      per: { type: "keyvault:Vault", by: "vaultName" },
      where: { keyName: STATE_KEY },
      each: {
        "properties.kty": oneOf("RSA", "RSA-HSM"),
        "properties.keySize": between(3072, 4096),
        "properties.keyOps": holding("encrypt", "decrypt", "wrapKey", "unwrapKey"),
        "properties.attributes.exp": NONE,
        "properties.attributes.enabled?": true,
      },
      count: 1,
    },
    ...["storage:StorageAccount", "keyvault:Vault"].map((type): Demand => ({
      what: `the lock of each ${type}`,
      key: HOME,
      type: "authorization:ManagementLockByScope",
      per: { type, by: "scope" },
      each: { level: "CanNotDelete" },
      count: 1,
    })),
    {
      what: "who used the state",
      key: HOME,
      type: "monitor:DiagnosticSetting",
      per: { type: "storage:StorageAccount", by: "resourceUri" },
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
      count: 1,
    },
    {
      what: "who used the key",
      key: HOME,
      type: "monitor:DiagnosticSetting",
      per: { type: "keyvault:Vault", by: "resourceUri" },
      is: {
        logs: holding({ categoryGroup: "audit", enabled: true }),
        workspaceId: GIVEN,
      },
      count: 1,
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
    ...PIPELINE_PURPOSES.map((purpose): Demand => {
      const deployment = deployments[purpose];
      return {
        what: `the trust in the deployment environment ${deployment}`,
        key: "controlPlane.repository",
        type: "managedidentity:FederatedIdentityCredential",
        where: { subject: `repo:${repository}:environment:${deployment}` },
        // At another identity a branch nobody has reviewed would deploy.
        per: {
          type: "managedidentity:UserAssignedIdentity",
          by: "resourceName",
          where: { resourceName: names.identities[purpose] },
        },
        is: { issuer: GITHUB, audiences: ["api://AzureADTokenExchange"] },
      };
    }),
    ...stateRights(config),
    ...runnersOf(config),
  ];
}
