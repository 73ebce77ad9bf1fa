import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import * as pulumi from "@pulumi/pulumi";
import { checkedCatalogue } from "../../infra/monitoring/alerts";
import { alertCatalogue } from "../../packages/alerting/catalogue";
import { probeJobs } from "../../packages/alerting/services";
import { AzureMetricAlert, PrometheusAlert } from "../../packages/alerting/types";
import { PlanView, planStack } from "../support/plan";
import { parseStackConfig, stackNames } from "../../stacks/files";
import { projectRoot } from "../../packages/command/root";
import { ROOT, SETTINGS } from "./support";

const T = {
  ruleGroup: "azure-native:alertsmanagement:PrometheusRuleGroup",
  processing: "azure-native:alertsmanagement:AlertProcessingRuleByName",
  metric: "azure-native:monitor:MetricAlert",
  activity: "azure-native:monitor:ActivityLogAlert",
  actionGroup: "azure-native:monitor:ActionGroup",
  workflow: "azure-native:logic:Workflow",
  workspace: "azure-native:monitor:AzureMonitorWorkspace",
  rule: "azure-native:monitor:DataCollectionRule",
  association: "azure-native:monitor:DataCollectionRuleAssociation",
  grafana: "azure-native:dashboard:Grafana",
  dashboard: "azure-native:dashboard:DashboardDefinition",
  app: "azure-native:app:ContainerApp",
  podMonitor: "kubernetes:azmonitoring.coreos.com/v1:PodMonitor",
  configMap: "kubernetes:core/v1:ConfigMap",
  deployment: "kubernetes:apps/v1:Deployment",
  policy: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
  vaultSecret: "azure-native:keyvault:Secret",
};
const PLANS_MS = 300_000;

const STACKS = stackNames(projectRoot(__dirname));
const plans = {} as Record<"prod" | "staging" | "failedOver", PlanView>;
const planOf = (stack: string): PlanView => plans[stack as keyof typeof plans];
beforeAll(async () => {
  for (const stack of STACKS) plans[stack as keyof typeof plans] = await planStack(stack, { resolve: true });
  plans.failedOver = await planStack("prod", {
    resolve: true,
    config: { "regions.primary.role": "standby", "regions.secondary.role": "serving" },
  });
}, PLANS_MS);

const inputs = (plan: PlanView, type: string, name?: string): any => plan.one(type, name).inputs;
const all = (plan: PlanView, type: string, name?: string): any[] =>
  plan.ofType(type, name).map((resource) => resource.inputs);

const workspaceId = (plan: PlanView) =>
  new RegExp(`/Microsoft.Monitor/accounts/${inputs(plan, T.workspace).azureMonitorWorkspaceName}$`);

