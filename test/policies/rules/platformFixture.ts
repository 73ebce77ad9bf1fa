import { GROUP, TAGS } from "./azureFixture";
import type { Sketch } from "./stack";

const pool = {
  vmSize: "Standard_D2ds_v5",
  mode: "System",
  osType: "Linux",
  maxPods: 60,
  availabilityZones: ["1", "2", "3"],
};

const cluster: Sketch[] = [
  {
    name: "cluster",
    type: "azure-native:containerservice:ManagedCluster",
    props: {
      resourceName: "aks-shop",
      dnsPrefix: "shop",
      kubernetesVersion: "1.35",
      sku: { name: "Base", tier: "Standard" },
      disableLocalAccounts: true,
      enableRBAC: true,
      aadProfile: { managed: true, enableAzureRBAC: true },
      apiServerAccessProfile: { authorizedIPRanges: ["203.0.113.16/29", "198.51.100.7/32"] },
      networkProfile: {
        networkPlugin: "azure",
        networkPluginMode: "overlay",
        networkDataplane: "cilium",
        networkPolicy: "cilium",
        serviceCidr: "10.11.0.0/20",
        dnsServiceIP: "10.11.0.10",
        podCidr: "10.128.0.0/15",
      },
      oidcIssuerProfile: { enabled: true },
      securityProfile: { workloadIdentity: { enabled: true } },
      addonProfiles: {
        azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: "true" } },
      },
      autoUpgradeProfile: { upgradeChannel: "patch", nodeOSUpgradeChannel: "NodeImage" },
      azureMonitorProfile: {
        metrics: {
          enabled: true,
          kubeStateMetrics: { metricLabelsAllowlist: "", metricAnnotationsAllowList: "" },
        },
      },
      agentPoolProfiles: [{ ...pool, name: "system", count: 3 }],
      tags: TAGS,
    },
  },
  {
    name: "user-pool",
    type: "azure-native:containerservice:AgentPool",
    props: {
      ...pool,
      agentPoolName: "apps",
      mode: "User",
      enableAutoScaling: true,
      minCount: 3,
      maxCount: 9,
    },
  },
  {
    name: "upgrade-window",
    type: "azure-native:containerservice:MaintenanceConfiguration",
    props: {
      configName: "aksManagedAutoUpgradeSchedule",
      maintenanceWindow: {
        durationHours: 4,
        startTime: "22:00",
        utcOffset: "+00:00",
        schedule: { weekly: { dayOfWeek: "Saturday", intervalWeeks: 1 } },
      },
    },
  },
  {
    name: "cluster-log",
    type: "azure-native:monitor:DiagnosticSetting",
    props: { workspaceId: `${GROUP}/providers/a/b/c`, logs: [{ category: "kube-audit", enabled: true }] },
    sources: { resourceUri: ["cluster"] },
  },
];

const ACTION = { actionGroupId: `${GROUP}/providers/Microsoft.Insights/actionGroups/ag-shop` };

const monitoring: Sketch[] = [
  {
    name: "workspace",
    type: "azure-native:operationalinsights:Workspace",
    props: { workspaceName: "log-shop", location: "northeurope", retentionInDays: 31, tags: TAGS },
  },
  {
    name: "logs-rule",
    type: "azure-native:monitor:DataCollectionRule",
    props: {
      location: "North Europe",
      dataSources: { extensions: [{ name: "insights", streams: ["Microsoft-ContainerLogV2"] }] },
      destinations: { logAnalytics: [{ name: "logs", workspaceResourceId: `${GROUP}/providers/a/b/c` }] },
      dataFlows: [{ streams: ["Microsoft-ContainerLogV2"], destinations: ["logs"] }],
    },
    sources: { destinations: ["workspace"] },
  },
  {
    name: "metrics-rule",
    type: "azure-native:monitor:DataCollectionRule",
    props: {
      dataSources: { prometheusForwarder: [{ name: "source", streams: ["Microsoft-PrometheusMetrics"] }] },
      destinations: {
        monitoringAccounts: [{ name: "metrics", accountResourceId: `${GROUP}/providers/a/b/c` }],
      },
      dataFlows: [{ streams: ["Microsoft-PrometheusMetrics"], destinations: ["metrics"] }],
    },
  },
  {
    name: "metrics-association",
    type: "azure-native:monitor:DataCollectionRuleAssociation",
    props: { associationName: "metrics", dataCollectionRuleId: `${GROUP}/providers/a/b/c` },
    sources: { dataCollectionRuleId: ["metrics-rule"], resourceUri: ["cluster"] },
  },
  {
    name: "actions",
    type: "azure-native:monitor:ActionGroup",
    props: {
      actionGroupName: "ag-shop",
      groupShortName: "shop",
      enabled: true,
      emailReceivers: [{ name: "duty", emailAddress: "duty@forma3d.example" }],
      tags: TAGS,
    },
  },
  ...[
    ["lag", "physical_replication_delay_in_seconds", "replica", "Average"],
    ["alive", "is_db_alive", "primary", "Maximum"],
    ["deadlocks", "deadlocks", "primary", "Total"],
  ].map(([name = "", metricName = "", server = "", timeAggregation = ""]): Sketch => ({
    name: `alert-${name}`,
    type: "azure-native:monitor:MetricAlert",
    props: {
      location: "global",
      severity: 1,
      enabled: true,
      scopes: [`${GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${server}`],
      evaluationFrequency: "PT1M",
      windowSize: "PT5M",
      criteria: {
        allOf: [{ criterionType: "StaticThresholdCriterion", metricName, timeAggregation, threshold: 1 }],
      },
      actions: [ACTION],
      tags: TAGS,
    },
    sources: { scopes: [server] },
  })),
  {
    name: "grafana",
    type: "azure-native:dashboard:Grafana",
    props: {
      workspaceName: "graf-shop",
      sku: { name: "Standard" },
      properties: { grafanaMajorVersion: "12" },
      tags: TAGS,
    },
  },
  {
    name: "prometheus",
    type: "azure-native:alertsmanagement:PrometheusRuleGroup",
    props: {
      scopes: [`${GROUP}/providers/a/b/c`],
      interval: "PT1M",
      rules: [
        {
          alert: "ApiDown",
          expression: "up == 0",
          for: "PT5M",
          severity: 1,
          actions: [ACTION],
          resolveConfiguration: { autoResolved: true, timeToResolve: "PT10M" },
        },
        { record: "job:up", expression: "sum(up)" },
      ],
    },
  },
  {
    name: "log-alert",
    type: "azure-native:monitor:ScheduledQueryRule",
    props: {
      evaluationFrequency: "PT5M",
      windowSize: "PT10M",
      severity: 2,
      scopes: [`${GROUP}/providers/a/b/c`],
      autoMitigate: true,
      actions: { actionGroups: [ACTION.actionGroupId] },
      tags: TAGS,
    },
  },
];

