import { AlertSettings } from "../settings";
import { ActivityLogAlert, AzureMetricAlert } from "../types";

/** The edge, the store and the vault, measured by Azure: these work while the cluster does not. */
export function azureMetricAlerts({ thresholds, servingOrigins }: AlertSettings): AzureMetricAlert[] {
  const common = {
    kind: "metric",
    evaluationFrequency: "PT1M",
    windowSize: "PT5M",
    operator: "GreaterThan",
  } as const;
  const edge = { ...common, scope: "frontDoor", metricNamespace: "Microsoft.Cdn/profiles" } as const;
  const store = {
    ...common,
    scope: "storageAccount",
    metricNamespace: "Microsoft.Storage/storageAccounts",
  } as const;
  const vault = { ...common, scope: "vault", metricNamespace: "Microsoft.KeyVault/vaults" } as const;
  return [
    {
      ...edge,
      name: "EdgeErrorRateHigh",
      metricName: "Percentage5XX",
      aggregation: "Average",
      threshold: 5,
      priority: "P1",
      summary: "The edge answers with errors",
      description: "More than 5% of the answers at the edge were 5xx for 5 minutes",
      runbook: "error-rate-spike",
      owner: "platform",
      risks: ["R03", "R11"],
    },
    {
      ...edge,
      name: "EdgeOriginUnhealthy",
      metricName: "OriginHealthPercentage",
      aggregation: "Average",
      operator: "LessThan",
      threshold: 50,
      dimensions: [{ name: "Origin", values: servingOrigins }],
      priority: "P1",
      summary: "The edge cannot reach the platform",
      description:
        "Fewer than half of the edge's health probes of the serving region passed within 5 minutes",
      // Far more often pods, ingress or a private link than a lost region, whose runbook gives up data.
      runbook: "network-dns",
      owner: "platform",
      risks: ["R03", "R11"],
    },
    {
      ...edge,
      name: "EdgeRequestFlood",
      metricName: "RequestCount",
      aggregation: "Total",
      threshold: thresholds.edgeFloodRequests,
      priority: "P2",
      summary: "Flood of requests",
      description: `More than ${thresholds.edgeFloodRequests} requests reached the edge within 5 minutes`,
      runbook: "webhook-flood",
      owner: "security",
      risks: ["R15"],
    },
    {
      ...edge,
      name: "EdgeAttackBlocked",
      metricName: "WebApplicationFirewallRequestCount",
      aggregation: "Total",
      threshold: 500,
      dimensions: [{ name: "Action", values: ["Block"] }],
      skipMetricValidation: true,
      priority: "P3",
      summary: "The firewall blocks many requests",
      description: "The web application firewall blocked more than 500 requests within 5 minutes",
      runbook: "webhook-flood",
      owner: "security",
      risks: ["R07", "R15"],
    },
    {
      ...store,
      name: "BackupStoreUnavailable",
      metricName: "Availability",
      aggregation: "Average",
      operator: "LessThan",
      threshold: 99,
      evaluationFrequency: "PT5M",
      windowSize: "PT1H",
      skipMetricValidation: true,
      priority: "P2",
      summary: "The backup store fails",
      description: "Fewer than 99% of the requests to the backup account succeeded within an hour",
      runbook: "backup-failed",
      owner: "platform",
      risks: ["R10"],
    },
    {
      ...store,
      name: "BackupStoreAccessRefused",
      metricName: "Transactions",
      aggregation: "Total",
      threshold: 20,
      dimensions: [{ name: "ResponseType", values: ["AuthorizationError", "AuthenticationError"] }],
      windowSize: "PT15M",
      evaluationFrequency: "PT5M",
      skipMetricValidation: true,
      priority: "P2",
      summary: "Somebody without rights tries the backups",
      description: "More than 20 requests to the backup account were refused within 15 minutes",
      runbook: "security-breach",
      owner: "security",
      risks: ["R07", "R08", "R10"],
    },
    {
      ...vault,
      name: "VaultAccessRefused",
      metricName: "ServiceApiResult",
      // Not 401: every client of a vault asks without a token first, and is told by it where to get one.
      aggregation: "Count",
      threshold: 20,
      dimensions: [{ name: "StatusCode", values: ["403"] }],
      windowSize: "PT15M",
      evaluationFrequency: "PT5M",
      skipMetricValidation: true,
      priority: "P2",
      summary: "Somebody without rights tries the vault",
      description: "More than 20 requests to the vault were refused within 15 minutes",
      runbook: "security-breach",
      owner: "security",
      risks: ["R07", "R08"],
    },
    {
      ...vault,
      name: "VaultUnavailable",
      metricName: "Availability",
      aggregation: "Average",
      operator: "LessThan",
      threshold: 99,
      windowSize: "PT15M",
      evaluationFrequency: "PT5M",
      skipMetricValidation: true,
      priority: "P2",
      summary: "The vault fails",
      description:
        "Fewer than 99% of the requests to the vault succeeded within 15 minutes: pods cannot start",
      runbook: "misconfiguration",
      owner: "platform",
      risks: ["R09", "R11"],
    },
  ];
}

