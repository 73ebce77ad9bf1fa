import { OPERATOR_PREFIX } from "../../infra/network/addressing";
import { platformTags } from "../../infra/tags";

/** A limit the rules apply, with the source that set it. */
export interface Threshold<T> {
  readonly value: T;
  /** Unit or meaning, as it reads in a table. */
  readonly unit: string;
  /** Where the number comes from. */
  readonly source: string;
}

function threshold<T>(value: T, unit: string, source: string): Threshold<T> {
  return { value, unit, source };
}

/**
 * Every number the rules compare with. Loosening one weakens what production promises; each names its source, so
 * that a change starts there.
 */
export const THRESHOLDS = {
  backupRetentionDays: threshold(35, "days of point-in-time restore, at least", "report §5.1"),
  replicas: threshold(3, "pods of a service, at least", "report §4.2"),
  generatedSecretBits: threshold(
    128,
    "bits of chance in a generated secret, at least",
    "NIST SP 800-57 part 1, table 4: what is still strong after 2030",
  ),
  partnerFailures: threshold(
    10,
    "failures in a row until calls to a partner end at once, at most",
    "report §4.5: 5, with room",
  ),
  clusterNodes: threshold(3, "nodes of a pool, at least", "one per zone, report §4.2"),
  clusterZones: threshold(3, "availability zones of a pool, at least", "Azure Well-Architected RE:05"),
  softDeleteDays: threshold(
    30,
    "days a deleted blob or container can be brought back, at least",
    "report §5.1: daily backups are kept 30 days",
  ),
  immutabilityDays: threshold(
    30,
    "days nobody can change a backup, at least; hourly ones as long as they are promised",
    "report §5.1: full backups are kept 30 days",
  ),
  /** Days blobs are promised to exist, by the word their container's name contains. */
  retentionPromises: threshold(
    { hourly: 7, daily: 30, weekly: 28, monthly: 365, evidence: 1096, incident: 1096 } as Readonly<
      Record<string, number>
    >,
    "days a blob is promised to exist",
    "report §5.1 (continuous 7 days, 30 days, 1 year), §4.1 (4 weeks) and appendix B (postmortems, 3 years)",
  ),
  vaultSoftDeleteDays: threshold(90, "days a deleted vault or secret can be recovered", "Azure's longest"),
  gracePeriodSeconds: threshold(
    30,
    "seconds a pod gets to finish its requests, at least",
    "report §4.2 (graceful shutdown); the default of Kubernetes",
  ),
  postgresVersions: threshold(
    ["15", "16", "17"] as readonly string[],
    "PostgreSQL major versions",
    "Azure's version policy: generally available and not retired",
  ),
  backupRegions: threshold(
    2,
    "regions in which every backup is kept, at least",
    "report §5.3: region failure",
  ),
  zonalStorage: threshold(
    ["Standard_ZRS"] as readonly string[],
    "kinds of replication within a region that has zones",
    "Azure Well-Architected RE:05",
  ),
  tlsVersion: threshold("1.2", "TLS version, at least", "CIS Microsoft Azure 3.15, 4.3.1"),
  apiServerPrefix: threshold(
    OPERATOR_PREFIX,
    "prefix length of a range that may reach the API server, at least",
    "CIS AKS 5.4.1: offices and runners, not networks of strangers",
  ),
  requiredTags: threshold(
    Object.keys(
      platformTags("", "", { owner: "", costCenter: "", dataClassification: "" }),
    ) as readonly string[],
    "tags of every Azure resource that takes tags",
    "the platform's tag set",
  ),
  nonProdDatabaseSizes: threshold(
    [
      "Standard_B1ms",
      "Standard_B2s",
      "Standard_B2ms",
      "Standard_D2ds_v4",
      "Standard_D2ds_v5",
    ] as readonly string[],
    "compute sizes of a database outside production",
    "report §11.4 (cost)",
  ),
  nonProdDatabaseGB: threshold(
    128,
    "GiB of a database's disk outside production, at most",
    "report §11.4 (cost)",
  ),
  nonProdNodeSizes: threshold(
    [
      "Standard_B2ms",
      "Standard_B4ms",
      "Standard_D2ds_v5",
      "Standard_D2s_v5",
      "Standard_D4ds_v5",
    ] as readonly string[],
    "VM sizes of nodes outside production",
    "report §11.4 (cost)",
  ),
  nonProdNodes: threshold(3, "nodes of a pool outside production, at most", "report §11.4 (cost)"),
  nonProdPods: threshold(6, "pods of a service outside production, at most", "report §11.4 (cost)"),
  nonProdStorage: threshold(
    ["Standard_LRS", "Standard_ZRS"] as readonly string[],
    "kinds of storage replication outside production",
    "report §11.4 (cost)",
  ),
  nonProdLogDays: threshold(
    31,
    "days of logs outside production, at most",
    "report §11.4 (cost); free until then",
  ),
} as const;
