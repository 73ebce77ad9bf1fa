/** A test that proves a control: its file and the beginning of its title. */
export interface ProvingTest {
  file: string;
  title: string;
}

/** A resource of the production plan that is a control: its type and a part of its name. */
export interface Control {
  what: string;
  type: string;
  name: string;
}

/** One risk of report §3, with what this repository does about it. Policies, alerts and runbooks refer to it themselves. */
export interface Risk {
  id: string;
  description: string;
  /** 1 rare to 5 frequent. */
  probability: number;
  /** 1 minimal to 5 catastrophic. */
  impact: number;
  category: "Infrastructure" | "External Service" | "Security" | "Operational";
  controls: Control[];
  /** How the risk is practised: a drill, a rehearsal or the runbook's own exercise. */
  drill: string;
  /** Scenarios of `npm run rehearse` that practise it with the real engine. */
  scenarios?: string[];
  tests: ProvingTest[];
}

const PLAN_TESTS = {
  database: "test/infra/data.test.ts",
  workloads: "test/infra/workloads.test.ts",
  cluster: "test/infra/cluster.test.ts",
} as const;

/** What keeps a partner that is down from taking the API down with it. */
const PARTNER_BREAKER: Control = {
  what: "circuit breaker of the integration gateway",
  type: "kubernetes:apps/v1:Deployment",
  name: "gateway",
};

