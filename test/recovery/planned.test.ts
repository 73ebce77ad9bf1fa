import { BlobServiceClient } from "@azure/storage-blob";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startAzurite, type LocalAzurite } from "../../packages/local-servers/azurite";
import { startS3, type LocalS3 } from "../../packages/local-servers/s3";
import { planStack, type PlanView } from "../support/plan";
import { recovery, verb } from "../support/recoveryCli";
import { startPlatformLab, type PlatformLab } from "../support/recoveryLab";

/*
 * What the plan tells the recovery runner, and what the runner makes of it: its CronJobs' own arguments and variables,
 * against the planned accounts with the planned containers and a server with the platform's logins. Only addresses and
 * files of secrets are replaced.
 */
jest.setTimeout(180_000);

type Inputs = Record<string, any>;

let plan: PlanView;
let lab: PlatformLab;
let s3: LocalS3 | undefined;
let accounts: Record<string, LocalAzurite>;
let folder: string;
let scratch: string;
/** What each tier's job of the plan printed, and how many backups its container of each account held then. */
let made: readonly { tier: string; backup: Inputs; accounts: number[] }[];

const SECRETS = "/run/secrets/vault/";

beforeAll(async () => {
  [plan, lab] = await Promise.all([planStack("prod", { resolve: true }), startPlatformLab()]);
  await lab.server.sql(
    "migration",
    "create table orders (id int primary key, item text); insert into orders select n, 'item ' || n from generate_series(1, 200) n",
  );
  folder = mkdtempSync(path.join(tmpdir(), "planned-"));
  // Its server runs as another account when the tests run as root.
  scratch = mkdtempSync(path.join(tmpdir(), "planned-scratch-"));
  chmodSync(scratch, 0o777);
  const secrets: Record<string, string> = {
    "database-admin-url": lab.server.url(lab.server.administrator),
    "database-api-url": await lab.server.pooledUrl("api"),
    "database-migration-url": lab.server.url("migration"),
    "database-backup-url": lab.server.url("backup"),
  };
  for (const [name, value] of Object.entries(secrets)) writeFileSync(path.join(folder, name), value);
  const holdsBackups = new Set(
    plan
      .ofType("azure-native:storage:BlobContainer")
      .map(({ inputs }) => inputs as Inputs)
      .filter(({ containerName }) => containerName === "backups-daily")
      .map(({ accountName }) => accountName as string),
  );
  const planned = plan
    .ofType("azure-native:storage:StorageAccount")
    .map(({ inputs }) => inputs as Inputs)
    .filter(({ accountName }) => holdsBackups.has(accountName as string));
  accounts = Object.fromEntries(
    await Promise.all(
      planned.map(async ({ accountName, location }) => {
        const azurite = await startAzurite({ account: accountName as string });
        const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
        const own = plan
          .ofType("azure-native:storage:BlobContainer")
          .map(({ inputs }) => inputs as Inputs)
          .filter((container) => container.accountName === accountName);
        for (const { containerName } of own) await service.createContainer(containerName as string);
        return [location as string, azurite] as const;
      }),
    ),
  );
  const runs: (typeof made)[number][] = [];
  for (const tier of ["hourly", "daily", "weekly", "monthly"]) {
    const [backup] = (await runJob(tier)) as [Inputs];
    runs.push({ tier, backup, accounts: await held(tier) });
  }
  made = runs;
});
afterAll(async () => {
  await Promise.all([
    lab?.stop(),
    s3?.stop(),
    ...Object.values(accounts ?? {}).map((azurite) => azurite.stop()),
  ]);
  for (const made of [folder, scratch]) rmSync(made, { recursive: true, force: true });
});