describe.each(STACKS)("%s", (stack) => {
  const plan = () => planOf(stack);

  test("evaluates every Prometheus alert of the catalogue over its cluster", () => {
    const groups = all(plan(), T.ruleGroup);
    const rules = groups.flatMap((group) => group.rules);
    const expected = alertCatalogue(SETTINGS)
      .alerts.filter((alert): alert is PrometheusAlert => alert.kind === "prometheus")
      .map(({ name }) => name);
    expect(rules.flatMap((rule: any) => rule.alert ?? []).sort()).toEqual(expected.sort());
    for (const group of groups) {
      expect(group.scopes[0]).toMatch(workspaceId(plan()));
      expect(group.scopes[1]).toContain(`/managedClusters/${group.clusterName}`);
      expect(group.location).toBe(inputs(plan(), T.workspace).location);
      expect(group.rules.length).toBeLessThanOrEqual(20);
    }
  });

  test("sends each priority to its action group, and the heartbeat to the dead man's switch", () => {
    const idOf = (name: string) =>
      expect.stringMatching(
        new RegExp(`/actionGroups/${inputs(plan(), T.actionGroup, name).actionGroupName}$`),
      );
    const target = Object.fromEntries(
      all(plan(), T.ruleGroup).flatMap((group) =>
        group.rules
          .filter((rule: any) => rule.alert)
          .map((rule: any) => [rule.alert, rule.actions.map((action: any) => action.actionGroupId)]),
      ),
    );
    expect(target.DatabaseDown).toEqual([idOf("priority-p1")]);
    expect(target.RetryQueueBacklog).toEqual([idOf("priority-p2")]);
    expect(target.NodeDiskFilling).toEqual([idOf("priority-p3")]);
    expect(target.ApiAvailabilityBudgetReview).toEqual([idOf("priority-p4")]);
    expect(target.Heartbeat).toEqual([idOf("dead-mans-switch")]);
    expect(Object.values(target).every((ids: any) => ids.length === 1 && typeof ids[0] === "string")).toBe(
      true,
    );
  });

  test("reaches PagerDuty, Slack and e-mail by priority, and keeps their keys secret", () => {
    const shape = (name: string) => {
      const group = inputs(plan(), T.actionGroup, name);
      expect(group.groupShortName.length).toBeLessThanOrEqual(12);
      expect(group.location).toBe("Global");
      return {
        webhooks: (group.webhookReceivers ?? []).map((receiver: any) => receiver.name),
        slack: (group.logicAppReceivers ?? []).length,
        emails: (group.emailReceivers ?? []).length,
      };
    };
    expect(["p1", "p2", "p3", "p4"].map((priority) => shape(`priority-${priority}`))).toEqual([
      { webhooks: ["pagerduty"], slack: 1, emails: 0 },
      { webhooks: [], slack: 1, emails: 1 },
      { webhooks: [], slack: 1, emails: 0 },
      { webhooks: [], slack: 1, emails: 0 },
    ]);
    expect(shape("dead-mans-switch").webhooks).toEqual(["heartbeat"]);
    for (const group of all(plan(), T.actionGroup)) {
      for (const receiver of group.webhookReceivers ?? []) expect(receiver.serviceUri).toBe("[secret]");
      for (const receiver of group.logicAppReceivers ?? []) expect(receiver.callbackUrl).toBe("[secret]");
    }
  });

  test("keeps the receivers' keys in the vault, read by no workload", () => {
    for (const name of ["pagerduty-routing-key", "slack-bot-token", "dead-mans-switch-url"]) {
      expect(plan().ofType(T.vaultSecret, name).length).toBeGreaterThan(0);
      expect(plan().ofType("azure-native:authorization:RoleAssignment", name)).toEqual([]);
    }
  });

  test("posts to Slack in Slack's form, to the channel of the severity", () => {
    const { definition, parameters } = inputs(plan(), T.workflow);
    expect(parameters.botToken.value).toBe("[secret]");
    expect(definition.parameters.channelBySeverity.defaultValue).toEqual({
      Sev0: "#incidents",
      Sev2: "#alerts",
      Sev3: "#alerts",
      Sev4: "#monitoring",
    });
    expect(definition.actions.post.inputs).toMatchObject({
      method: "POST",
      uri: "https://slack.com/api/chat.postMessage",
    });
    expect(definition.actions.post.inputs.body).toMatchObject({
      text: expect.any(String),
      channel: expect.any(String),
    });
    expect(definition.actions.post.runtimeConfiguration.secureData.properties).toEqual(["inputs"]);
  });

  test("brings the cluster's metrics to the workspace: rule, association and add-on", () => {
    const rule = plan()
      .ofType(T.rule)
      .find(({ inputs: { dataSources } }: any) => dataSources.prometheusForwarder);
    const association = inputs(plan(), T.association, "monitor-primary");
    expect((rule?.inputs as any).destinations.monitoringAccounts[0].accountResourceId).toMatch(
      workspaceId(plan()),
    );
    expect(association.resourceUri).toContain("/managedClusters/");
    expect(association.dataCollectionRuleId).toMatch(
      new RegExp(`/${(rule?.inputs as any).dataCollectionRuleName}$`),
    );
    expect(
      inputs(plan(), "azure-native:containerservice:ManagedCluster", "primary").azureMonitorProfile.metrics
        .enabled,
    ).toBe(true);
  });

  test("scrapes the application, the gateway, the database, the backups, the status page and nine services", () => {
    const monitors = Object.fromEntries(
      all(plan(), T.podMonitor).map((monitor) => [monitor.metadata.name, monitor.spec]),
    );
    expect(Object.keys(monitors).sort()).toEqual([
      "api",
      "gateway",
      // Where two regions could serve, whether this one may call partners.
      ...(plan().ofType("azure-native:storage:StorageAccount", "serving-witness").length > 0
        ? ["gateway-serving"]
        : []),
      "metrics",
      "monitoring",
      "probes",
      "status-page",
    ]);
    const probes = monitors.probes.podMetricsEndpoints;
    expect(
      probes.map((probe: any) => [probe.relabelings[0].replacement, probe.interval, probe.scrapeTimeout]),
    ).toEqual([
      ["api-health", "30s", "10s"],
      ["api-ready", "30s", "10s"],
      ["shopify-integration", "1m", "15s"],
      ["simplyprint-integration", "1m", "15s"],
      ["sendcloud-integration", "1m", "15s"],
      ["web-dashboard", "1m", "10s"],
      ["database", "30s", "5s"],
      ["api-edge", "1m", "10s"],
      ["dashboard-edge", "1m", "10s"],
      ["status-page-outside", "1m", "10s"],
      ["status-page-inside", "1m", "10s"],
    ]);
    expect(probes[8].params.target[0]).toMatch(/^https:\/\/app\./);
    // Alerts on a job's share of targets would count two kinds of targets as one.
    const jobs = Object.values<any>(monitors).flatMap(({ podMetricsEndpoints }) =>
      podMetricsEndpoints.map((endpoint: any) => endpoint.relabelings[0].replacement),
    );
    expect(jobs).toEqual([...new Set(jobs)]);
    expect(jobs).toEqual(expect.arrayContaining(probeJobs()));
    // Envoy offers thousands of series; the rules name a handful.
    const [{ metricRelabelings }] = monitors.gateway.podMetricsEndpoints;
    expect(metricRelabelings).toEqual([
      {
        sourceLabels: ["__name__"],
        regex:
          "envoy_cluster_outlier_detection_ejections_active|envoy_cluster_upstream_rq_pending_overflow|envoy_cluster_upstream_rq_total",
        action: "keep",
      },
    ]);
    // The agent selects pods by label, so each selector must find a Deployment's pods.
    for (const { selector, podMetricsEndpoints } of Object.values<any>(monitors)) {
      const name = selector.matchLabels["app.kubernetes.io/name"];
      const pod = all(plan(), T.deployment).find((deployment) => deployment.metadata.name === name)?.spec
        .template;
      expect(pod?.metadata.labels).toMatchObject(selector.matchLabels);
      const ports = pod.spec.containers.flatMap((container: any) =>
        container.ports.map((port: any) => port.name),
      );
      for (const endpoint of podMetricsEndpoints) expect(ports).toContain(endpoint.port);
    }
  });

  test("lets the metrics agent in and the exporters out to what they ask, and no further", () => {
    const blackbox = all(plan(), T.policy).find((policy) => policy.metadata.name === "blackbox").spec;
    expect(JSON.stringify(blackbox.ingress)).toContain("ama-metrics");
    const api = all(plan(), T.policy).find((policy) => policy.metadata.name === "api").spec;
    expect(JSON.stringify(api.ingress)).toContain('"app.kubernetes.io/name":"blackbox"');
    const exporter = all(plan(), T.policy).find((policy) => policy.metadata.name === "monitoring").spec;
    expect(exporter.egress).toHaveLength(2);
  });

  test("mutes all but pages in the weekly windows of database and cluster, and the heartbeat never", () => {
    const rules = all(plan(), T.processing);
    expect(rules.map((rule) => rule.alertProcessingRuleName.split("mute-")[1])).toEqual(
      expect.arrayContaining(["database-maintenance", "cluster-upgrade"]),
    );
    for (const { properties } of rules) {
      expect(properties.actions).toEqual([{ actionType: "RemoveAllActionGroups" }]);
      expect(properties.conditions).toEqual([
        { field: "Severity", operator: "Equals", values: ["Sev2", "Sev3", "Sev4"] },
        { field: "AlertRuleName", operator: "DoesNotContain", values: ["Heartbeat"] },
      ]);
    }
  });

  test("has the four dashboards and Grafana over the workspace", () => {
    const dashboards = all(plan(), T.dashboard).map(
      ({ properties }) => JSON.parse(properties.serializedData).uid,
    );
    expect(dashboards.sort()).toEqual([
      "forma3d-database",
      "forma3d-platform",
      "forma3d-recovery",
      "forma3d-slo",
    ]);
    const { properties } = inputs(plan(), T.grafana);
    expect(properties.apiKey).toBe("Disabled");
    expect(
      properties.grafanaIntegrations.azureMonitorWorkspaceIntegrations[0].azureMonitorWorkspaceResourceId,
    ).toMatch(workspaceId(plan()));
  });

  test("shows a status page from another region than the one that serves", () => {
    const app = inputs(plan(), T.app);
    const primary = (plan().outputs.regions as any).primary.region;
    expect(app.location).not.toBe(primary);
    expect(app.configuration.ingress).toMatchObject({ external: true, allowInsecure: false });
    expect(app.template.scale).toEqual({ minReplicas: 1, maxReplicas: 1 });
    expect(app.template.containers[0].image).toMatch(/@sha256:[0-9a-f]{64}$/);
    const config = yaml.load(app.configuration.secrets[0].value) as { endpoints: { url: string }[] };
    expect(config.endpoints).toHaveLength(7);
    expect(config.endpoints.every(({ url }) => url.startsWith("https://"))).toBe(true);
  });
});

