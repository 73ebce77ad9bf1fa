import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { runBackup } from "../../apps/recovery/commands/backup";
import { runList } from "../../apps/recovery/commands/list";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runVerify } from "../../apps/recovery/commands/verify";
import { findProgram, unprivilegedAccount } from "../../packages/programs/postgres";
import { connect, disconnect } from "../../apps/recovery/postgres/connect";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import type { Progress } from "../../apps/recovery/progress";
import { loadSettings } from "../../apps/recovery/settings";
import { AzureStore } from "../../apps/recovery/store/azure/client";
import { lockContainer } from "../../apps/recovery/store/containers";
import { takeLease } from "../../apps/recovery/store/lease";
import { lockBlob } from "../../apps/recovery/store/names";
import { writableAgain } from "../../apps/recovery/streams";
import type { Manifest, ManifestSummary, VerifyReport } from "../../apps/recovery/types";
import { startAzurite } from "../../packages/local-servers/azurite";
import { startPostgres } from "../../packages/local-servers/postgres";
import { startBlobProxy } from "../support/blobProxy";
import { cleanEnvironment, recovery, root, verb } from "../support/recoveryCli";
import { labContext, startPlatformLab, type PlatformLab, type LabStore } from "../support/recoveryLab";
import { startLink } from "../support/unreliableLink";
import { until } from "../support/until";

/** Points at which a backup is killed; ten on a pull request. */
const KILL_POINTS = Number(process.env.RECOVERY_KILL_POINTS ?? 4);

let lab: PlatformLab;
beforeAll(async () => {
  lab = await startPlatformLab({ settings: { max_prepared_transactions: "2" } });
  await lab.createDatabase("app");
  // About 17 MB of dump, most of a run's time in the middle of one COPY.
  await lab.sql(
    "app",
    "CREATE TABLE noise AS SELECT g AS id, md5(g::text) || md5((-g)::text) AS body FROM generate_series(1, 220000) g; CREATE TABLE small AS SELECT 1 AS n",
  );
});
afterAll(() => lab.stop());

const committed = async (store: LabStore) => {
  const names: string[] = [];
  for await (const { name } of store.daily.listBlobsFlat()) names.push(name);
  return names;
};
/** Manifests of the catalogue; a damaged backup in it fails the test. */
const backups = async ({ settings }: LabStore): Promise<ManifestSummary[]> => {
  const { backups: found, outages } = await runList(settings, {});
  expect(outages).toEqual([]);
  return found.map(({ held }) => {
    expect(held[0]?.entry).toMatchObject({ manifest: expect.any(Object) as object });
    return held[0]?.entry.manifest as ManifestSummary;
  });
};