/** The pod's variables, with addresses and paths of this machine. */
function variables(container: Inputs): Record<string, string> {
  const given = Object.fromEntries(
    (container.env as { name: string; value: string }[]).map(({ name, value }) => [name, value]),
  );
  const targets = JSON.parse((given.BACKUP_TARGETS ?? "[]").replaceAll(SECRETS, `${folder}/`)) as Inputs[];
  const local = targets.map((target) => {
    if (target.kind === "s3") return { ...target, endpoint: s3?.endpoint };
    const { name, kind, url } = target as Record<string, string>;
    const { connectionString = "", account = "" } = accounts[name ?? ""] ?? {};
    expect(url).toBe(`https://${account}.blob.core.windows.net`);
    return { name, kind, connectionString };
  });
  return {
    ...Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace(SECRETS, `${folder}/`)]),
    ),
    BACKUP_TARGETS: JSON.stringify(local),
    ...(given.SCRATCH_DIR && { SCRATCH_DIR: scratch }),
  };
}

const podOf = (name: string, from = plan): Inputs =>
  (from.one("kubernetes:batch/v1:CronJob", `prod-primary-${name}`).inputs as Inputs).spec.jobTemplate.spec
    .template.spec as Inputs;

/** Runs a job as it is planned. */
async function runJob(name: string, from = plan) {
  const [container] = podOf(`recovery-${name}`, from).containers as [Inputs];
  const run = await recovery(container.args as string[], variables(container));
  expect({ name, code: run.code, said: run.code === 0 ? "" : run.stderr }).toEqual({
    name,
    code: 0,
    said: "",
  });
  return JSON.parse(run.stdout);
}

/** Manifests in a container of each account. */
async function held(tier: string): Promise<number[]> {
  return Promise.all(
    Object.values(accounts).map(async ({ connectionString }) => {
      const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(
        `backups-${tier}`,
      );
      let count = 0;
      for await (const { name } of container.listBlobsFlat()) if (/manifest[^/]*$/.test(name)) count += 1;
      return count;
    }),
  );
}

test("every tier's job writes to its container in both accounts", () => {
  expect(made).toHaveLength(4);
  for (const { tier, backup, accounts: found } of made) {
    expect(backup).toMatchObject({ environment: "prod", database: "forma3d", tier });
    expect(backup.targets).toEqual([{ name: "westeurope" }, { name: "northeurope" }]);
    expect(found).toEqual([1, 1]);
  }
});

test("the copy brings an account what it lacks, verification counts for both, and prune keeps what it must", async () => {
  const [second] = Object.values(accounts).slice(1) as [LocalAzurite];
  const service = BlobServiceClient.fromConnectionString(second.connectionString);
  const container = service.getContainerClient("backups-daily");
  for await (const { name } of container.listBlobsFlat())
    if (/\/(manifest|archive)[^/]*$/.test(name)) await container.deleteBlob(name);
  expect(await held("daily")).toEqual([1, 0]);
  expect(await runJob("copy")).toEqual([expect.objectContaining({ to: "northeurope", outcome: "copied" })]);
  expect(await held("daily")).toEqual([1, 1]);
  // Each of the four is proved by a restore, the hourly one too, and its copy with it.
  const reports = (await runJob("verify")) as Inputs[];
  expect(reports.map(({ tier, verdict }) => [tier, verdict]).sort()).toEqual([
    ["daily", "PASS"],
    ["hourly", "PASS"],
    ["monthly", "PASS"],
    ["weekly", "PASS"],
  ]);
  for (const { copies } of reports)
    expect(copies).toEqual([expect.objectContaining({ target: "northeurope", verdict: "PASS" })]);
  expect(await runJob("verify")).toEqual([]);
  const pruned = await runJob("prune");
  expect(pruned.decisions.map(({ outcome }: Inputs) => outcome)).toEqual(Array(8).fill("kept"));
  const status = await verb(["status", "--json"], variables(podOf("operator").containers[0] as Inputs));
  const entries = JSON.parse(status.stdout) as Inputs[];
  expect(entries.map(({ target, behind, held: all, proved }) => [target, behind, all, proved])).toEqual([
    ["westeurope", [], 4, 4],
    ["northeurope", [], 4, 4],
  ]);
});