describe("metric alerts", () => {
  test("watch every resource of their kind: two accounts of backups, in prod a replica and two vaults", () => {
    const catalogue = alertCatalogue(SETTINGS).alerts.filter(
      (alert): alert is AzureMetricAlert => alert.kind === "metric",
    );
    const count = (scope: string) => catalogue.filter((alert) => alert.scope === scope).length;
    expect(plans.prod.ofType(T.metric)).toHaveLength(
      catalogue.length + count("vault") + count("storageAccount"),
    );
    expect(plans.staging.ofType(T.metric)).toHaveLength(
      catalogue.length - count("standbyServer") + count("storageAccount"),
    );
    const lag = inputs(plans.prod, T.metric, "replica-lag-endangers-rpo");
    expect(lag.scopes[0]).toContain("psql-forma3d-prod-neu");
    expect(lag.criteria.allOf[0]).toMatchObject({ threshold: 1_800, skipMetricValidation: true });
    expect(inputs(plans.prod, T.metric, "database-server-not-alive")).toMatchObject({
      severity: 0,
      windowSize: "PT1M",
    });
    expect(inputs(plans.prod, T.metric, "database-storage-almost-full").description).toContain(
      "Runbook: https://docs.forma3d.com/runbooks/disk-space.html",
    );
  });

  test("alerts on the database follow the role of its server; one in a lost region is not watched", async () => {
    const scopes = (plan: PlanView) =>
      Object.fromEntries(
        plan
          .ofType(T.metric)
          .filter(({ inputs: i }) => (i as any).criteria.allOf[0].metricNamespace.includes("DBforPostgreSQL"))
          .map(({ urn, inputs: i }) => [
            /alerts-([\w-]+)$/.exec(urn)?.[1] ?? "",
            /psql-forma3d-prod-(\w+)$/.exec((i as any).scopes[0])?.[1],
          ]),
      );
    const serving = ["database-server-not-alive", "database-storage-almost-full", "database-cpu-high"];
    const standby = ["standby-server-not-alive", "standby-storage-almost-full", "standby-cpu-high"];
    const lost = await planStack("prod", {
      resolve: true,
      config: { "regions.primary.role": "lost", "regions.secondary.role": "serving" },
    });
    for (const [plan, now, other] of [
      [plans.prod, "weu", "neu"],
      [plans.failedOver, "neu", "weu"],
      [lost, "neu", undefined],
    ] as const) {
      const found = scopes(plan);
      expect(serving.map((name) => found[name])).toEqual(serving.map(() => now));
      for (const name of [...standby, "replica-lagging", "replica-lag-endangers-rpo"])
        expect([name, found[name]]).toEqual([name, other]);
    }
  }, 180_000);

  test("activity alerts look at the environment's own subscription", () => {
    for (const stack of STACKS) {
      const subscription = (planOf(stack).outputs.edge as any).subscriptionId;
      for (const alert of all(planOf(stack), T.activity))
        expect(alert.scopes).toEqual([`/subscriptions/${subscription}`]);
    }
  });
});

