import path from "node:path";
import { projectRoot } from "../../packages/command/root";
import { stackNames } from "../../stacks/files";
import { planStack, preparePlans, type PlanView } from "../support/plan";
import { type Fine, found, judged, mandatory, type Overrides, testFine } from "./support/judgedPlans";

/** What a stack is deployed from, planned and judged the same way. */
const control = (stack: string): Promise<PlanView> =>
  planStack(stack, { root: CONTROL, config: {}, judged: true });
const CONTROL = path.join(projectRoot(__dirname), "control");

/** As committed, and as a release must come out while a region is lost; the rest of a failover: `compliance.long.test.ts`. */
const FINE: readonly Fine[] = [
  ...stackNames(projectRoot(__dirname)).map((stack): Fine => [`${stack} as committed`, stack, {}]),
  [
    "prod failed over, its first region lost",
    "prod",
    { "regions.primary.role": "lost", "regions.secondary.role": "serving" },
  ],
];

const WEAK: Overrides = {
  "database.backupRetentionDays": 14,
  "database.geoRedundantBackup": false,
  "database.highAvailability": "SameZone",
  "database.version": "18",
  protectData: false,
  "storage.redundancy": "Standard_LRS",
  "storage.softDeleteDays": 25,
  "vault.softDeleteRetentionDays": 7,
  "cluster.zones": [],
  "cluster.tier": "Free",
  "workloads.api.minReplicas": 2,
  "edge.wafMode": "Detection",
};

const GROWN: Overrides = {
  "database.skuName": "Standard_D16ds_v5",
  "cluster.userPool.maxCount": 20,
  "workloads.api.maxReplicas": 40,
  logRetentionDays: 365,
};

beforeAll(() =>
  preparePlans([
    ...stackNames(projectRoot(__dirname)).map((stack) => ({
      stack,
      root: CONTROL,
      config: {},
      judged: true,
    })),
    { stack: "prod", config: WEAK, judged: true },
    { stack: "staging", config: GROWN, judged: true },
  ]),
);

testFine(FINE);

test.each(stackNames(projectRoot(__dirname)))("what %s is deployed from has no finding", async (stack) => {
  const plan = await control(stack);
  expect(plan.resources.length).toBeGreaterThan(20);
  expect([plan.violations, plan.errors]).toEqual([[], []]);
});

/** Names and hosts that Azure gives are known only then. */
test.each(stackNames(projectRoot(__dirname)))("what %s turns out to be has no finding", async (stack) => {
  const plan = await planStack(stack, { resolve: true, judged: true });
  expect([plan.violations, plan.errors]).toEqual([[], []]);
});

test("prod cannot be deployed weak, whichever value of its stack file is loosened", async () => {
  const plan = await judged("prod", WEAK);
  expect(mandatory(plan)).not.toEqual([]);
  expect(found(plan)).toEqual([
    "postgres-geo-redundant-backup",
    "postgres-backup-retention",
    "postgres-zone-redundant-standby",
    "postgres-supported-version",
    "data-protected",
    "data-locked",
    "storage-soft-delete",
    "vault-recoverable",
    "storage-zone-redundant",
    "deployment-replicas",
    "aks-survives-zone-loss",
    "waf-prevents",
    "production-made-of",
    // Without protectData there are no locks.
    "production-wired-as",
  ]);
});

test("staging cannot grow to the size of prod unnoticed", async () => {
  const plan = await judged("staging", GROWN);
  expect(mandatory(plan)).not.toEqual([]);
  expect(found(plan)).toEqual([
    "nonprod-database-size",
    "nonprod-node-size",
    "nonprod-pod-count",
    "nonprod-log-retention",
  ]);
});
