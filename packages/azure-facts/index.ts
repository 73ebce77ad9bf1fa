export { OLDEST_GRAFANA } from "./grafana";
export { KEY_VAULT_API, OLDER_KEY_VAULT_APIS_END, SDK_KEY_VAULT_API } from "./keyVault";
export {
  AKS_RESERVED_BLOCKS,
  AKS_SERVER_APPLICATION,
  allocatable,
  BLOCK_BITS_PER_NODE,
  KUBERNETES_ENDS,
  KUBERNETES_VERSIONS,
  LARGEST_SERVICE_PREFIX,
  MAX_AUTHORIZED_RANGES,
  MAX_POOL_NODES,
} from "./kubernetes";
export { METRIC_ALERT_FREQUENCIES, METRIC_ALERT_WINDOWS } from "./monitor";
export { nameProblem, type NamedKind, NAME_RULES, TAG_LIMITS } from "./names";
export {
  BACKUP_DAYS,
  databaseSize,
  DATABASE_SIZES,
  DATABASE_SKUS,
  type DatabaseSize,
  DISK_TIERS,
  DISK_SIZES_GB,
  POSTGRES_ENDS,
  POSTGRES_VERSIONS,
  RESERVED_CONNECTIONS,
  RESERVED_DATABASES,
  RESERVED_LOGINS,
  SKU_TIERS,
} from "./postgres";
export { EXTENSIONS, PRELOADED } from "./extensions";
export { GRAFANA_ZONE_REGIONS, sizesMissingIn, takesDatabases } from "./regions";
export { PARAMETERS, type ParameterFact, parameterProblem, parameterSince } from "./serverParameters";
export {
  ACCESS_TIERS,
  ARCHIVE_READ_HOURS,
  LEAST_BILLED_DAYS,
  ONE_REGION_SKUS,
  STORAGE_SERVICE_ENDPOINT,
  STORAGE_SKUS,
} from "./storage";
export { VM_SIZES, vmSize, type VmSize } from "./vmSizes";