describe("the status page in the cluster", () => {
  const pod = (plan: PlanView, name: string) =>
    inputs(plan, T.deployment, `primary-${name}`).spec.template.spec.containers[0];

  test("prod runs Statping-ng: stateless, with a password from the vault, behind a front", () => {
    const page = pod(plans.prod, "status-page");
    expect(page.image).toMatch(/statping-ng@sha256:[0-9a-f]{64}$/);
    expect(page.command.at(-1)).toContain("cp /etc/status-page/services.yml /tmp/statping/services.yml");
    const variables = Object.fromEntries(
      page.env.map((entry: any) => [entry.name, entry.value ?? entry.valueFrom]),
    );
    expect(variables).toMatchObject({ SAMPLE_DATA: "false", ALLOW_REPORTS: "false" });
    expect(variables.ADMIN_PASSWORD.secretKeyRef.name).toMatch(/^status-page-/);
    expect(variables.API_SECRET.secretKeyRef.name).toMatch(/^status-page-/);
    const policy = all(plans.prod, T.policy).find((entry) => entry.metadata.name === "status-page").spec;
    // The front and the metrics agent, nobody else.
    expect(policy.ingress).toHaveLength(2);
    expect(JSON.stringify(policy.ingress[0].from)).toContain("status-front");
    expect(page.securityContext.readOnlyRootFilesystem).toBe(true);
    const monitor = all(plans.prod, T.podMonitor).find((entry) => entry.metadata.name === "status-page").spec;
    expect(monitor.podMetricsEndpoints[0].authorization.credentials.key).toBe("API_SECRET");
    // From Kubernetes 1.37 the agent reads a token only where it is told to look and given the right.
    const settings = all(plans.prod, T.configMap).find(
      ({ metadata }) => metadata.name === "ama-metrics-settings-configmap",
    );
    expect(settings.data["prometheus-collector-settings"]).toBe('secrets_access_namespaces = "forma3d"');
    const binding = inputs(plans.prod, "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "primary");
    const role = inputs(plans.prod, "kubernetes:rbac.authorization.k8s.io/v1:Role", "primary");
    expect(binding).toMatchObject({
      metadata: { namespace: "forma3d" },
      subjects: [{ kind: "ServiceAccount", name: "ama-metrics-serviceaccount", namespace: "kube-system" }],
      roleRef: { kind: "Role", name: role.metadata.name },
    });
    expect(role.metadata.namespace).toBe("forma3d");
    expect(role.rules).toEqual([
      { apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] },
    ]);
    const prober = all(plans.prod, T.policy).find((entry) => entry.metadata.name === "blackbox").spec;
    expect(JSON.stringify(prober.ingress)).toContain('"app.kubernetes.io/name":"status-page"');
  });

  test("staging runs Gatus from the same list, which needs no secret", () => {
    const page = pod(plans.staging, "status-page");
    expect(page.image).toContain("/gatus@sha256:");
    const monitor = all(plans.staging, T.podMonitor).find(
      (entry) => entry.metadata.name === "status-page",
    ).spec;
    expect(monitor.podMetricsEndpoints[0].authorization).toBeUndefined();
    expect(plans.staging.ofType("kubernetes:rbac.authorization.k8s.io/v1:Role")).toEqual([]);
    const prober = all(plans.staging, T.policy).find((entry) => entry.metadata.name === "blackbox").spec;
    expect(JSON.stringify(prober.ingress)).not.toContain('"app.kubernetes.io/name":"status-page"');
  });

  test(
    "another provider is one value",
    async () => {
      const plan = await planStack("prod", { resolve: true, config: { "statusPage.provider": "gatus" } });
      expect(pod(plan, "status-page").image).toContain("/gatus@sha256:");
    },
    PLANS_MS,
  );
});

