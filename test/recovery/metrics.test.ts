import { spawn, type ChildProcess } from "node:child_process";
import { BlobServiceClient } from "@azure/storage-blob";
import { runBackup } from "../../apps/recovery/commands/backup";
import { runMetrics } from "../../apps/recovery/commands/metrics";
import { runVerify } from "../../apps/recovery/commands/verify";
import type { RunContext } from "../../apps/recovery/context";
import { appendReport } from "../../apps/recovery/evidence/store";
import { sha256 } from "../../apps/recovery/evidence/chain";
import { keepReadiness } from "../../apps/recovery/evidence/readiness";
import { Gauges, METRICS } from "../../apps/recovery/exporter/gauges";
import { startExporter } from "../../apps/recovery/exporter/server";
import { silent } from "../../apps/recovery/progress";
import { loadSettings, type Settings } from "../../apps/recovery/settings";
import { archiveBlob } from "../../apps/recovery/store/names";
import type { Manifest } from "../../apps/recovery/types";
import { startAzurite, type LocalAzurite } from "../../packages/local-servers/azurite";
import { containerEvidence, startPlatformServer } from "../support/recoveryLab";
import { freePort } from "../../packages/local-servers/ports";
import type { FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { drillReport, scenario } from "../support/drillReport";
import { cleanEnvironment, recovery, root, verb } from "../support/recoveryCli";
import { until } from "../support/until";

const context = (): RunContext => ({
  progress: silent,
  signal: new AbortController().signal,
  now: () => new Date(),
});

/** Samples by name and labels, as Prometheus would read them. */
function samples(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

async function get(port: number, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
}

let postgres: FlexibleServer;
let azurite: LocalAzurite;
let env: Record<string, string>;
let settings: Settings;
let manifests: { daily: Manifest; monthly: Manifest };

beforeAll(async () => {
  [postgres, azurite] = await Promise.all([startPlatformServer(), startAzurite()]);
  await postgres.sql(
    "migration",
    "create table orders as select n as id, md5(n::text) as note from generate_series(1, 500) n",
  );
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  for (const name of ["daily", "monthly", "evidence"]) await service.getContainerClient(name).create();
  env = {
    DATABASE_URL: postgres.url("backup"),
    BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
    BACKUP_CONTAINER_DAILY: "daily",
    BACKUP_CONTAINER_MONTHLY: "monthly",
    BACKUP_CONTAINER_EVIDENCE: "evidence",
    ENVIRONMENT: "prod",
    RPO_TARGET: "26h",
  };
  settings = loadSettings(env, ["database", "store"]);
  const backup = async (tier: "daily" | "monthly") => {
    const [outcome] = await runBackup(settings, { tier }, context());
    if (!outcome || "error" in outcome) throw outcome?.error ?? new Error("no backup");
    return outcome.manifest;
  };
  manifests = { monthly: await backup("monthly"), daily: await backup("daily") };
});

afterAll(async () => {
  await Promise.all([postgres?.stop(), azurite?.stop()]);
});

async function once(): Promise<Map<string, number>> {
  const { code, stdout, stderr } = await verb(["metrics", "--once"], env);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return samples(stdout);
}

test("what the storage account holds, before any backup was verified and any drill was run", async () => {
  const found = await once();
  const of = (tier: string) => `{database="forma3d",tier="${tier}"}`;
  for (const tier of ["daily", "monthly"] as const) {
    expect(found.get(`pgbackup_last_success_snapshot_timestamp_seconds${of(tier)}`)).toBeCloseTo(
      Date.parse(manifests[tier].snapshotAt) / 1000,
      3,
    );
    expect(found.get(`pgbackup_size_bytes${of(tier)}`)).toBe(manifests[tier].storedBytes);
    expect(found.get(`pgbackup_raw_size_bytes${of(tier)}`)).toBe(manifests[tier].rawBytes);
    expect(found.get(`pgbackup_backups${of(tier)}`)).toBe(1);
    expect(found.get(`pgbackup_catalogue_mismatches{tier="${tier}",kind="missing-archive"}`)).toBe(0);
  }
  expect(found.get(`pgbackup_duration_seconds{database="forma3d",stage="backup"}`)).toBe(
    manifests.daily.seconds,
  );
  expect(found.get(`pgbackup_verified_backups{database="forma3d"}`)).toBe(0);
  expect(found.get(`pgbackup_unproved_backups{database="forma3d"}`)).toBe(2);
  const oldest = Math.min(...Object.values(manifests).map(({ snapshotAt }) => Date.parse(snapshotAt)));
  const unproved = `pgbackup_oldest_unproved_timestamp_seconds{database="forma3d"}`;
  expect(found.get(unproved)).toBeCloseTo(oldest / 1000, 3);
  expect(found.get(`pgbackup_last_verified_timestamp_seconds{database="forma3d"}`)).toBe(0);
  expect(found.get(`pgbackup_objective_seconds{kind="rto"}`)).toBe(4 * 3_600);
  expect(found.get(`pgbackup_objective_seconds{kind="rpo"}`)).toBe(26 * 3_600);
  expect(found.get("pgbackup_store_up")).toBe(1);
  // Nothing is known yet, so nothing is claimed: not even a zero.
  for (const name of [
    "restore_rto_seconds",
    "rpo_seconds",
    "drill_verdict",
    "last_drill_timestamp_seconds",
  ]) {
    expect(found.has(`pgbackup_${name}`)).toBe(false);
  }
});

test("a verified backup and the newest drill", async () => {
  const report = await runVerify(settings, { backup: { id: manifests.daily.id }, through: "L4" }, context());
  expect(report.verdict).toBe("PASS");
  const missed = scenario({
    id: "region-loss",
    rpoObjective: "backup-age",
    targets: { rtoSeconds: 4 * 3_600, rpoSeconds: 26 * 3_600 },
    measured: { ...scenario().measured, rtoSeconds: 20_000, rpoSeconds: 9_000 },
  });
  const store = await containerEvidence(azurite, "evidence");
  for (const scenarios of [[scenario()], [scenario(), missed]]) {
    await appendReport(store, "prod", (chain) => ({
      attachments: [],
      report: drillReport({
        scenarios,
        sequence: chain.length + 1,
        prevReportSha256: chain.length === 0 ? null : sha256(chain[chain.length - 1]?.bytes ?? ""),
        endedAt: new Date().toISOString(),
      }),
    }));
  }
  const found = await once();
  expect(found.get(`pgbackup_verified_backups{database="forma3d"}`)).toBe(1);
  expect(found.get(`pgbackup_unproved_backups{database="forma3d"}`)).toBe(1);
  expect(found.get(`pgbackup_last_verified_timestamp_seconds{database="forma3d"}`)).toBeCloseTo(
    Date.parse(report.endedAt) / 1000,
    3,
  );
  expect(found.get("pgbackup_restore_rto_seconds")).toBe(20_000);
  // A backup of the night is not judged by the objective of an hour, so it does not count against it.
  expect(found.get("pgbackup_rpo_seconds")).toBe(3.25);
  expect(found.get(`pgbackup_drill_scenario_rpo_seconds{scenario="region-loss"}`)).toBe(9_000);
  expect(found.get(`pgbackup_drill_scenario_rto_seconds{scenario="backup-only"}`)).toBe(42.5);
  expect(found.get("pgbackup_drill_verdict")).toBe(0);
  expect(found.get(`pgbackup_drill_scenario_verdict{scenario="backup-only"}`)).toBe(1);
  expect(found.get(`pgbackup_drill_scenario_verdict{scenario="region-loss"}`)).toBe(0);
  expect(found.get(`pgbackup_drills{verdict="PASS"}`)).toBe(1);
  expect(found.get(`pgbackup_drills{verdict="FAIL"}`)).toBe(1);
  expect(found.get("pgbackup_mttr_seconds")).toBe(42.5);
  expect(found.get("pgbackup_evidence_intact")).toBe(1);
  expect(found.get(`pgbackup_duration_seconds{database="forma3d",stage="backup-only: restore"}`)).toBe(40);
});

test("the newest readiness check on record, one series for each check; without one there is none", async () => {
  const named = (found: Map<string, number>) =>
    [...found.keys()].filter((name) => name.includes("readiness"));
  expect(named(await once())).toEqual([]);
  const store = await containerEvidence(azurite, "evidence");
  const check = (id: string, status: "PASS" | "FAIL" | "NOT_RUN") => ({ id, status, text: "found" });
  await keepReadiness(store, "prod", {
    stack: "prod",
    at: "2026-03-02T05:30:00.000Z",
    checks: [check("quota", "FAIL"), check("gone", "PASS")],
  });
  await keepReadiness(store, "prod", {
    stack: "prod",
    at: "2026-03-03T05:30:00.000Z",
    checks: [check("quota", "PASS"), check("images", "FAIL"), check("fences", "NOT_RUN")],
  });
  // Somebody else's is none of ours.
  await keepReadiness(store, "staging", {
    stack: "staging",
    at: "2026-03-04T05:30:00.000Z",
    checks: [check("quota", "FAIL")],
  });
  const found = await once();
  expect(Object.fromEntries(named(found).map((name) => [name, found.get(name)]))).toEqual({
    'forma3d_readiness_checked_at_seconds{stack="prod"}': Date.parse("2026-03-03T05:30:00Z") / 1000,
    'forma3d_readiness_pass{stack="prod",check="quota"}': 1,
    'forma3d_readiness_pass{stack="prod",check="images"}': 0,
    'forma3d_readiness_pass{stack="prod",check="fences"}': 0,
    'forma3d_readiness_not_run{stack="prod",check="quota"}': 0,
    'forma3d_readiness_not_run{stack="prod",check="images"}': 0,
    'forma3d_readiness_not_run{stack="prod",check="fences"}': 1,
  });
});

test("a lost archive, a damaged manifest and a changed report show", async () => {
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const daily = service.getContainerClient("daily");
  const copyOf = await daily.getBlobClient(archiveBlob(manifests.daily)).downloadToBuffer();
  await daily.getBlobClient(archiveBlob(manifests.daily)).delete();
  const monthly = service.getContainerClient("monthly");
  const names: string[] = [];
  for await (const { name } of monthly.listBlobsFlat()) if (name.endsWith("manifest.json")) names.push(name);
  const [manifest] = names as [string];
  const intact = await monthly.getBlobClient(manifest).downloadToBuffer();
  const cut = intact.subarray(0, 50);
  await monthly.getBlockBlobClient(manifest).upload(cut, cut.length);
  const evidence = service.getContainerClient("evidence").getBlockBlobClient("drills/prod/000001.json");
  const written = await evidence.downloadToBuffer();
  const polished = written.toString().replace(`"rtoSeconds": 42.5`, `"rtoSeconds": 4.5`);
  await evidence.upload(polished, Buffer.byteLength(polished));
  try {
    const found = await once();
    expect(found.get(`pgbackup_catalogue_mismatches{tier="daily",kind="missing-archive"}`)).toBe(1);
    expect(found.get(`pgbackup_catalogue_mismatches{tier="monthly",kind="damaged-manifest"}`)).toBe(1);
    expect(found.get("pgbackup_evidence_intact")).toBe(0);
    // The damaged backup is none: its age must not look fine.
    expect(
      found.has(`pgbackup_last_success_snapshot_timestamp_seconds{database="forma3d",tier="monthly"}`),
    ).toBe(false);
  } finally {
    await daily.getBlockBlobClient(archiveBlob(manifests.daily)).upload(copyOf, copyOf.length);
    await monthly.getBlockBlobClient(manifest).upload(intact, intact.length);
    await evidence.upload(written, written.length);
  }
});

describe("the exporter", () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill("SIGKILL"));

  async function serve(port: number, extra: Record<string, string> = {}): Promise<{ stderr: () => string }> {
    child = spawn(
      process.execPath,
      [
        "packages/command/run.mjs",
        "apps/recovery/cli.ts",
        "metrics",
        "--host",
        "127.0.0.1",
        "--port",
        `${port}`,
        "--interval",
        "1s",
      ],
      { cwd: root, env: cleanEnvironment({ ...env, ...extra }) },
    );
    let stderr = "";
    child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
    await until("it answers", async () => (await get(port, "/healthz")).status === 200);
    return { stderr: () => stderr };
  }

  test("serves Prometheus text with a help line for every metric, and ends in order on SIGTERM", async () => {
    const port = await freePort();
    await serve(port);
    await until("it is ready", async () => (await get(port, "/readyz")).status === 200);
    const { status, text } = await get(port, "/metrics");
    expect(status).toBe(200);
    for (const name of Object.keys(METRICS)) expect(text).toContain(`# HELP pgbackup_${name} `);
    expect((await get(port, "/elsewhere")).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status).toBe(405);
    child?.kill("SIGTERM");
    expect(await new Promise((resolve) => child?.once("exit", resolve))).toBe(0);
  });

  test("keeps serving the last values while storage is unreachable, and says so", async () => {
    const own = await startAzurite();
    const service = BlobServiceClient.fromConnectionString(own.connectionString);
    for (const name of ["daily", "monthly", "evidence"]) await service.getContainerClient(name).create();
    const store = { BACKUP_STORE_CONNECTION_STRING: own.connectionString };
    await runBackup(loadSettings({ ...env, ...store }, ["database", "store"]), {}, context());
    const port = await freePort();
    const { stderr } = await serve(port, store);
    try {
      await until("it is ready", async () => (await get(port, "/readyz")).status === 200);
      await own.stop();
      const metrics = await until("the store is told to be down", async () => {
        const { text } = await get(port, "/metrics");
        return text.includes("pgbackup_store_up 0") ? samples(text) : undefined;
      });
      expect(metrics.get(`pgbackup_backups{database="forma3d",tier="daily"}`)).toBe(1);
      expect(metrics.get("pgbackup_store_last_read_timestamp_seconds")).toBeGreaterThan(
        Date.now() / 1000 - 60,
      );
      expect((await get(port, "/healthz")).status).toBe(200);
      expect(stderr()).toMatch(/reading the storage account failed: container "daily"/);
      expect(stderr()).not.toMatch(/AccountKey=[^[]/);
    } finally {
      await own.stop();
    }
  });

  test("is alive on a machine whose clock is set forward by a day", async () => {
    const stop = new AbortController();
    const { port, ended } = await startExporter({
      host: "127.0.0.1",
      port: 0,
      intervalSeconds: 60,
      read: () => Promise.reject(new Error("nothing is there")),
      gauges: new Gauges({ rtoSeconds: 3600, rpoSeconds: 3600 }),
      note: () => undefined,
      signal: stop.signal,
    });
    const clock = jest.spyOn(Date, "now").mockReturnValue(Date.now() + 86_400_000);
    try {
      expect((await get(port, "/healthz")).status).toBe(200);
    } finally {
      clock.mockRestore();
      stop.abort();
      await ended;
    }
  });

  test("starts without storage: alive, not ready, and no value claimed", async () => {
    const port = await freePort();
    const nowhere = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/a;`;
    await serve(port, { BACKUP_STORE_CONNECTION_STRING: nowhere });
    expect((await get(port, "/readyz")).status).toBe(503);
    const found = samples((await get(port, "/metrics")).text);
    expect([...found.keys()].sort()).toEqual([
      `pgbackup_objective_seconds{kind="rpo"}`,
      `pgbackup_objective_seconds{kind="rto"}`,
      "pgbackup_store_up",
    ]);
    expect(found.get("pgbackup_store_up")).toBe(0);
  });

  test("wrong usage and an unreachable store end with 2 and 3", async () => {
    const usage = await recovery(["metrics", "--port", "70000"], env);
    expect(usage).toMatchObject({ code: 2 });
    expect(usage.stderr).toMatch(/expected a TCP port/);
    const taken = await recovery(["metrics", "--host", "127.0.0.1", "--port", `${azurite.port}`], env);
    expect(taken).toMatchObject({ code: 2 });
    expect(taken.stderr).toMatch(
      new RegExp(`--port ${azurite.port} on 127.0.0.1: cannot be listened on .EADDRINUSE`),
    );
    const missing = await verb(["metrics", "--once", "--json"], {
      ...env,
      BACKUP_CONTAINER_DAILY: "nowhere",
    });
    expect(missing).toMatchObject({ code: 3 });
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { exitCode: 3 } });
    expect(missing.stderr).toMatch(/container "nowhere" at 127\.0\.0\.1:\d+: the container does not exist/);
  });
});

test("runMetrics ends when its signal does", async () => {
  const stop = new AbortController();
  const running = runMetrics(
    settings,
    { host: "127.0.0.1", port: 0, interval: 60 },
    { ...context(), signal: stop.signal },
  );
  setTimeout(() => stop.abort(), 200);
  await expect(running).resolves.toBeUndefined();
});
