import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { runBackup } from "../../apps/recovery/commands/backup";
import { runLiveDrill } from "../../apps/recovery/commands/drill";
import { verifyEvidence } from "../../apps/recovery/commands/evidence";
import { recover } from "../../apps/recovery/drill/recover";
import type { DrillReport } from "../../apps/recovery/drill/report";
import type { RunContext } from "../../apps/recovery/context";
import { plantDamagedBackup } from "../../apps/recovery/drill/damage";
import { silent } from "../../apps/recovery/progress";
import { loadSettings } from "../../apps/recovery/settings";
import { Stages } from "../../apps/recovery/stages";
import { openStore } from "../../apps/recovery/store/open";
import type { Manifest } from "../../apps/recovery/types";
import { startAzurite, type LocalAzurite } from "../../packages/local-servers/azurite";
import { NOTHING, ownTemporaryFolder } from "../support/leftovers";
import { containerEvidence, startPlatformLab, type PlatformLab } from "../support/recoveryLab";
import { cleanEnvironment, recovery, root, run, verb } from "../support/recoveryCli";
import { localDrill } from "./localDrill";

// Whole drills on real servers: on a busy machine one of ten seconds takes minutes.
jest.setTimeout(240_000);

describe("npm run drill", () => {
  const drill = localDrill();

  test("what cannot be run is NOT_RUN and says what to install; wrong usage is refused", async () => {
    const only = ["--out", drill.out, "--scenario", "backup-only", "--orders", "1000"];
    const without = (PATH: string) =>
      run(["packages/command/run.mjs", "apps/rehearsal/drill.ts", ...only], {
        TMPDIR: drill.temporary.folder,
        PATH,
      });
    const bare = await without("/nonexistent");
    expect(bare.code).toBe(3);
    expect(bare.stderr).toMatch(/error: openssl was not found on PATH; install it: apt-get install openssl/);
    const few = path.join(drill.out, "programs");
    fs.mkdirSync(few);
    for (const name of ["openssl", "cp"])
      fs.symlinkSync(
        execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(),
        path.join(few, name),
      );
    const missing = await without(few);
    expect(missing.code).toBe(3);
    expect(missing.stdout).toMatch(/NOT_RUN: zstd was found neither on PATH.*apt-get install zstd/);
    const usage = await drill.run("--scenario", "meteor");
    expect(usage.code).toBe(2);
    expect(usage.stderr).toMatch(/meteor: unknown; allowed: backup-only, accidental-deletion/);
    const help = await drill.run("--help");
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/Exit codes:\n\s+0\s+done and proved/);
    expect(drill.temporary.leftovers()).toEqual(NOTHING);
  });
});