const edge: Sketch[] = [
  {
    name: "profile",
    type: "azure-native:cdn:Profile",
    props: { profileName: "afd-shop", sku: { name: "Premium_AzureFrontDoor" }, tags: TAGS },
  },
  {
    name: "profile-log",
    type: "azure-native:monitor:DiagnosticSetting",
    props: { workspaceId: `${GROUP}/providers/a/b/c`, logs: [{ categoryGroup: "allLogs", enabled: true }] },
    sources: { resourceUri: ["profile"] },
  },
  {
    name: "firewall",
    type: "azure-native:frontdoor:Policy",
    props: {
      policyName: "wafshop",
      location: "Global",
      sku: { name: "Premium_AzureFrontDoor" },
      policySettings: {
        mode: "Prevention",
        enabledState: "Enabled",
        customBlockResponseBody: "YmxvY2tlZA==",
      },
      managedRules: { managedRuleSets: [{ ruleSetType: "Microsoft_DefaultRuleSet", ruleSetVersion: "2.1" }] },
      customRules: {
        rules: [
          {
            name: "RateLimit",
            priority: 100,
            ruleType: "RateLimitRule",
            rateLimitDurationInMinutes: 1,
            rateLimitThreshold: 600,
            matchConditions: [{ matchVariable: "RequestUri", operator: "Any" }],
            action: "Block",
          },
        ],
      },
      tags: TAGS,
    },
  },
  {
    name: "firewall-association",
    type: "azure-native:cdn:SecurityPolicy",
    props: { profileName: "afd-shop", parameters: { type: "WebApplicationFirewall", wafPolicy: {} } },
    sources: { profileName: ["profile"], parameters: ["firewall"] },
  },
  {
    name: "origins",
    type: "azure-native:cdn:AFDOriginGroup",
    props: {
      originGroupName: "api",
      healthProbeSettings: { probePath: "/health/ready", probeIntervalInSeconds: 30 },
      loadBalancingSettings: {
        sampleSize: 4,
        successfulSamplesRequired: 3,
        additionalLatencyInMilliseconds: 50,
      },
    },
  },
  {
    name: "origin",
    type: "azure-native:cdn:AFDOrigin",
    props: {
      profileName: "afd-shop",
      originGroupName: "api",
      priority: 1,
      weight: 1000,
      enforceCertificateNameCheck: true,
      sharedPrivateLinkResource: {
        privateLinkLocation: "westeurope",
        requestMessage: "Front Door to the API",
      },
    },
    sources: { profileName: ["profile"], originGroupName: ["origins"] },
    waitsFor: ["profile", "origins"],
  },
  {
    name: "route",
    type: "azure-native:cdn:Route",
    props: { httpsRedirect: "Enabled", originGroup: {} },
    sources: { originGroup: ["origins"] },
    waitsFor: ["origins", "origin"],
  },
  {
    name: "domain",
    type: "azure-native:cdn:AFDCustomDomain",
    props: { hostName: "api.forma3d.example", tlsSettings: { minimumTlsVersion: "TLS12" } },
  },
];

/** Cluster, monitoring and edge of a production environment with nothing to object to. */
export const PLATFORM: readonly Sketch[] = [...cluster, ...monitoring, ...edge];
