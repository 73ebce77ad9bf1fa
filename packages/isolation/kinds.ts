import type { ResourceView } from "./rule";

/**
 * Matches a type of the azure-native provider in any API version, e.g. `azure-native:storage:StorageAccount`
 * and `azure-native:storage/v20240101:StorageAccount`.
 */
export function azure(module: string, ...names: string[]): RegExp {
  return new RegExp(`^azure-native[^:]*:(?:[^:/]*/)?${module}(?:/[^:]*)?:(?:${names.join("|")})$`);
}

/** Matches kinds of Kubernetes objects in any API version, their lists and their patches. */
export function kubernetes(...kinds: string[]): RegExp {
  return new RegExp(`^kubernetes[^:]*:[^:]+:(?:${kinds.join("|")})(?:List|Patch)?$`);
}

export const SERVER = azure("dbforpostgresql", "Server");
export const CONFIGURATION = azure("dbforpostgresql", "Configuration");
export const DATABASE = azure("dbforpostgresql", "Database");
export const VIRTUAL_ENDPOINT = azure("dbforpostgresql", "VirtualEndpoint");
export const ENTRA_ADMINISTRATOR = azure("dbforpostgresql", "AdministratorsMicrosoftEntra", "Administrator");
export const STORAGE_ACCOUNT = azure("storage", "StorageAccount");
export const BLOB_CONTAINER = azure("storage", "BlobContainer");
export const BLOB_SERVICE = azure("storage", "BlobServiceProperties");
export const MANAGEMENT_POLICY = azure("storage", "ManagementPolicy");
export const IMMUTABILITY_POLICY = azure("storage", "BlobContainerImmutabilityPolicy");
export const VAULT = azure("keyvault", "Vault");
export const VAULT_SECRET = azure("keyvault", "Secret");
export const CLUSTER = azure("containerservice", "ManagedCluster");
export const AGENT_POOL = azure("containerservice", "AgentPool");
export const IDENTITY = azure("managedidentity", "UserAssignedIdentity");
export const FEDERATED_CREDENTIAL = azure("managedidentity", "FederatedIdentityCredential");
export const LOCK = azure("authorization", "ManagementLock\\w*");
export const ROLE_ASSIGNMENT = azure("authorization", "RoleAssignment");
export const PRIVATE_ZONE = azure("(?:privatedns|network)", "PrivateZone");
export const ZONE_LINK = azure("(?:privatedns|network)", "VirtualNetworkLink");
export const SUBNET = azure("network", "Subnet");
export const DIAGNOSTIC_SETTING = azure("(?:monitor|insights)", "DiagnosticSetting");
export const METRIC_ALERT = azure("(?:monitor|insights)", "MetricAlert");
export const COLLECTION_RULE = azure("(?:monitor|insights)", "DataCollectionRule");
export const COLLECTION_ASSOCIATION = azure("(?:monitor|insights)", "DataCollectionRuleAssociation");
export const FRONT_DOOR = azure("cdn", "Profile");
const WAF_POLICY = azure("(?:frontdoor|network)", "Policy");
export const ROUTE = azure("cdn", "Route");
export const ORIGIN_GROUP = azure("cdn", "AFDOriginGroup");
export const ORIGIN = azure("cdn", "AFDOrigin");

/** Property that names a resource in Azure, by type; its outputs call it `name`. */
const NAME_PROPERTIES: readonly (readonly [RegExp, string])[] = [
  [SERVER, "serverName"],
  [CONFIGURATION, "configurationName"],
  [STORAGE_ACCOUNT, "accountName"],
  [BLOB_CONTAINER, "containerName"],
  [VAULT, "vaultName"],
  [CLUSTER, "resourceName"],
  [IDENTITY, "resourceName"],
  [PRIVATE_ZONE, "privateZoneName"],
  [SUBNET, "subnetName"],
  [FRONT_DOOR, "profileName"],
  [WAF_POLICY, "policyName"],
  [ORIGIN_GROUP, "originGroupName"],
];

/** Name of a resource in Azure, in lower case; undefined when it is not known or the type has none here. */
export function azureName(resource: ResourceView): string | undefined {
  const key = NAME_PROPERTIES.find(([type]) => type.test(resource.type))?.[1];
  const name = (key !== undefined && resource.props[key]) || resource.props.name;
  return typeof name === "string" ? name.toLowerCase() : undefined;
}

/** A region as Azure spells it in identifiers: `West Europe` is `westeurope`. */
export function regionName(location: unknown): string | undefined {
  return typeof location === "string" ? location.toLowerCase().replaceAll(" ", "") : undefined;
}
