import { standingBy } from "./cases/standby";
import { container, KUBERNETES } from "./kubernetesFixture";
import { TAGS } from "./azureFixture";
import type { Breakage } from "./stack";

/** Honest changes: no rule may say a word about any of them. */
export interface Innocent extends Breakage {
  because: string;
  environment?: "nonProd";
}

const POD = "spec.template.spec";

const spareServer = {
  name: "restored",
  type: "azure-native:dbforpostgresql:Server",
  ignoreChanges: ["availabilityZone", "highAvailability", "storage"],
};

const serving = KUBERNETES.filter(({ name }) => name === "api").map((api) => ({ ...api, cluster: "here" }));

export const INNOCENT: readonly Innocent[] = [
  {
    because: "an address of Sentry's is public, though it has a key in it",
    add: [
      {
        name: "reports",
        type: "kubernetes:core/v1:ConfigMap",
        props: {
          metadata: { name: "reports" },
          data: { SENTRY_DSN: "https://0123456789abcdef@o1.ingest.de.sentry.io/2" },
        },
      },
    ],
  },
  {
    because: "a service stands by at zero in one cluster while it serves in another",
    remove: ["api"],
    add: [...serving, standingBy()],
  },
  {
    because: "a cluster that stands by has no node for applications, as long as another serves",
    add: [
      {
        name: "standby-pool",
        type: "azure-native:containerservice:AgentPool",
        props: {
          agentPoolName: "apps",
          mode: "User",
          vmSize: "Standard_D2ds_v5",
          osType: "Linux",
          maxPods: 60,
          availabilityZones: ["1", "2", "3"],
          enableAutoScaling: true,
          minCount: 0,
          maxCount: 9,
          tags: { ...TAGS, regionRole: "standby" },
        },
      },
    ],
  },
  {
    because: "a private cluster needs no list of addresses",
    change: { cluster: { apiServerAccessProfile: { enablePrivateCluster: true } } },
  },
  {
    because: "in a region without zones locally redundant is all there is",
    change: { account: { "sku.name": "Standard_LRS", location: "ukwest" } },
  },
  {
    because: "hourly backups are promised for a week",
    change: {
      daily: { containerName: "backups-hourly" },
      "daily-copy": { containerName: "backups-hourly" },
      "daily-immutability": { containerName: "backups-hourly", immutabilityPeriodSinceCreationInDays: 7 },
    },
  },
  {
    because: "the archive tier exists on LRS",
    change: {
      account: { "sku.name": "Standard_LRS", location: "UK West" },
      lifecycle: {
        "policy.rules[0].definition.actions.baseBlob.tierToArchive": {
          daysAfterModificationGreaterThan: 200,
        },
      },
    },
  },
  {
    because: "a disabled lifecycle rule deletes nothing",
    change: {
      lifecycle: {
        "policy.rules[0].enabled": false,
        "policy.rules[0].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan": 91,
      },
    },
  },
  {
    because: "without an immutable container a short-lived one may expire by itself",
    change: {
      lifecycle: { "policy.rules[0].definition.filters.prefixMatch": ["daily/", "scratch/"] },
    },
    remove: ["daily", "daily-immutability", "daily-copy", "daily-immutability-copy"],
  },
  {
    because: "half of three pods is two, so one may go",
    change: { budget: { "spec.maxUnavailable": undefined, "spec.minAvailable": "50%" } },
  },
  {
    because: "an autoscaler owns the number of pods of a Deployment that leaves it out",
    change: { api: { "spec.replicas": undefined } },
  },
  {
    because: "the token of an account may be named in a path, a reference or a number of seconds",
    change: {
      api: {
        [`${POD}.containers[0].env`]: [
          { name: "DATABASE_URL", valueFrom: { secretKeyRef: { name: "api", key: "database-url" } } },
          { name: "TLS_PRIVATE_KEY_PATH", value: "/mnt/secrets/tls.key" },
          { name: "API_TOKEN", value: "$(INJECTED_TOKEN)" },
          { name: "SECRET_PROVIDER_CLASS", value: "api-secrets" },
          { name: "DOCS", value: "https://example.com/docs?topic=password" },
          { name: "TEMPLATE", value: "postgresql://api:$(PASSWORD)@db:5432/shop" },
        ],
      },
    },
  },
  {
    because: "a container may leave to its pod what the pod says for all",
    change: { api: { [`${POD}.containers[0].securityContext.runAsNonRoot`]: undefined } },
  },
  {
    because: "a sidecar with probes of its own is a container like any other",
    change: {
      api: { [`${POD}.initContainers`]: [{ ...container, name: "proxy", restartPolicy: "Always" }] },
    },
  },
  {
    because: "one policy per workload does what one for the namespace does",
    change: {
      traffic: { "spec.podSelector": { matchLabels: { "app.kubernetes.io/name": "api" } } },
    },
    add: [
      {
        name: "rest",
        type: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        props: {
          metadata: { name: "rest", namespace: "shop" },
          spec: {
            podSelector: {
              matchExpressions: [{ key: "app.kubernetes.io/name", operator: "NotIn", values: ["api"] }],
            },
            ingress: [],
            egress: [],
          },
        },
      },
    ],
  },
  {
    because: "a patch says only what it changes",
    add: [
      {
        name: "patch",
        type: "kubernetes:apps/v1:DeploymentPatch",
        props: {
          metadata: { namespace: "shop" },
          spec: { template: { metadata: { labels: { team: "api" } } } },
        },
      },
    ],
  },
  {
    because: "a service inside the cluster needs no load balancer",
    change: { service: { "spec.type": "ClusterIP", "metadata.annotations": undefined } },
  },
  {
    because: "a rule that denies everything from everywhere is no door",
    change: {
      "security-group": { "securityRules[0].access": "Deny", "securityRules[0].sourceAddressPrefix": "*" },
    },
  },
  {
    because: "Contributor on one resource is not Contributor on a subscription",
    change: {
      role: { scope: "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-shop" },
    },
  },
  {
    because: "a lock on the server is not a lock on the zone in the same group",
    change: {
      "primary-lock": {
        scope:
          "/subscriptions/x/resourceGroups/rg-shop/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-shop-weu",
      },
    },
    options: { "primary-lock": { sources: {} } },
  },
  {
    because: "a public service of another cloud has a zone of its own name",
    change: { zone: { privateZoneName: "shop.internal.example" } },
  },
  {
    because: "staging may have no standby at all",
    environment: "nonProd",
    change: { primary: { "highAvailability.mode": "Disabled" } },
  },
  {
    because: "a Burstable server without a pooler is allowed outside production",
    environment: "nonProd",
    change: {
      primary: { sku: { name: "Standard_B2s", tier: "Burstable" }, "highAvailability.mode": "Disabled" },
    },
    remove: ["parameter-pgbouncer.enabled", "parameter-pgbouncer.default_pool_size"],
    options: { endpoint: { waitsFor: ["parameter-azure.extensions"] } },
  },
  {
    because: "a restored server states its source and the moment, and is no replica",
    environment: "nonProd",
    remove: ["primary", "primary-lock", "primary-log", "endpoint", "alert-alive", "alert-deadlocks"],
    add: [
      {
        ...spareServer,
        props: {
          serverName: "psql-shop-restored",
          location: "westeurope",
          createMode: "PointInTimeRestore",
          sourceServerResourceId: "/subscriptions/x/y",
          pointInTimeUTC: "2026-02-05T14:30:00Z",
          sku: { name: "Standard_D2ds_v5", tier: "GeneralPurpose" },
          storage: { storageSizeGB: 128, autoGrow: "Enabled" },
          network: { publicNetworkAccess: "Disabled" },
          authConfig: { activeDirectoryAuth: "Enabled" },
          tags: {
            product: "forma3d",
            environment: "test",
            owner: "a@b.example",
            costCenter: "x",
            dataClassification: "internal",
            managedBy: "pulumi",
          },
        },
        ignoreChanges: [...spareServer.ignoreChanges, "createMode", "sourceServerResourceId"],
      },
    ],
  },
];