test("rules are evaluated over the cluster that serves, where the pods they ask after are", () => {
  for (const [plan, serving] of [
    [plans.prod, "aks-forma3d-prod-weu"],
    [plans.failedOver, "aks-forma3d-prod-neu"],
  ] as const) {
    const clusters = new Set(all(plan, T.ruleGroup).map((group) => group.clusterName));
    expect([...clusters]).toEqual([serving]);
  }
});

test("the edge pages when the region that serves cannot be reached, whatever the one that stands by does", () => {
  const origins = (plan: PlanView) => {
    const [criterion] = inputs(plan, T.metric, "edge-origin-unhealthy").criteria.allOf;
    expect(criterion.dimensions).toHaveLength(1);
    return [criterion.dimensions[0].name, criterion.dimensions[0].values];
  };
  const addresses = (plan: PlanView, region: string) =>
    all(plan, "azure-native:cdn:AFDOrigin", `${region}-origin`).map(({ hostName }) => hostName as string);
  expect(origins(plans.prod)).toEqual(["Origin", addresses(plans.prod, "westeurope")]);
  expect(origins(plans.failedOver)).toEqual(["Origin", addresses(plans.prod, "northeurope")]);
});

test(
  "an announced window mutes everything, and only while it lasts",
  async () => {
    const plan = await planStack("staging", {
      config: {
        "alerts.maintenance": [
          {
            name: "upgrade",
            startsAt: "2026-11-28T22:30:00Z",
            endsAt: "2026-11-29T02:00:00Z",
            announcedAt: "2026-11-20T09:00:00Z",
            reason: "Major version",
          },
        ],
      },
    });
    const rule = all(plan, T.processing).find((entry) =>
      entry.alertProcessingRuleName.endsWith("mute-upgrade"),
    );
    expect(rule.properties.schedule).toEqual({
      timeZone: "UTC",
      effectiveFrom: "2026-11-28T22:30:00",
      effectiveUntil: "2026-11-29T02:00:00",
    });
  },
  PLANS_MS,
);