function start(store: LabStore, env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(
    process.execPath,
    ["packages/command/run.mjs", "apps/recovery/cli.ts", "backup", "--json"],
    {
      cwd: root,
      env: cleanEnvironment({ ...store.env, ...env }),
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let stderr = "";
  let stdout = "";
  child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdout?.on("data", (data: Buffer) => (stdout += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const dumping = (async () => {
    while (!stderr.includes("dump app") && child.exitCode === null && child.signalCode === null)
      await sleep(5);
  })();
  return { child, ended, dumping, stderr: () => stderr, stdout: () => stdout };
}

/** A runner whose requests to the blob server are counted; it is killed before its nth one has any effect. */
async function startCounted(store: LabStore, killAt = Infinity) {
  const requests: string[] = [];
  const started: ReturnType<typeof start>[] = [];
  const refused = { answer: { status: 500, headers: {} } };
  const proxy = await startBlobProxy(lab.azurite.connectionString, ({ method, url }) => {
    if (requests.length >= killAt - 1) {
      for (const { child } of started) child.kill("SIGKILL");
      return refused;
    }
    requests.push(`${method ?? ""} ${url ?? ""}`);
    return undefined;
  });
  const run = start(store, { BACKUP_STORE_CONNECTION_STRING: proxy.connectionString });
  started.push(run);
  return { ...run, requests, stop: () => proxy.stop() };
}

test("kill -9 from the first request to beyond the last: the catalogue never lists a half backup, and the next run succeeds", async () => {
  const stores = await Promise.all(Array.from({ length: KILL_POINTS }, () => lab.store("backup", "app")));
  // One whole run tells what it asks of the blob server, and how much memory it needs.
  const whole = await startCounted(await lab.store("backup", "app"));
  let peakKib = 0;
  const memory = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${String(whole.child.pid)}/status`, "utf8");
      peakKib = Math.max(peakKib, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // Not Linux, or ended already.
    }
  }, 20);
  expect(await whole.ended).toBe(0);
  clearInterval(memory);
  await whole.stop();
  expect(peakKib).toBeLessThan(200 * 1024);
  const isManifest = (request: string) => /^PUT .*manifest\.json/.test(request);
  const last = whole.requests.findIndex(isManifest) + 1;
  expect(last).toBeGreaterThanOrEqual(KILL_POINTS / 2);

  const survivors: ManifestSummary[][] = [];
  for (const [index, store] of stores.entries()) {
    // From the first request to the manifest's and beyond it.
    const killAt = Math.ceil(((index + 1) / (KILL_POINTS - 1)) * last);
    const run = await startCounted(store, killAt);
    await run.ended;
    await run.stop();
    const list = await backups(store);
    survivors.push(list);
    expect([killAt, list.length]).toEqual([killAt, run.requests.some(isManifest) ? 1 : 0]);
  }
  expect(survivors.filter((list) => list.length === 0).length).toBeGreaterThanOrEqual(KILL_POINTS / 2);
  // A run that got as far as its manifest left a whole backup.
  for (const [index, list] of survivors.entries()) {
    for (const { id } of list) {
      const { settings } = stores[index] as LabStore;
      const report = await runVerify(
        settings,
        { backup: { id }, through: "L1", record: false },
        labContext(),
      );
      expect(report.verdict).toBe("PASS");
    }
  }
  // Side by side: each waits until the lease of the killed one has run out.
  await Promise.all(
    stores.map(async (store, index) => {
      const [outcome] = await runBackup(store.settings, {}, labContext());
      expect([index, outcome]).toEqual([
        index,
        expect.objectContaining({ manifest: expect.any(Object) as object }),
      ]);
      expect((await backups(store)).length).toBe((survivors[index]?.length ?? 0) + 1);
    }),
  );
  const sessions = () =>
    lab.sql(
      "postgres",
      "SELECT pid FROM pg_stat_activity WHERE datname = 'app' AND application_name = 'recovery'",
    );
  await until("every session has ended", async () => (await sessions()).length === 0);
}, 180_000);

test("SIGTERM: the lease is given back at once and nothing is committed", async () => {
  const store = await lab.store("backup", "app");
  const run = start(store);
  await run.dumping;
  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toContain("error: backup of");
  expect(run.stderr()).toContain("interrupted by SIGTERM; nothing was committed");
  expect(JSON.parse(run.stdout())).toMatchObject({ error: { exitCode: 1 } });
  expect(await committed(store)).toEqual([]);
  const next = await verb(["backup"], store.env);
  expect(next.code).toBe(0);
  expect(next.stderr).not.toContain("is taken");
});

test("two runs at once: one wins by the lease, the other does nothing and ends with exit code 4", async () => {
  const store = await lab.store("backup", "app");
  const runs = [start(store), start(store)];
  const codes = await Promise.all(runs.map(({ ended }) => ended));
  expect([...codes].sort()).toEqual([0, 4]);
  const loser = runs[codes.indexOf(4)];
  expect(loser?.stderr()).toMatch(/error: .*another run holds the lease .*; nothing was done/);
  expect(await backups(store)).toHaveLength(1);
});

test("against a live holder a run gives up; when its own lease is taken away it commits nothing", async () => {
  const store = await lab.store("backup", "app");
  const blobs = await AzureStore.open(lab.azurite);
  const container = lockContainer(store.settings);
  const name = lockBlob("test", "app");
  const held = await takeLease(blobs, container, name, labContext());
  // The clock jumps past the longest a dead run's lease can last: whoever still holds it is alive.
  let calls = 0;
  const hurried = labContext({ now: () => new Date(Date.now() + (calls++ > 0 ? 60_000 : 0)) });
  await expect(takeLease(blobs, container, name, hurried)).rejects.toMatchObject({ exitCode: 4 });
  await held.release();

  const lease = blobs.container(container).getBlobClient(name).getBlobLeaseClient();
  const progress: Progress = {
    note(message) {
      if (message.includes("starts")) void lease.breakLease(0);
    },
    stage() {},
    bytes() {},
    done() {},
  };
  const [outcome] = await runBackup(store.settings, {}, labContext({ progress }));
  expect(outcome).toMatchObject({
    error: { message: expect.stringContaining("the lease test/locks/app was lost") },
  });
  expect((await committed(store)).filter((blob) => !blob.includes("locks/"))).toEqual([]);
});

test("a backend killed in the middle of a dump: exit code 1, the reason, and no blob", async () => {
  const store = await lab.store("backup", "app");
  const busy = "application_name = 'recovery' AND state = 'active' AND query LIKE 'COPY public.noise%'";
  // Watched from inside the server: a COPY takes a fraction of a second, less than a connection from here.
  const killing = lab.sql(
    "postgres",
    `DO $$ DECLARE killed int := 0; BEGIN
       FOR attempt IN 1..20000 LOOP
         PERFORM pg_stat_clear_snapshot();
         SELECT count(pg_terminate_backend(pid)) INTO killed FROM pg_stat_activity WHERE ${busy};
         EXIT WHEN killed > 0;
         PERFORM pg_sleep(0.001);
       END LOOP;
       IF killed <> 1 THEN RAISE 'no COPY was seen'; END IF;
     END $$`,
  );
  const running = runBackup(store.settings, {}, labContext());
  await killing;
  const [outcome] = await running;
  expect(outcome).toMatchObject({
    error: { exitCode: 1, message: expect.stringMatching(/pg_dump failed .*terminating connection/) },
  });
  expect(await committed(store)).toEqual([]);
});

test("a blob server that goes away in the middle of an upload: exit code 1 and where", async () => {
  const azurite = await startAzurite();
  const store = await lab.store("backup", "app");
  const settings = loadSettings({ ...store.env, BACKUP_STORE_CONNECTION_STRING: azurite.connectionString }, [
    "database",
    "store",
  ]);
  await (await AzureStore.open(azurite)).service.createContainer(lockContainer(settings));
  let stopped: Promise<void> | undefined;
  const progress: Progress = {
    note() {},
    stage() {},
    bytes(total) {
      if (total > 8_000_000) stopped ??= azurite.stop();
    },
    done() {},
  };
  const [outcome] = await runBackup(settings, {}, labContext({ progress }));
  await stopped;
  expect(outcome).toMatchObject({
    error: {
      exitCode: 1,
      message: expect.stringMatching(/upload to container "daily-.*" at 127\.0\.0\.1:\d+: /),
    },
  });
});

test("a dump that stops moving is given up after the time allowed: exit code 1, no blob, and the lease is free", async () => {
  const store = await lab.store("backup", "app", { BACKUP_STALL_TIMEOUT: "10s" });
  const isDump = (pid: string): boolean => {
    try {
      const [, name, , parent] =
        /^\d+ \((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      return name === "pg_dump" && Number(parent) === process.pid;
    } catch {
      return false;
    }
  };
  let stopped: string[] = [];
  const progress: Progress = {
    note() {},
    stage() {},
    bytes(total) {
      if (total < 1_000_000 || stopped.length > 0) return;
      stopped = readdirSync("/proc").filter(isDump);
      for (const pid of stopped) process.kill(Number(pid), "SIGSTOP");
    },
    done() {},
  };
  const [outcome] = await runBackup(store.settings, {}, labContext({ progress }));
  expect(stopped).toHaveLength(1);
  expect(outcome).toMatchObject({
    error: { exitCode: 1, message: expect.stringMatching(/^backup of .*: no data for 10 s$/) },
  });
  expect((await committed(store)).filter((blob) => !blob.includes("locks/"))).toEqual([]);
  expect((await verb(["backup"], store.env)).code).toBe(0);
});

describe("a transaction that was prepared and never ended", () => {
  beforeAll(async () => {
    await lab.createDatabase("held");
    // Large values are looked for before anything is dumped.
    await lab.sql(
      "held",
      `CREATE TABLE large AS SELECT string_agg(md5(g::text), '') AS body FROM generate_series(1, 20000) g;
       CREATE TABLE small (id int); GRANT SELECT ON large, small TO backup`,
    );
  });
  afterEach(() => lab.sql("held", "ROLLBACK PREPARED 'forgotten'"));

  test.each(["large", "small"])(
    "and locks table %s ends a backup in the time allowed, by its name",
    async (table) => {
      await lab.sql("held", `BEGIN; LOCK TABLE ${table}; PREPARE TRANSACTION 'forgotten'`);
      const store = await lab.store("backup", "held", { BACKUP_STALL_TIMEOUT: "5s" });
      const [outcome] = await runBackup(store.settings, {}, labContext());
      const { message } = (outcome as { error: Error }).error;
      expect(message).toMatch(/(lock|statement) timeout/);
      expect(message).toContain(`; public.${table} is locked by prepared transaction 'forgotten'`);
    },
  );

  test("keeps a database from being replaced, which is said before anything is done", async () => {
    const store = await lab.store("backup", "held");
    const [outcome] = await runBackup(store.settings, {}, labContext());
    const { id } = (outcome as { manifest: Manifest }).manifest;
    await lab.sql("held", "BEGIN; INSERT INTO small VALUES (1); PREPARE TRANSACTION 'forgotten'");
    const to = { backup: { id }, to: "held", replace: "held" };
    await expect(runRestore(lab.restoring(store).settings, to, labContext())).rejects.toThrow(
      "--to held: it has prepared transaction 'forgotten': end it with COMMIT PREPARED or ROLLBACK PREPARED first",
    );
  });
});

test("a scratch server whose disk is full proves nothing about the backup: NOT_RUN, exit code 3", async () => {
  // As superuser: it stands for a scratch server of the runner's own.
  const full = await startPostgres();
  try {
    // No file may grow beyond 18 MB: enough for an empty server, too little for the largest table.
    execFileSync("prlimit", ["--pid", String(full.pid), "--fsize=18000000"], unprivilegedAccount());
    const store = await lab.store("backup", "app", { SCRATCH_DATABASE_URL: full.url });
    await runBackup(store.settings, {}, labContext());
    const run = await verb(["verify", "--latest", "--json"], store.env);
    const report = JSON.parse(run.stdout) as VerifyReport;
    expect([run.code, report.verdict]).toEqual([3, "NOT_RUN"]);
    expect(report.checks.find(({ id }) => id === "restore")).toMatchObject({
      status: "NOT_RUN",
      actual: expect.stringMatching(/the disk of .* is full: .*could not (extend|write)/),
    });
  } finally {
    await full.stop();
  }
});

describe("a dump program that misbehaves", () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(path.join(tmpdir(), "pg-dump-"))));
  afterAll(() => rmSync(directory, { recursive: true }));

  async function dumpWith(script: string) {
    const program = path.join(directory, "pg_dump");
    const real = findProgram("pg_dump").path;
    writeFileSync(
      program,
      `#!/bin/sh\nreal=${real}\n[ "$1" = --version ] && exec "$real" --version\n${script}\n`,
    );
    chmodSync(program, 0o755);
    const store = await lab.store("backup", "app", { PATH: `${directory}:${process.env.PATH ?? ""}` });
    const run = await recovery(["backup"], store.env);
    return { ...run, blobs: await committed(store) };
  }

  test("and only warns fails nothing", async () => {
    const run = await dumpWith(`echo 'pg_dump: warning: there is something to know' >&2; exec "$real" "$@"`);
    expect(run.code).toBe(0);
  });

  test("and ends early with exit code 0, or leaves a table out, commits nothing", async () => {
    const cut = await dumpWith(`"$real" "$@" | head -c 10000000; exit 0`);
    expect([cut.code, cut.stderr]).toEqual([
      1,
      expect.stringContaining("the dump is not whole: the archive ends in the middle (data of public.noise)"),
    ]);
    const partial = await dumpWith(`exec "$real" --exclude-table=small "$@"`);
    expect([partial.code, partial.stderr]).toEqual([
      1,
      expect.stringContaining("the dump leaves out table public.small"),
    ]);
    expect([...cut.blobs, ...partial.blobs]).toEqual([]);
  });
});

test("a server that has fallen silent keeps no session's end waiting, nor does a program that is gone", async () => {
  const link = await startLink(lab.server.port);
  const server = { ...parseServerUrl(lab.server.url("backup", "app")), port: link.port };
  try {
    const client = await connect(server);
    link.suffer({ kind: "silence", afterBytes: 0, direction: "to" });
    await disconnect(client);
  } finally {
    await link.stop();
  }
  const gone = new PassThrough();
  gone.destroy();
  await writableAgain(gone);
});