export const RISK_REGISTER: readonly Risk[] = [
  {
    id: "R01",
    description: "Database server crash",
    probability: 2,
    impact: 5,
    category: "Infrastructure",
    controls: [
      {
        what: "standby in another zone",
        type: "azure-native:dbforpostgresql:Server",
        name: "database-primary",
      },
      {
        what: "replica in the second region",
        type: "azure-native:dbforpostgresql:Server",
        name: "database-replica",
      },
      {
        what: "endpoint that follows a promotion",
        type: "azure-native:dbforpostgresql:VirtualEndpoint",
        name: "database-endpoint",
      },
    ],
    drill:
      "`npm run drill -- --scenario backup-only`; zones are swapped, the replica is promoted, the server is cut off",
    scenarios: ["4.1", "4.3", "4.6"],
    tests: [
      { file: PLAN_TESTS.database, title: "the primary survives the loss of a zone" },
      { file: PLAN_TESTS.database, title: "prod has an asynchronous replica in the second region" },
    ],
  },
  {
    id: "R02",
    description: "Database corruption",
    probability: 1,
    impact: 5,
    category: "Infrastructure",
    controls: [
      { what: "weekly proof by a full restore", type: "kubernetes:batch/v1:CronJob", name: "verify" },
      {
        what: "35 days of point-in-time restore, geo-redundant",
        type: "azure-native:dbforpostgresql:Server",
        name: "database-primary",
      },
      {
        what: "immutable daily backups",
        type: "azure-native:storage:BlobContainerImmutabilityPolicy",
        name: "daily-immutability",
      },
    ],
    drill: "`npm run drill -- --scenario corrupted-newest`",
    tests: [
      { file: PLAN_TESTS.database, title: "prod can be restored to any second of the last 35 days" },
      {
        file: "test/recovery/verify.test.ts",
        title: "a bit flipped at twenty random places of archive and manifest is always caught",
      },
    ],
  },
  {
    id: "R03",
    description: "Application server crash",
    probability: 3,
    impact: 4,
    category: "Infrastructure",
    controls: [
      { what: "three replicas with probes", type: "kubernetes:apps/v1:Deployment", name: "api" },
      { what: "autoscaler", type: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", name: "api" },
      { what: "disruption budget", type: "kubernetes:policy/v1:PodDisruptionBudget", name: "api" },
    ],
    drill: "runbook application-crash: delete a pod of staging under load",
    tests: [
      { file: PLAN_TESTS.workloads, title: "loses no request in a rollout, a drain or the loss of a zone" },
    ],
  },
  {
    id: "R04",
    description: "Shopify API unavailable",
    probability: 2,
    impact: 4,
    category: "External Service",
    controls: [PARTNER_BREAKER],
    drill: "runbook shopify-down: block the partner's host in staging's gateway",
    tests: [
      {
        file: "test/infra/gateway.test.ts",
        title: "opens after five failures in a row, answers at once, and tries again later",
      },
    ],
  },
  {
    id: "R05",
    description: "SimplyPrint API unavailable",
    probability: 3,
    impact: 4,
    category: "External Service",
    controls: [PARTNER_BREAKER],
    drill: "runbook simplyprint-sync: block the partner's host in staging's gateway",
    tests: [
      {
        file: "test/infra/gateway.test.ts",
        title: "every partner of the report has a port, a time limit and a circuit breaker of its own",
      },
    ],
  },
  {
    id: "R06",
    description: "SendCloud API unavailable",
    probability: 2,
    impact: 3,
    category: "External Service",
    controls: [PARTNER_BREAKER],
    drill: "runbook sendcloud-shipping: block the partner's host in staging's gateway",
    tests: [
      {
        file: "test/infra/gateway.test.ts",
        title: "every partner of the report has a port, a time limit and a circuit breaker of its own",
      },
    ],
  },
  {
    id: "R07",
    description: "Security breach / hack",
    probability: 2,
    impact: 5,
    category: "Security",
    controls: [
      { what: "web application firewall", type: "azure-native:frontdoor:Policy", name: "edge" },
      { what: "vault without public access", type: "azure-native:keyvault:Vault", name: "primary-vault" },
      {
        what: "default-deny network policy",
        type: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        name: "default-deny",
      },
    ],
    drill: "runbook security-breach: table-top exercise once a year",
    tests: [
      { file: "test/policies/isolation.test.ts", title: "every way to reach production is found" },
      { file: PLAN_TESTS.database, title: "nothing that holds data has a public address" },
    ],
  },
  {
    id: "R08",
    description: "Credential compromise",
    probability: 2,
    impact: 5,
    category: "Security",
    controls: [
      { what: "every managed secret expires", type: "azure-native:keyvault:Secret", name: "session-secret" },
      {
        what: "workload identities instead of stored keys",
        type: "azure-native:managedidentity:FederatedIdentityCredential",
        name: "api",
      },
    ],
    drill: "secrets are issued anew, before and after a failover, and nothing with data is replaced",
    scenarios: ["3.14", "5.3"],
    tests: [
      { file: PLAN_TESTS.database, title: "every managed secret is in every vault" },
      { file: PLAN_TESTS.database, title: "a reader is granted single secrets" },
    ],
  },
  {
    id: "R09",
    description: "Major misconfiguration",
    probability: 3,
    impact: 4,
    category: "Operational",
    controls: [
      { what: "start-up gate of the API", type: "kubernetes:apps/v1:Deployment", name: "api" },
      { what: "pinned subscription", type: "pulumi:providers:azure-native", name: "azure" },
    ],
    drill: "isolation end to end; runbook misconfiguration",
    scenarios: ["7.1", "7.2", "7.3", "7.4"],
    tests: [
      {
        file: "test/stacks/config.test.ts",
        title: "a field's own problem hides no problem of another section",
      },
      {
        file: "test/recovery/guard.test.ts",
        title: "is refused without a marker, accepted once marked, and never marked as another",
      },
    ],
  },
  {
    id: "R10",
    description: "Data loss (accidental deletion)",
    probability: 2,
    impact: 5,
    category: "Operational",
    controls: [
      {
        what: "deletion lock on the server",
        type: "azure-native:authorization:ManagementLockByScope",
        name: "database-primary-lock",
      },
      {
        what: "versions and soft delete of blobs",
        type: "azure-native:storage:BlobServiceProperties",
        name: "backups-blobs",
      },
      { what: "daily backup", type: "kubernetes:batch/v1:CronJob", name: "daily" },
    ],
    drill: "`npm run drill -- --scenario accidental-deletion`; destroying the environment is stopped",
    scenarios: ["1.4"],
    tests: [
      { file: PLAN_TESTS.database, title: "what holds data is protected" },
      {
        file: "test/recovery/prune.test.ts",
        title: "prune deletes nothing at all while nothing is verified",
      },
    ],
  },
  {
    id: "R11",
    description: "Network/DNS failure",
    probability: 2,
    impact: 4,
    category: "Infrastructure",
    controls: [
      { what: "entry with origins by priority", type: "azure-native:cdn:AFDOriginGroup", name: "edge" },
      {
        what: "private zone of each region",
        type: "azure-native:privatedns:VirtualNetworkLink",
        name: "database-zone-link",
      },
    ],
    drill: "`npm run drill -- --scenario region-loss`; a zone's link is deleted, a region is lost",
    scenarios: ["4.5", "5.1"],
    tests: [{ file: PLAN_TESTS.database, title: "every region resolves every private service by itself" }],
  },
  {
    id: "R12",
    description: "Certificate expiration",
    probability: 2,
    impact: 3,
    category: "Operational",
    controls: [{ what: "managed certificate", type: "azure-native:cdn:AFDCustomDomain", name: "api" }],
    drill: "alert tests around the fourteenth day; runbook ssl-renewal",
    tests: [
      {
        file: "test/alerting/rules.test.ts",
        title: "every alert has a case in which it fires and one in which it does not",
      },
    ],
  },
  {
    id: "R13",
    description: "Disk space exhaustion",
    probability: 3,
    impact: 3,
    category: "Infrastructure",
    controls: [
      {
        what: "autogrow of the database's disk",
        type: "azure-native:dbforpostgresql:Server",
        name: "database-primary",
      },
      {
        what: "lifecycle of the backup accounts",
        type: "azure-native:storage:ManagementPolicy",
        name: "lifecycle",
      },
    ],
    drill: "autogrow enlarges the disk; runbook disk-space",
    scenarios: ["4.2"],
    tests: [{ file: PLAN_TESTS.database, title: "the disk grows by itself" }],
  },
  {
    id: "R14",
    description: "Memory exhaustion / OOM",
    probability: 3,
    impact: 3,
    category: "Infrastructure",
    controls: [
      { what: "requests and limits", type: "kubernetes:apps/v1:Deployment", name: "api" },
      { what: "limits for whatever names none", type: "kubernetes:core/v1:LimitRange", name: "namespace" },
    ],
    drill: "alert tests of memory; runbook memory-oom",
    tests: [{ file: PLAN_TESTS.workloads, title: "starts with the report's three replicas and resources" }],
  },
  {
    id: "R15",
    description: "Webhook flooding / DDoS",
    probability: 2,
    impact: 4,
    category: "Security",
    controls: [
      { what: "rate limits per address", type: "azure-native:frontdoor:Policy", name: "edge" },
      { what: "autoscaler", type: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", name: "api" },
    ],
    drill: "alert tests of a flood; runbook webhook-flood",
    tests: [
      {
        file: PLAN_TESTS.cluster,
        title:
          "clients and webhooks have limits of their own, and neither rule lets anything pass the others",
      },
    ],
  },
];
