import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { catalogue } from "../../policies/pack/catalogue";
import { stackNames } from "../../stacks/files";

const ROOT = path.join(__dirname, "../..");

/** Plans a stack offline, judged by the compiled pack. */
async function plan(...args: string[]): Promise<{ code: number; text: string }> {
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["packages/command/run.mjs", "apps/tools/plan/plan.ts", ...args, "--quiet"],
      {
        cwd: ROOT,
        maxBuffer: 16 * 1024 * 1024,
      },
    );
    return { code: 0, text: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}

/** Rules of a plan's findings, in the order of the catalogue. */
function found(text: string): string[] {
  return catalogue()
    .filter(({ id }) => !id.startsWith("ISO-") && text.includes(`[${id}]`))
    .map(({ name }) => name);
}

/** Overrides of the stack file. */
const override = (values: Record<string, string>) =>
  Object.entries(values).flatMap(([key, value]) => ["--config", `${key}=${value}`]);

test.each([
  ...stackNames(ROOT).map((stack) => [`${stack} as committed`, [stack]] as [string, string[]]),
  [
    "prod in the second region, with both clusters up",
    ["prod", ...override({ "regions.primary.role": "standby", "regions.secondary.role": "serving" })],
  ],
  // A release must come out then, through the same gate.
  ["prod while its standby's region is lost", ["prod", ...override({ "regions.secondary.role": "lost" })]],
  [
    "prod failed over, its first region lost",
    ["prod", ...override({ "regions.primary.role": "lost", "regions.secondary.role": "serving" })],
  ],
])(
  "%s has no finding",
  async (_, args) => {
    const { code, text } = await plan(...args);
    expect(found(text)).toEqual([]);
    expect({ code, text }).toMatchObject({ code: 0 });
  },
  180_000,
);

test("prod cannot be deployed weak, whichever value of its stack file is loosened", async () => {
  const { code, text } = await plan(
    "prod",
    ...override({
      "database.backupRetentionDays": "14",
      "database.geoRedundantBackup": "false",
      "database.highAvailability": "SameZone",
      "database.version": '"18"',
      protectData: "false",
      "storage.redundancy": "Standard_LRS",
      "storage.softDeleteDays": "7",
      "vault.softDeleteRetentionDays": "7",
      "cluster.zones": "[]",
      "cluster.tier": "Free",
      "workloads.api.minReplicas": "2",
      "edge.wafMode": "Detection",
    }),
  );
  expect(code).toBe(1);
  expect(found(text)).toEqual([
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
  ]);
}, 180_000);

test("staging cannot grow to the size of prod unnoticed", async () => {
  const { code, text } = await plan(
    "staging",
    ...override({
      "database.skuName": "Standard_D16ds_v5",
      "cluster.userPool.maxCount": "20",
      "workloads.api.maxReplicas": "40",
      logRetentionDays: "365",
    }),
  );
  expect(code).toBe(1);
  expect(found(text)).toEqual([
    "nonprod-database-size",
    "nonprod-node-size",
    "nonprod-pod-count",
    "nonprod-log-retention",
  ]);
}, 180_000);
