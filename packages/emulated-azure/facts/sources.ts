/**
 * Microsoft's clients whose releases still ship their models as data. Not a dependency of this project: the generator
 * installs them in a temporary folder. Each is the release nearest to the API version azure-native talks to.
 */
export const ARM_CLIENTS: Readonly<Record<string, string>> = {
  "@azure/arm-authorization": "9.0.0",
  "@azure/arm-cdn": "9.1.0",
  "@azure/arm-containerservice": "21.6.0",
  "@azure/arm-dashboard": "1.1.0",
  "@azure/arm-frontdoor": "5.3.0",
  "@azure/arm-keyvault": "3.2.0",
  "@azure/arm-locks": "2.1.0",
  "@azure/arm-monitor": "7.0.0",
  "@azure/arm-msi": "2.2.0",
  "@azure/arm-network": "33.5.0",
  "@azure/arm-operationalinsights": "9.0.0",
  "@azure/arm-postgresql-flexible": "8.0.0",
  "@azure/arm-privatedns": "3.2.0",
  "@azure/arm-resources": "5.2.0",
  "@azure/arm-storage": "18.6.0",
};

/**
 * API versions beside those the descriptions list: what the Azure CLI 2.91.0 asks a provider for, and Microsoft's
 * JavaScript clients (arm-containerservice 25.5.0, arm-resources 8.0.0, arm-storage 21.0.0).
 */
export const SEEN_API_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  "Microsoft.Cdn": ["2025-06-01"],
  "Microsoft.ContainerService": ["2026-06-01"],
  "Microsoft.Network": [
    ...["2021-05-01", "2022-01-01", "2024-03-01", "2025-07-01", "2025-09-01", "2026-01-01"],
  ],
  "Microsoft.Resources": ["2022-12-01", "2024-11-01", "2025-04-01"],
  "Microsoft.Storage": ["2026-09-01"],
};

/** Requests that are about no resource of the model and that the front answers all the same, if only that it has them not. */
export const ARM_PATHS: readonly RegExp[] = [
  /\/Microsoft\.KeyVault\/(locations\/\{\}\/)?deletedVaults/,
  /\/(checkNameAvailability|availabilityStatuses)/i,
  /\/Microsoft\.DBforPostgreSQL\/locations\//,
  /\/Microsoft\.Insights\/(metrics|metricDefinitions|eventtypes)/i,
  /\/Microsoft\.Resources\/deployments/,
];