describe("recovery drill on a live environment", () => {
  let lab: PlatformLab;
  let azurite: LocalAzurite;
  let geo: LocalAzurite;
  let number = 0;
  let env: Record<string, string>;
  const containers = () => {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    return {
      daily: service.getContainerClient(env.BACKUP_CONTAINER_DAILY ?? ""),
      evidence: service.getContainerClient(env.BACKUP_CONTAINER_EVIDENCE ?? ""),
    };
  };
  const settings = () => loadSettings(env, ["database", "store"]);
  const context = (): RunContext => ({
    progress: silent,
    signal: new AbortController().signal,
    now: () => new Date(),
  });
  const flags = { trigger: "manual" as const, operator: "test" };
  const names = async (container: ContainerClient) => {
    const found: string[] = [];
    for await (const { name } of container.listBlobsFlat()) found.push(name);
    return found.sort();
  };
  const sql = (text: string) => lab.sql(`app${number}`, text);
  /** Where it is not tried how a throwaway server of the drill's own comes and goes, which takes longer than the drill. */
  const onTheServer = () =>
    Object.assign(env, { SCRATCH_DATABASE_URL: lab.server.url(lab.server.administrator, "postgres") });
  const backUp = async (): Promise<Manifest> => {
    const [outcome] = await runBackup(settings(), {}, context());
    if (!outcome || "error" in outcome) throw outcome?.error ?? new Error("no backup");
    return outcome.manifest;
  };

  beforeAll(async () => {
    [lab, geo] = await Promise.all([startPlatformLab(), startAzurite()]);
    ({ azurite } = lab);
  });
  afterAll(async () => {
    await Promise.all([lab?.stop(), geo?.stop()]);
  });
  beforeEach(async () => {
    number += 1;
    env = {
      DATABASE_URL: lab.server.url("backup", `app${number}`),
      ENVIRONMENT: "prod",
      BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
      BACKUP_CONTAINER_DAILY: `daily${number}`,
      BACKUP_CONTAINER_EVIDENCE: `evidence${number}`,
    };
    const { daily, evidence } = containers();
    await Promise.all([daily.create(), evidence.create()]);
    await lab.createDatabase(`app${number}`);
    await sql("create table orders as select n as id, md5(n::text) as note from generate_series(1, 1000) n");
  });

  test("leaves database and catalogue as they are, and proves what the newest backup is worth", async () => {
    const manifest = await backUp();
    const { daily, evidence } = containers();
    const before = await names(daily);
    const { code, stdout, stderr } = await recovery(["drill", "--trigger", "schedule", "--json"], env);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout) as DrillReport;
    expect(report).toMatchObject({ environment: "prod", trigger: "schedule", verdict: { overall: "PASS" } });
    expect(report.scenarios.map(({ id }) => id)).toEqual([
      "backup-only",
      "accidental-deletion",
      "corrupted-newest",
    ]);
    expect(report.scenarios[0]).toMatchObject({
      backup: { id: manifest.id, sha256: manifest.sha256 },
      measured: { rpoMethod: "snapshot" },
      tables: [{ name: "public.orders", rows: 1000, match: true }],
    });
    expect(report.notExercised).toContainEqual(
      expect.objectContaining({
        id: "region-loss",
        reason: expect.stringMatching(/BACKUP_STORE_SECONDARY_URL/),
      }),
    );
    expect(await names(daily)).toEqual(before);
    expect(await names(evidence)).toEqual(
      ["html", "json", "junit.xml", "md"].map((end) => `drills/prod/000001.${end}`),
    );
    expect(await sql("select count(*)::int as n from orders")).toEqual([{ n: 1000 }]);
    const databases = await sql("select datname from pg_database where datname like 'drill%'");
    expect(databases).toEqual([]);
    expect(
      await verifyEvidence(await containerEvidence(azurite, env.BACKUP_CONTAINER_EVIDENCE ?? ""), "prod"),
    ).toMatchObject({ verdict: "PASS" });
  });

  test("recovers from the geo copy, and an old backup misses the RPO", async () => {
    onTheServer();
    await backUp();
    const copy = BlobServiceClient.fromConnectionString(geo.connectionString).getContainerClient(
      `daily${number}`,
    );
    await copy.create();
    const { daily } = containers();
    for (const name of await names(daily)) {
      await copy.getBlockBlobClient(name).uploadData(await daily.getBlobClient(name).downloadToBuffer());
    }
    env.BACKUP_STORE_SECONDARY_CONNECTION_STRING = geo.connectionString;
    // The first region's copy is gone: only the second can bring the data back.
    for (const name of await names(daily)) if (/archive/.test(name)) await daily.getBlobClient(name).delete();
    const passed = await runLiveDrill(settings(), { ...flags, scenario: ["region-loss"] }, context());
    expect(passed.report).toMatchObject({ verdict: { overall: "PASS", rpo: "met" } });
    expect(passed.report.scenarios[0]).toMatchObject({
      rpoObjective: "backup-age",
      targets: { rtoSeconds: 4 * 3_600, rpoSeconds: 26 * 3_600 },
    });
    const strict = { ...flags, scenario: ["region-loss" as const], rpo: 0.001, rto: 7_200 };
    const { report } = await runLiveDrill(settings(), strict, context());
    expect(report.verdict).toEqual({ rto: "met", rpo: "missed", integrity: "PASS", overall: "FAIL" });
    expect(report).toMatchObject({ sequence: 2, metrics: { drills: 2, drillsLastYear: 2 } });
    expect(report.metrics.mttrSeconds).toBe(passed.report.measured.rtoSeconds);
  });

  test("works on a given scratch server, as a role that may only create databases", async () => {
    await backUp();
    const role = `scratcher${number}`;
    for (const text of [
      `create role ${role} login createdb password 'scratch-password'; grant ${role} to current_user`,
      `create database home${number} owner ${role}`,
    ])
      await lab.sql("postgres", text);
    const home = new URL(lab.server.url("backup", `home${number}`));
    Object.assign(home, { username: role, password: "scratch-password" });
    env.SCRATCH_DATABASE_URL = home.href;
    const { report } = await runLiveDrill(settings(), flags, context());
    expect(report).toMatchObject({
      verdict: { overall: "PASS" },
      environmentNotes: { scratchKind: "server of SCRATCH_DATABASE_URL" },
    });
    expect(report.scenarios.map(({ verdict }) => verdict.overall)).toEqual(["PASS", "PASS", "PASS"]);
    expect(await sql("select datname from pg_database where datname like 'drill%'")).toEqual([]);
    env.SCRATCH_DATABASE_URL = env.SCRATCH_DATABASE_URL.replace("scratch-password", "another-password");
    await expect(runLiveDrill(settings(), flags, context())).rejects.toMatchObject({ exitCode: 3 });
  });

  test("falls back to the backup before a damaged one, and fails when all are damaged", async () => {
    onTheServer();
    const sound = await backUp();
    const damaged = await plantDamagedBackup(await openStore(settings()), sound, new Date());
    const only = { ...flags, scenario: ["backup-only" as const] };
    const { report } = await runLiveDrill(settings(), only, context());
    expect(report).toMatchObject({ verdict: { overall: "PASS" }, scenarios: [{ backup: { id: sound.id } }] });
    expect(report.scenarios[0]?.stages.map(({ name }) => name)).toContain(`refuse ${damaged}`);
    const { daily } = containers();
    await daily.getBlobClient(sound.archive.blob).delete();
    const failed = await runLiveDrill(settings(), only, context());
    expect(failed.report).toMatchObject({
      verdict: { rto: "not-measured", rpo: "not-measured", integrity: "FAIL", overall: "FAIL" },
      scenarios: [
        {
          backup: null,
          reason: expect.stringMatching(/^FAIL: none of 2 backups of app\d+ is usable; \S+: .+; \S+: /),
        },
      ],
    });
  });

  test("a server that is away while a backup is tried says nothing against the backup", async () => {
    const { id, database } = await backUp();
    const { server, ...from } = settings();
    if (!server) throw new Error("no server");
    const away = { ...server, port: 1 };
    const loss = { at: new Date(), from: { ...from, server }, database, target: away, maintenance: away };
    await expect(recover(loss, new Stages(context()), context())).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(
        `^whether ${id} is usable was not found out: cannot connect to PostgreSQL`,
      ),
    });
  });

  test("no backup at all is a failure, and what was asked for but cannot run is NOT_RUN", async () => {
    const none = await verb(["drill", "--scenario", "backup-only"], env);
    expect(none.code).toBe(1);
    expect(none.stdout).toMatch(/\(backup-only\): FAIL: there is no backup of app\d+ from before/);
    const geoless = await verb(["drill", "--scenario", "region-loss", "--json"], env);
    expect(geoless.code).toBe(3);
    expect(JSON.parse(geoless.stdout)).toMatchObject({ sequence: 2, verdict: { overall: "NOT_RUN" } });
    const usage = await recovery(["drill", "--rto", "4"], { ...env, RPO_TARGET: "soon" });
    expect(usage.code).toBe(2);
    await backUp();
    const late = await verb(["drill", "--timeout", "1s", "--json"], env);
    expect(late.code).toBe(3);
    expect(late.stdout).toMatch(/the time allowed was over/);
    const noPlace = await verb(["drill"], { ...env, BACKUP_CONTAINER_EVIDENCE: undefined });
    expect(noPlace.code).toBe(2);
    expect(noPlace.stderr).toMatch(/BACKUP_CONTAINER_EVIDENCE: missing/);
  });

  test("a scenario that takes longer than allowed is TIMED_OUT, in a report that is stored", async () => {
    onTheServer();
    await backUp();
    const over = new AbortController();
    const note = (message: string) => {
      if (message.startsWith("restore of ")) over.abort(new DOMException("over", "TimeoutError"));
    };
    const limited = { ...context(), progress: { ...silent, note }, signal: over.signal };
    const { report } = await runLiveDrill(settings(), { ...flags, scenario: ["backup-only"] }, limited);
    expect(report.verdict).toMatchObject({
      rto: "not-measured",
      integrity: "TIMED_OUT",
      overall: "TIMED_OUT",
    });
    expect(report.scenarios[0]?.reason).toBe("TIMED_OUT: the time allowed was over");
    expect(
      await verifyEvidence(await containerEvidence(azurite, env.BACKUP_CONTAINER_EVIDENCE ?? ""), "prod"),
    ).toMatchObject({ reports: 1 });
  });

  test("two at once do not measure each other; a killed one leaves nothing running", async () => {
    await backUp();
    const temporary = ownTemporaryFolder();
    const child = spawn(
      process.execPath,
      ["packages/command/run.mjs", "apps/recovery/cli.ts", "drill", "--json"],
      {
        cwd: root,
        env: cleanEnvironment({ ...env, TMPDIR: temporary.folder }),
      },
    );
    let stdout = "";
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    const started = new Promise<void>((resolve) =>
      child.stderr.on("data", (data: Buffer) => data.toString().includes("scenario ") && resolve()),
    );
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    await Promise.race([started, ended]);
    await expect(runLiveDrill(settings(), flags, context())).rejects.toMatchObject({ exitCode: 4 });
    child.kill("SIGTERM");
    const code = await ended;
    // Either it was interrupted, or it was done already; in neither case does anything stay.
    expect(code === 1 ? JSON.parse(stdout) : { error: { exitCode: 1 } }).toMatchObject({
      error: { exitCode: 1 },
    });
    expect(temporary.leftovers()).toEqual(NOTHING);
    fs.rmSync(temporary.folder, { recursive: true, force: true });
  });
});