test("in the operator's pod a restore is done when api, migration and backup can work", async () => {
  const [container] = podOf("operator").containers as [Inputs];
  const env = variables(container);
  const at = new Date(Date.now() + 60_000).toISOString();
  const run = await verb(["restore", "--at", at, "--to", "restored", "--json"], env);
  expect({ code: run.code, said: run.code === 0 ? "" : run.stderr }).toEqual({ code: 0, said: "" });
  const checks = (JSON.parse(run.stdout) as { checks: Inputs[] }).checks;
  expect(
    checks.filter(({ id }) => String(id).startsWith("role-")).map(({ id, status: state }) => [id, state]),
  ).toEqual([
    ["role-api", "PASS"],
    ["role-migration", "PASS"],
    ["role-backup", "PASS"],
  ]);
  // One database less for the jobs below to dump and to prove.
  await lab.sql("postgres", "drop database restored");
});

test("encrypted and to another provider as well: jobs find bucket, access key and private key where the plan puts them", async () => {
  s3 = await startS3();
  const identity = execFileSync("age-keygen", { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const recipient = /age1[0-9a-z]+/.exec(identity)?.[0] ?? "";
  const elsewhere = await planStack("prod", {
    resolve: true,
    config: {
      "recovery.encryption": { recipients: [recipient] },
      "recovery.s3": {
        endpoint: "https://s3.fr-par.scw.cloud",
        region: s3.region,
        bucket: "forma3d-prod-backups",
        addresses: ["203.0.113.0/24"],
      },
    },
  });
  await s3.createBucket("forma3d-prod-backups");
  writeFileSync(path.join(folder, "backup-decryption-keys"), identity, { mode: 0o600 });
  writeFileSync(path.join(folder, "backup-s3-access-key-id"), s3.credentials.accessKeyId);
  writeFileSync(path.join(folder, "backup-s3-secret-access-key"), s3.credentials.secretAccessKey);
  await lab.createDatabase("beside");
  const backups = (await runJob("hourly", elsewhere)) as Inputs[];
  const backup = backups.find(({ database }) => database === "forma3d")!;
  expect(backup.archive.encryption).toEqual({ format: "age/v1", recipients: [recipient] });
  expect(backup.targets).toEqual([{ name: "westeurope" }, { name: "northeurope" }, { name: "s3" }]);
  // A database beside the application's is backed up and proved as well.
  const ids = backups.map(({ id }) => id as string);
  const reports = ((await runJob("verify", elsewhere)) as Inputs[]).filter(({ id }) => ids.includes(id));
  expect(reports.map(({ database, verdict }) => [database, verdict]).sort()).toEqual([
    ["beside", "PASS"],
    ["forma3d", "PASS"],
  ]);
  const report = reports.find(({ id }) => id === backup.id);
  expect(report?.copies.map(({ target, verdict }: Inputs) => [target, verdict])).toEqual([
    ["northeurope", "PASS"],
    ["s3", "PASS"],
  ]);
  // What backs up gets public keys only, and the key of the bucket; nothing else may leave Azure.
  const objects = (identity: string) =>
    (
      elsewhere.one(
        "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
        `primary-recovery-${identity}`,
      ).inputs as Inputs
    ).spec.parameters.objects as string;
  const keys = ["backup-s3-access-key-id", "backup-s3-secret-access-key"];
  const mounted = (identity: string) =>
    [...objects(identity).matchAll(/objectName: (\S+)/g)].map(([, name]) => name);
  expect(mounted("backup")).toEqual(["database-backup-url", ...keys]);
  expect(mounted("verify")).toEqual(["backup-decryption-keys", ...keys]);
  expect(mounted("prune")).toEqual(keys);
  const policy = elsewhere.one(
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "primary-recovery-backup-traffic",
  ).inputs as Inputs;
  expect(policy.spec.egress).toContainEqual({
    to: [{ ipBlock: { cidr: "203.0.113.0/24" } }],
    ports: [{ protocol: "TCP", port: 443 }],
  });
  const metrics = elsewhere.one("kubernetes:apps/v1:Deployment", "primary-metrics").inputs as Inputs;
  expect(JSON.stringify(metrics)).not.toContain("secretKeyRef");
});
