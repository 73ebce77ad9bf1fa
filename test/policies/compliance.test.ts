import path from "node:path";
import { catalogue } from "../../policies/pack/catalogue";
import { projectRoot } from "../../packages/command/root";
import { stackNames } from "../../stacks/files";
import { planStack, preparePlans, type PlanView } from "../support/plan";

type Overrides = Record<string, unknown>;

/** Plans a stack offline, judged by the compiled pack. */
const judged = (stack: string, config: Overrides): Promise<PlanView> =>
  planStack(stack, { config, judged: true });

/** What a stack is deployed from, planned and judged the same way. */
const control = (stack: string): Promise<PlanView> =>
  planStack(stack, { root: CONTROL, config: {}, judged: true });
const CONTROL = path.join(projectRoot(__dirname), "control");

/** Rules of a plan's findings, in the order of the catalogue. */
function found({ violations }: PlanView): string[] {
  const named = new Set(violations.map(({ policy }) => policy));
  return catalogue()
    .filter(({ id, name }) => !id.startsWith("ISO-") && named.has(name))
    .map(({ name }) => name);
}

const mandatory = ({ violations }: PlanView): unknown[] =>
  violations.filter(({ level }) => level === "mandatory");

const FINE: [string, string, Overrides][] = [
  ...stackNames(projectRoot(__dirname)).map((stack): [string, string, Overrides] => [
    `${stack} as committed`,
    stack,
    {},
  ]),
  [
    "prod in the second region, with both clusters up",
    "prod",
    { "regions.primary.role": "standby", "regions.secondary.role": "serving" },
  ],
  // A release must come out then, through the same gate.
  ["prod while its standby's region is lost", "prod", { "regions.secondary.role": "lost" }],
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
    ...FINE.map(([, stack, config]) => ({ stack, config, judged: true })),
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

test.each(FINE)("%s has no finding", async (_, stack, config) => {
  const plan = await judged(stack, config);
  expect(found(plan)).toEqual([]);
  // What the plan command ends with 0 for, as its own tests show.
  expect([mandatory(plan), plan.errors]).toEqual([[], []]);
});

test.each(stackNames(projectRoot(__dirname)))("what %s is deployed from has no finding", async (stack) => {
  const plan = await control(stack);
  expect(plan.resources.length).toBeGreaterThan(20);
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