const administrative = (operations: readonly string[]) =>
  ({
    kind: "activity",
    category: "Administrative",
    conditions: [
      { field: "operationName", anyOf: operations },
      { field: "status", anyOf: ["Succeeded"] },
    ],
  }) as const;

/** What Azure itself says of the region that serves: the one alert that leads to giving it up. */
export function regionIncident({ servingRegion }: AlertSettings): ActivityLogAlert {
  return {
    kind: "activity",
    name: "AzureRegionIncident",
    category: "ServiceHealth",
    conditions: [
      { field: "properties.incidentType", anyOf: ["Incident"] },
      {
        field: "properties.impactedServices[*].ImpactedRegions[*].RegionName",
        anyOf: [servingRegion],
        contains: true,
      },
    ],
    priority: "P1",
    summary: "Azure reports an incident in the region that serves",
    description: `A service this subscription uses has an incident in ${servingRegion}; decide whether the region is lost`,
    runbook: "region-loss",
    owner: "platform",
    risks: ["R01", "R11"],
  };
}

/** What was done to the environment, and what Azure says about itself. */
export const AZURE_ACTIVITY_ALERTS: readonly ActivityLogAlert[] = [
  {
    ...administrative([
      "Microsoft.DBforPostgreSQL/flexibleServers/delete",
      "Microsoft.DBforPostgreSQL/flexibleServers/databases/delete",
      "Microsoft.Storage/storageAccounts/delete",
      "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
      "Microsoft.KeyVault/vaults/delete",
    ]),
    name: "DataDeleted",
    priority: "P1",
    summary: "A database, backup container or vault was deleted",
    description: "Something that holds data was deleted; every minute of soft delete counts",
    runbook: "accidental-deletion",
    owner: "platform",
    risks: ["R10"],
  },
  {
    ...administrative([
      "Microsoft.Authorization/locks/delete",
      "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/delete",
      "Microsoft.Storage/storageAccounts/managementPolicies/write",
      "Microsoft.Storage/storageAccounts/managementPolicies/delete",
    ]),
    name: "DataProtectionChanged",
    priority: "P2",
    summary: "Protection of data was removed or changed",
    description:
      "A lock, an immutability policy or the backups' lifecycle was changed: planned, or the first step",
    runbook: "accidental-deletion",
    owner: "security",
    risks: ["R07", "R09", "R10"],
  },
  {
    ...administrative([
      "Microsoft.Authorization/roleAssignments/write",
      "Microsoft.DBforPostgreSQL/flexibleServers/administrators/write",
      "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/write",
    ]),
    name: "AccessGranted",
    priority: "P3",
    summary: "Somebody was given access",
    description:
      "A role, a database administrator or a firewall rule was added; outside a deployment this is a breach",
    runbook: "security-breach",
    owner: "security",
    risks: ["R07", "R08", "R09"],
  },
  {
    kind: "activity",
    name: "AzureServiceIncident",
    category: "ServiceHealth",
    conditions: [{ field: "properties.incidentType", anyOf: ["Incident"] }],
    priority: "P2",
    summary: "Azure reports an incident",
    description: "A service this subscription uses has an incident; see Azure's service health",
    runbook: "region-loss",
    owner: "platform",
    risks: ["R11"],
  },
];