/** Classes of azure-native by module, each with the model of its request body where a client describes one. */
export const AZURE_TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  alertsmanagement: { AlertProcessingRuleByName: "", PrometheusRuleGroup: "" },
  app: { ContainerApp: "", Job: "", ManagedEnvironment: "" },
  authorization: {
    ManagementLockByScope: "locks/ManagementLockObject",
    PolicyAssignment: "",
    RoleAssignment: "authorization/RoleAssignmentCreateParameters",
    RoleDefinition: "authorization/RoleDefinition",
  },
  cdn: {
    AFDCustomDomain: "cdn/AFDDomain",
    AFDEndpoint: "cdn/AFDEndpoint",
    AFDOrigin: "cdn/AFDOrigin",
    AFDOriginGroup: "cdn/AFDOriginGroup",
    Profile: "cdn/Profile",
    Route: "cdn/Route",
    Rule: "cdn/Rule",
    RuleSet: "cdn/RuleSet",
    SecurityPolicy: "cdn/SecurityPolicy",
  },
  consumption: { Budget: "" },
  containerregistry: { Registry: "", Replication: "" },
  containerservice: {
    AgentPool: "containerservice/AgentPool",
    MaintenanceConfiguration: "containerservice/MaintenanceConfiguration",
    ManagedCluster: "containerservice/ManagedCluster",
  },
  dashboard: { Dashboard: "", DashboardDefinition: "", Grafana: "dashboard/ManagedGrafana" },
  dbforpostgresql: {
    AdministratorsMicrosoftEntra: "postgresql-flexible/ActiveDirectoryAdministratorAdd",
    Configuration: "postgresql-flexible/Configuration",
    Database: "postgresql-flexible/Database",
    Server: "postgresql-flexible/Server",
    VirtualEndpoint: "postgresql-flexible/VirtualEndpointResource",
  },
  frontdoor: { Policy: "frontdoor/WebApplicationFirewallPolicy" },
  keyvault: {
    Key: "keyvault/KeyCreateParameters",
    Secret: "keyvault/SecretCreateOrUpdateParameters",
    Vault: "keyvault/VaultCreateOrUpdateParameters",
  },
  logic: { Workflow: "" },
  managedidentity: {
    FederatedIdentityCredential: "msi/FederatedIdentityCredential",
    UserAssignedIdentity: "msi/Identity",
  },
  monitor: {
    ActionGroup: "monitor/ActionGroupResource",
    ActivityLogAlert: "monitor/ActivityLogAlertResource",
    AzureMonitorWorkspace: "",
    DataCollectionEndpoint: "monitor/DataCollectionEndpointResource",
    DataCollectionRule: "monitor/DataCollectionRuleResource",
    DataCollectionRuleAssociation: "monitor/DataCollectionRuleAssociationProxyOnlyResource",
    DiagnosticSetting: "monitor/DiagnosticSettingsResource",
    MetricAlert: "monitor/MetricAlertResource",
    ScheduledQueryRule: "",
  },
  network: {
    NatGateway: "network/NatGateway",
    NetworkSecurityGroup: "network/NetworkSecurityGroup",
    PrivateDnsZoneGroup: "network/PrivateDnsZoneGroup",
    PrivateEndpoint: "network/PrivateEndpoint",
    PrivateLinkService: "network/PrivateLinkService",
    PrivateLinkServicePrivateEndpointConnection: "network/PrivateEndpointConnection",
    PublicIPAddress: "network/PublicIPAddress",
    Subnet: "network/Subnet",
    VirtualNetwork: "network/VirtualNetwork",
    VirtualNetworkPeering: "network/VirtualNetworkPeering",
  },
  operationalinsights: { Workspace: "operationalinsights/Workspace" },
  privatedns: {
    PrivateZone: "privatedns/PrivateZone",
    VirtualNetworkLink: "privatedns/VirtualNetworkLink",
  },
  resources: { ResourceGroup: "resources/ResourceGroup" },
  security: { Pricing: "" },
  storage: {
    BlobContainer: "storage/BlobContainer",
    BlobContainerImmutabilityPolicy: "storage/ImmutabilityPolicy",
    BlobServiceProperties: "storage/BlobServiceProperties",
    ManagementPolicy: "storage/ManagementPolicy",
    StorageAccount: "storage/StorageAccountCreateParameters",
  },
};

/** Kinds of Kubernetes by group and version, as the SDK's folders name them. */
export const KUBERNETES_KINDS: Readonly<Record<string, readonly string[]>> = {
  "apps/v1": ["DaemonSet", "Deployment", "StatefulSet"],
  "autoscaling/v2": ["HorizontalPodAutoscaler"],
  "batch/v1": ["CronJob", "Job"],
  "core/v1": [
    "ConfigMap",
    "LimitRange",
    "Namespace",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "Secret",
    "Service",
    "ServiceAccount",
  ],
  "networking.k8s.io/v1": ["Ingress", "NetworkPolicy"],
  "policy/v1": ["PodDisruptionBudget"],
  "rbac.authorization.k8s.io/v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "scheduling.k8s.io/v1": ["PriorityClass"],
  "storage.k8s.io/v1": ["StorageClass"],
};

export const RANDOM_TYPES: readonly string[] = [
  "RandomBytes",
  "RandomId",
  "RandomInteger",
  "RandomPassword",
  "RandomString",
  "RandomUuid",
];
