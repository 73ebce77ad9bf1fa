import { CONTAINER_NAMES } from "../../../infra/data/places";
import { serverParameters } from "../../../infra/data/serverParameters";
import { SECRET_CATALOG } from "../../../infra/secrets/secretCatalogue";
import { issuedOn } from "../../../infra/secrets/secretIssue";
import { expiry } from "../../../infra/secrets/secretLife";
import { stackPlatformNames } from "../../../stacks/files";
import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, GIVEN, holding, OFF, oneOf } from "../../rules/expected";
import { GUARDED, present, servers } from "./places";

/** What stands between databases, backups and secrets and everybody else. */
export function guards(config: StackConfig): Demand[] {
  const { database, storage } = config;
  const names = stackPlatformNames(config);
  const accounts = Object.keys(names.backups).length;
  const regions = present(config).length;
  const pool =
    database.tier === "Burstable"
      ? undefined
      : { defaultPoolSize: 0, maxClientConnections: 0, maxPreparedStatements: 0 };
  // The size of the pool follows the server; that it is on does not.
  const isSize = (name: string): boolean => /_pool_size|max_client_conn|max_prepared/.test(name);
  return [
    ...serverParameters(pool, database.parameters ?? {}).map(({ name, value }): Demand => ({
      what: `the server parameter ${name}`,
      key: "database.parameters, infra/data/serverParameters.ts",
      type: "dbforpostgresql:Configuration",
      where: { configurationName: name },
      each: isSize(name) ? { value: GIVEN } : { value },
      count: servers(config),
    })),
    {
      what: "each database server",
      key: "database",
      type: "dbforpostgresql:Server",
      each: {
        "storage.autoGrow?": "Enabled",
        "network.publicNetworkAccess": "Disabled",
      },
      count: 1,
    },
    {
      what: "the database of the application",
      key: "database.applicationDatabase",
      type: "dbforpostgresql:Database",
      where: { databaseName: database.applicationDatabase },
    },
    {
      what: "each vault",
      key: "infra/secrets/vault.ts",
      type: "keyvault:Vault",
      each: {
        "properties.publicNetworkAccess": oneOf("disabled", "Disabled"),
        "properties.networkAcls.defaultAction": "Deny",
        "properties.networkAcls.bypass": oneOf("AzureServices", "None"),
        "properties.enabledForDeployment": OFF,
        "properties.enabledForDiskEncryption": OFF,
        "properties.enabledForTemplateDeployment": OFF,
      },
      count: regions,
    },
    ...SECRET_CATALOG.map((entry): Demand => ({
      what: `the secret ${entry.name}`,
      key: "vault.secretsIssued",
      type: "keyvault:Secret",
      where: { secretName: entry.name },
      each: {
        "properties.attributes.enabled": true,
        "properties.attributes.expires": atMost(
          expiry(
            issuedOn(entry, { ...config.vault, issued: config.vault.secretsIssued }),
            entry.rotationDays,
          ),
        ),
      },
    })),
    ...storage.containers.map(({ purpose, immutabilityDays }): Demand => ({
      what: `immutability of ${purpose} in each account`,
      key: `storage.containers[${purpose}].immutabilityDays`,
      type: "storage:BlobContainerImmutabilityPolicy",
      where: { immutabilityPeriodSinceCreationInDays: immutabilityDays },
      is: { allowProtectedAppendWrites: OFF },
      count:
        immutabilityDays === undefined
          ? 0
          : accounts * storage.containers.filter((one) => one.immutabilityDays === immutabilityDays).length,
    })),
    {
      what: "each account of backups",
      key: "storage",
      type: "storage:StorageAccount",
      each: {
        kind: "StorageV2",
        "encryption.requireInfrastructureEncryption": true,
        "encryption.services.blob.enabled": true,
        "encryption.keySource": GIVEN,
        defaultToOAuthAuthentication: true,
        isLocalUserEnabled: OFF,
        isSftpEnabled: OFF,
        enableHttpsTrafficOnly: true,
        "networkRuleSet.bypass": oneOf("AzureServices", "None"),
        accessTier: "Hot",
      },
      count: accounts,
    },
    {
      what: "each account",
      key: "infra/data/storage.ts",
      type: "storage:StorageAccount",
      each: { publicNetworkAccess: "Disabled", "networkRuleSet.defaultAction": "Deny" },
    },
    {
      what: "versions and deleted blobs of each account",
      key: "infra/data/storage.ts",
      type: "storage:BlobServiceProperties",
      per: { type: "storage:StorageAccount", by: "accountName" },
      is: {
        isVersioningEnabled: true,
        "deleteRetentionPolicy.enabled": true,
        "deleteRetentionPolicy.days": atLeast(7),
        "containerDeleteRetentionPolicy.enabled": true,
        "containerDeleteRetentionPolicy.days": atLeast(7),
      },
    },
    {
      what: "each record of changed blobs",
      key: "storage.softDeleteDays",
      type: "storage:BlobServiceProperties",
      each: { "changeFeed.retentionInDays?": atLeast(storage.softDeleteDays) },
    },
    {
      what: "what each account keeps of changed and deleted blobs",
      key: "storage.softDeleteDays",
      type: "storage:BlobServiceProperties",
      is: {
        "changeFeed.enabled": true,
        "deleteRetentionPolicy.days": atLeast(storage.softDeleteDays),
        "deleteRetentionPolicy.allowPermanentDelete": OFF,
        "containerDeleteRetentionPolicy.days": atLeast(storage.softDeleteDays),
      },
      count: accounts,
    },
    ...storage.containers
      .filter(({ tiers = [] }) => tiers.length > 0)
      .map(({ purpose, tiers = [] }): Demand => {
        const days = (tier: string) => tiers.find((step) => step.tier === tier)?.afterDays;
        const step = (tier: string) => ({ daysAfterModificationGreaterThan: days(tier) });
        return {
          what: `the lifecycle of ${purpose}`,
          key: `storage.containers[${purpose}].tiers`,
          type: "storage:ManagementPolicy",
          is: {
            "policy.rules": holding({
              enabled: true,
              definition: {
                filters: { blobTypes: ["blockBlob"], prefixMatch: [`${CONTAINER_NAMES[purpose]}/`] },
                actions: {
                  baseBlob: {
                    ...(days("Cool") !== undefined && { tierToCool: step("Cool") }),
                    ...(days("Cold") !== undefined && { tierToCold: step("Cold") }),
                    ...(days("Archive") !== undefined && { tierToArchive: step("Archive") }),
                  },
                },
              },
            }),
          },
          count: accounts,
        };
      }),
    {
      what: "each rule of a lifecycle",
      key: "storage.containers",
      type: "storage:ManagementPolicy",
      each: {
        "policy.rules[].definition.filters.prefixMatch": GIVEN,
        "policy.rules[].definition.filters.blobTypes": GIVEN,
      },
    },
    ...(config.protectData ? GUARDED : []).map((type): Demand => ({
      what: `the lock of each ${type}`,
      key: "protectData",
      type: "authorization:ManagementLockByScope",
      per: { type, by: "scope" },
      is: { level: oneOf("CanNotDelete", "ReadOnly") },
    })),
    {
      what: "each lock",
      key: "protectData",
      type: "authorization:ManagementLockByScope",
      each: { level: oneOf("CanNotDelete", "ReadOnly"), scope: GIVEN },
    },
  ];
}