test.each<[Record<string, unknown>, string]>([
  [{ "alerts.emails": ["nobody"] }, "alerts.emails[0]"],
  [{ "alerts.slackChannels.incidents": "incidents" }, "a Slack channel such as #alerts"],
  [{ "alerts.thresholds.diskPercent.warning": 95 }, "less than urgent (90)"],
  [{ "alerts.thresholds.certificateDays.urgent": 14 }, "more days than urgent (14)"],
  [{ "alerts.thresholds.businessHours.to": 7 }, "an hour after from (7)"],
  [{ "alerts.thresholds.apiLatencySeconds": 0.6 }, "a number from 0.05 to 0.5"],
  [{ "alerts.thresholds.unknown": 1 }, "alerts.thresholds.unknown"],
  [
    { "statusPage.outsideRegion": "northeurope" },
    "a region other than northeurope, or the page would be lost",
  ],
  [
    {
      "statusPage.incidents": [{ at: "2026-11-24T10:00:00Z", phase: "identified", service: "API Health" }],
    },
    "hours to resolution",
  ],
  [
    { "statusPage.incidents": [{ at: "2026-11-24T10:00:00Z", phase: "over", service: "API Health" }] },
    "one of investigating, identified, monitoring, resolved",
  ],
  [
    { "statusPage.incidents": [{ at: "2026-11-24T10:00:00Z", phase: "resolved", service: "API" }] },
    "one of API Health, API Ready",
  ],
  [{ "statusPage.provider": "cachet" }, "one of statping, gatus"],
  [
    {
      "alerts.maintenance": [
        {
          name: "cluster-upgrade",
          startsAt: "2026-11-28T22:30:00Z",
          endsAt: "2026-11-28T22:00:00Z",
          announcedAt: "2026-11-29T09:00:00Z",
          reason: "Upgrade",
        },
      ],
    },
    "each name once",
  ],
])("a wrong value is named: %j", (change, message) => {
  expect(() => parseStackConfig(changed(change), "Pulumi.staging.yaml")).toThrow(message);
});

test("a wrong entry of the catalogue stops the program with its name and no stack", () => {
  const broken = { ...SETTINGS, namespace: 'forma3d"' };
  expect(() => checkedCatalogue(broken)).toThrow(pulumi.RunError);
  expect(() => checkedCatalogue(broken)).toThrow(/PodPending: expression does not parse at character/);
});

/** The values of staging's file with some replaced, by path. */
function changed(change: Record<string, unknown>): Record<string, any> {
  const document = yaml.load(fs.readFileSync(path.join(ROOT, "Pulumi.staging.yaml"), "utf8")) as any;
  const values: Record<string, any> = Object.fromEntries(
    Object.entries<any>(document.config).flatMap(([key, value]) =>
      key.startsWith("forma3d:") ? [[key.slice("forma3d:".length), value]] : [],
    ),
  );
  for (const [where, value] of Object.entries(change)) {
    const keys = where.split(".");
    const last = keys.pop() as string;
    keys.reduce((node, key) => (node[key] ??= {}), values)[last] = value;
  }
  return values;
}

test("spreads Grafana over zones where Azure does that, which is in fewer regions than have zones", async () => {
  const grafana = (plan: PlanView) => inputs(plan, T.grafana);
  const moved = await planStack("prod", { resolve: true, config: { "monitoring.region": "swedencentral" } });
  expect(grafana(moved).location).toBe("swedencentral");
  expect([plans.prod, moved].map((plan) => grafana(plan).properties.zoneRedundancy)).toEqual([
    "Enabled",
    "Disabled",
  ]);
});
