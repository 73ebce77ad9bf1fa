import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "pg";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runStatus } from "../../apps/recovery/commands/status";
import { runVerify } from "../../apps/recovery/commands/verify";
import { compareRestored } from "../../apps/recovery/compareRestored";
import { decode, encode, seal } from "../../apps/recovery/document";
import { Ladder } from "../../apps/recovery/ladder";
import { parseInstantOption } from "../../apps/recovery/parse";
import { amcheck } from "../../apps/recovery/postgres/amcheck";
import { withClient } from "../../apps/recovery/postgres/connect";
import { startScratchServer } from "../../apps/recovery/postgres/scratch";
import { parseServerUrl, withDatabase } from "../../apps/recovery/postgres/connection";
import { findProgram } from "../../packages/programs/postgres";
import { Stages } from "../../apps/recovery/stages";
import { readCatalogue, select, summarise } from "../../apps/recovery/store/catalogue";
import { openStore } from "../../apps/recovery/store/open";
import {
  manifestSchema,
  type CheckResult,
  type Manifest,
  type VerifyReport,
} from "../../apps/recovery/types";
import { makeBackup } from "../support/backup";
import { randomOf, SEED } from "../support/random";
import { cleanEnvironment, recovery, root, verb } from "../support/recoveryCli";
import { until } from "../support/until";
import {
  createEveryKind,
  labContext,
  startPlatformLab,
  type PlatformLab,
  type LabStore,
} from "../support/recoveryLab";

let lab: PlatformLab;
let store: LabStore;
let manifest: Manifest;
let scratch: string;

beforeAll(async () => {
  lab = await startPlatformLab();
  scratch = mkdtempSync(path.join(tmpdir(), "verify-"));
  // The throwaway server runs as another user when the tests run as root.
  chmodSync(scratch, 0o711);
  await createEveryKind(lab, "app");
  await lab.sql(
    "app",
    "CREATE TABLE left_one AS SELECT * FROM animal; CREATE TABLE right_one AS SELECT 9 AS id, 'dog' AS name",
  );
  store = await lab.store("backup", "app", { SCRATCH_DIR: scratch });
  manifest = await backUp(store);
});
afterAll(async () => {
  await lab.stop();
  rmSync(scratch, { recursive: true });
});
afterEach(() => expect(readdirSync(scratch)).toEqual([]));

async function backUp(to: LabStore): Promise<Manifest> {
  return (await makeBackup(to.settings)).manifest;
}

const failed = (checks: CheckResult[]) =>
  checks.filter(({ status }) => status === "FAIL").map(({ id }) => id);

describe("verify", () => {
  test("proves a backup of every kind of object, marks the catalogue, and leaves nothing behind", async () => {
    const run = await recovery(["verify", manifest.id, "--json"], store.env);
    const report = JSON.parse(run.stdout) as VerifyReport;
    expect(failed(report.checks)).toEqual([]);
    expect(report).toMatchObject({ id: manifest.id, verdict: "PASS" });
    expect(run.code).toBe(0);
    expect(new Set(report.checks.map(({ level }) => level))).toEqual(
      new Set(["L0", "L1", "L2", "L3", "L4", "L5"]),
    );
    expect(report.tables).toHaveLength(manifest.tables.length);
    expect(report.tables).toContainEqual({ name: "public.ragged", rows: 6900, match: true });
    expect(report.tables.every(({ match }) => match)).toBe(true);

    const list = await verb(["list", "--json"], store.env);
    expect(JSON.parse(list.stdout)).toMatchObject([
      { id: manifest.id, verification: { verdict: "PASS", through: "L6" } },
    ]);
    expect((await verb(["status", "--json"], store.env)).code).toBe(0);
  });

  test("proves the snapshot, whatever is written while the backup runs", async () => {
    await lab.createDatabase("busy");
    await lab.sql(
      "busy",
      "CREATE TABLE account AS SELECT g AS id, 0 AS balance, repeat('x', 100) AS filler FROM generate_series(1, 60000) g; CREATE INDEX ON account (id); CREATE TABLE log (id serial, what text)",
    );
    const busy = await lab.store("backup", "busy", { SCRATCH_DIR: scratch });
    let writing = true;
    let writes = 0;
    const writer = async () => {
      const client = new Client({ connectionString: lab.server.url("migration", "busy") });
      await client.connect();
      while (writing) {
        await client.query("UPDATE account SET balance = balance + 1 WHERE id = $1", [
          (1 + writes * 7919) % 60000,
        ]);
        await client.query("INSERT INTO log (what) VALUES ('write')");
        writes += 1;
      }
      await client.end();
    };
    const writers = [writer(), writer()];
    await until("both write", () => writes > 20);
    const before = writes;
    const backedUp = await backUp(busy);
    expect(writes).toBeGreaterThan(before);
    const after = writes;
    await until("the writers go on", () => writes > after + 2);
    writing = false;
    await Promise.all(writers);
    const [live] = await lab.sql<{ count: string }>("busy", "SELECT count(*) FROM log");
    expect(Number(live?.count)).not.toBe(backedUp.tables.find(({ name }) => name === "public.log")?.rows);
    const report = await runVerify(busy.settings, { backup: { latest: true }, through: "L4" }, labContext());
    expect(failed(report.checks)).toEqual([]);
    expect(report.verdict).toBe("PASS");
  });

  test("asks the user's questions of the restored data", async () => {
    const file = path.join(scratch, "assertions.yaml");
    const sql =
      "select max(day) > (current_setting('recovery.snapshot_at')::timestamptz - interval '90 years') from measurement";
    writeFileSync(
      file,
      JSON.stringify([
        { id: "fresh", sql },
        { id: "wrong", sql: "select count(*) > 10 from animal" },
        { id: "broken", sql: "select nonsense" },
        { id: "many", sql: "select true from ragged" },
      ]),
    );
    const run = await verb(["verify", "--latest", "--assertions", file, "--json"], store.env);
    rmSync(file);
    const checks = (JSON.parse(run.stdout) as VerifyReport).checks.filter(({ level }) => level === "L6");
    expect(checks.map(({ id, status }) => `${id} ${status}`)).toEqual([
      "fresh PASS",
      "wrong FAIL",
      "broken FAIL",
      "many FAIL",
    ]);
    expect(run.code).toBe(1);
    expect(
      (await readCatalogue(await openStore(store.settings), store.settings))[0]?.verification?.verdict,
    ).toBe("FAIL");
    writeFileSync(file, "- id: x\n  query: select true\n");
    const bad = await verb(["verify", "--latest", "--assertions", file], store.env);
    rmSync(file);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toMatch(/assertions .*assertions\.yaml: 0\.sql: /);
  });
});

describe("level L4 on a restored database", () => {
  let copies = 0;
  async function compareAfter(change: string): Promise<CheckResult[]> {
    const name = `copy_${(copies += 1)}`;
    await lab.createDatabase(name, "TEMPLATE restored");
    await lab.server.sql(lab.server.administrator, change, name);
    const context = labContext();
    const ladder = new Ladder("L4", context.signal);
    const server = parseServerUrl(lab.server.url(lab.server.administrator, name));
    await compareRestored(ladder, new Stages(context), () => ({ server, manifest }), {
      jobs: 2,
      signal: context.signal,
    });
    await lab.sql("postgres", `DROP DATABASE ${name}`);
    return ladder.checks;
  }

  test("each of these fails it: a changed, swapped or missing row, a missing table, a large object, a sequence", async () => {
    await runRestore(
      lab.restoring(store).settings,
      { backup: { id: manifest.id }, to: "restored" },
      labContext(),
    );
    expect(failed(await compareAfter("SELECT 1"))).toEqual([]);

    const changed = await compareAfter("UPDATE ragged SET body = 'x' WHERE id = 1");
    expect(failed(changed)).toEqual(["fingerprints"]);
    expect(changed.find(({ id }) => id === "fingerprints")?.actual).toBe(
      "public.ragged: 6900 rows, but with other content or in another order",
    );
    const swapped = await compareAfter(
      "WITH l AS (DELETE FROM left_one RETURNING *), r AS (DELETE FROM right_one RETURNING *), a AS (INSERT INTO left_one SELECT * FROM r) INSERT INTO right_one SELECT * FROM l",
    );
    expect(failed(swapped)).toEqual(["fingerprints"]);
    expect(swapped.find(({ id }) => id === "fingerprints")?.actual).toMatch(
      /left_one.*; .*right_one|right_one.*; .*left_one/,
    );
    const missing = await compareAfter(`DELETE FROM "Sales"."Order Line" WHERE "Id" = 77`);
    expect(missing.find(({ id }) => id === "fingerprints")?.actual).toBe(
      '"Sales"."Order Line": 3004 rows expected, 3003 found',
    );
    const dropped = await compareAfter("DROP TABLE bird");
    expect(failed(dropped)).toEqual(["object-counts", "fingerprints"]);
    expect(failed(await compareAfter("SELECT lo_put(70002, 5, 'x')"))).toEqual(["large-objects"]);
    expect(failed(await compareAfter("SELECT nextval('counter')"))).toEqual(["sequences"]);
    expect(failed(await compareAfter("ALTER FUNCTION twice(int) RENAME TO thrice"))).toEqual([
      "object-counts",
    ]);
    expect(failed(await compareAfter("DROP EXTENSION pg_trgm CASCADE"))).toContain("extensions");
  });

  test("amcheck finds an index that disagrees with its table", async () => {
    const { signal } = new AbortController();
    const throwaway = await startScratchServer({ wantedMajor: 0, directory: scratch, signal });
    try {
      await withClient(throwaway.server, (client) => client.query("CREATE DATABASE checked"));
      await throwaway.provision("checked", [], manifest.inventory);
      const server = withDatabase(throwaway.server, "checked");
      await withClient(server, (client) =>
        client.query(
          "CREATE FUNCTION public.f(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n'; CREATE TABLE public.t AS SELECT g AS n FROM generate_series(1, 100) g; CREATE INDEX ON public.t (public.f(n))",
        ),
      );
      const check = () => amcheck(findProgram("pg_amcheck"), server, 1, signal);
      expect((await check()).match).toBe(true);
      await withClient(server, (client) =>
        client.query(
          "CREATE OR REPLACE FUNCTION public.f(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + 1'",
        ),
      );
      expect(await check()).toMatchObject({
        match: false,
        actual: expect.stringContaining("lacks matching index tuple"),
      });
    } finally {
      await throwaway.stop();
    }
  });
});

describe("damage in the store", () => {
  async function withBlob(name: string, change: (bytes: Buffer) => Buffer, work: () => Promise<void>) {
    const blob = store.daily.getBlockBlobClient(name);
    const original = await blob.downloadToBuffer();
    const damaged = change(Buffer.from(original));
    await blob.upload(damaged, damaged.length);
    try {
      await work();
    } finally {
      await blob.upload(original, original.length);
    }
  }
  const flip = (share: number, bit: number) => (bytes: Buffer) => {
    const at = Math.floor(share * bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << bit);
    return bytes;
  };
  const manifestName = () => manifest.archive.blob.replace(/[^/]+$/, "manifest.json");
  const verdict = async (through: "L0" | "L1" = "L0") => {
    const options = { backup: { id: manifest.id }, through, record: false };
    return runVerify(store.settings, options, labContext());
  };

  test("a bit flipped at twenty random places of archive and manifest is always caught", async () => {
    const random = randomOf(SEED);
    for (let round = 0; round < 20; round += 1) {
      const [share, bit] = [random(), Math.floor(random() * 8)];
      const name = round % 3 === 0 ? manifestName() : manifest.archive.blob;
      await withBlob(name, flip(share, bit), async () => {
        const report = await verdict();
        expect({ name, share, bit, verdict: report.verdict }).toMatchObject({ verdict: "FAIL" });
      });
    }
    expect((await verdict("L1")).verdict).toBe("PASS");
  });

  test("a truncated, a replaced and a vanished archive fail; a damaged manifest fails list and status too", async () => {
    await withBlob(
      manifest.archive.blob,
      (bytes) => bytes.subarray(0, bytes.length / 2),
      async () => {
        const report = await verdict("L1");
        expect(failed(report.checks)).toEqual(["archive-digest"]);
        expect(report.checks.slice(2).every(({ status }) => status === "NOT_RUN")).toBe(true);
      },
    );
    await withBlob(
      manifest.archive.blob,
      () => Buffer.alloc(20),
      async () => expect((await verdict()).verdict).toBe("FAIL"),
    );

    const gone = await lab.store("backup", "app", { SCRATCH_DIR: scratch });
    const lost = await backUp(gone);
    await gone.daily.getBlobClient(lost.archive.blob).delete();
    const report = await runVerify(gone.settings, { backup: { id: lost.id } }, labContext());
    expect(report.checks.find(({ id }) => id === "archive-digest")).toMatchObject({
      status: "FAIL",
      actual: expect.stringContaining("is missing"),
    });

    await withBlob(manifestName(), flip(0.5, 0), async () => {
      const list = await verb(["list", "--json"], store.env);
      expect(list.code).toBe(1);
      expect(list.stderr).toContain(`damaged backup ${manifest.id} in target primary: the manifest`);
      expect(JSON.parse(list.stdout)).toEqual([]);
      const [status] = await runStatus(store.settings, {}, labContext());
      expect(status).toMatchObject({ ok: false, newest: null });
    });
  });

  test("a manifest that lies about a table is contradicted by the archive", async () => {
    const lie = (bytes: Buffer) => {
      const { digest, ...rest } = decode(manifestSchema, bytes.toString());
      const tables = rest.tables.map((table) =>
        table.name === "public.bird" ? { ...table, sha256: digest } : table,
      );
      return Buffer.from(encode(seal({ ...rest, tables })));
    };
    await withBlob(manifestName(), lie, async () => {
      const report = await verdict("L1");
      expect(report.checks.find(({ id }) => id === "archive-content")).toMatchObject({
        status: "FAIL",
        actual: "table public.bird has other content in the archive",
      });
    });
  });
});

describe("what could not run is NOT_RUN, and never passes", () => {
  test("no scratch server: exit code 3, and the backup does not count as verified", async () => {
    const fresh = await lab.store("backup", "app", { SCRATCH_DIR: scratch });
    const backup = await backUp(fresh);
    const unreachable = { ...fresh.env, SCRATCH_DATABASE_URL: "postgresql://nobody@127.0.0.1:1/postgres" };
    const run = await verb(["verify", "--latest", "--json"], unreachable);
    expect(run.code).toBe(3);
    const report = JSON.parse(run.stdout) as VerifyReport;
    expect(report.verdict).toBe("NOT_RUN");
    expect(report.checks.find(({ id }) => id === "restore")).toMatchObject({
      status: "NOT_RUN",
      actual: expect.stringContaining("nobody listens there"),
    });
    expect(
      report.checks.filter(({ level }) => level > "L2").every(({ status }) => status === "NOT_RUN"),
    ).toBe(true);
    expect(report.tables).toEqual([]);
    const [status] = await runStatus(fresh.settings, {}, labContext());
    expect(status).toMatchObject({ ok: false, newest: { id: backup.id }, newestVerified: null });
  });

  test("a scratch server that is named is used, and the scratch database is dropped", async () => {
    const named = await lab.store("backup", "app", {
      SCRATCH_DIR: scratch,
      SCRATCH_DATABASE_URL: lab.server.url(lab.server.administrator, "postgres"),
    });
    await backUp(named);
    // Without superuser the pages of tables and indexes cannot be checked, which says nothing about the backup.
    const whole = await runVerify(named.settings, { backup: { latest: true } }, labContext());
    expect(failed(whole.checks)).toEqual([]);
    expect(whole.verdict).toBe("NOT_RUN");
    expect(whole.checks.find(({ id }) => id === "amcheck")).toMatchObject({
      status: "NOT_RUN",
      actual: expect.stringMatching(/"forma3dadmin" may not run the functions of amcheck.*--through L4/),
    });
    const options = { backup: { latest: true as const }, through: "L4" as const };
    const report = await runVerify(named.settings, options, labContext());
    expect(failed(report.checks)).toEqual([]);
    expect(report).toMatchObject({ verdict: "PASS", scratch: { kind: "url" } });
    expect(await lab.sql("postgres", "SELECT FROM pg_database WHERE datname LIKE 'verify%'")).toEqual([]);
  });

  test("a scratch volume that is too small, and one that fills up", async () => {
    const huge = (bytes: Buffer) => {
      const { digest: _, ...rest } = decode(manifestSchema, bytes.toString());
      return Buffer.from(encode(seal({ ...rest, rawBytes: 2 ** 50 })));
    };
    const blob = store.daily.getBlockBlobClient(manifest.archive.blob.replace(/[^/]+$/, "manifest.json"));
    const original = await blob.downloadToBuffer();
    const claimed = huge(original);
    await blob.upload(claimed, claimed.length);
    const early = await runVerify(
      store.settings,
      { backup: { id: manifest.id }, record: false },
      labContext(),
    );
    await blob.upload(original, original.length);
    expect(early.verdict).toBe("NOT_RUN");
    expect(early.checks[1]?.actual).toMatch(/the verification needs 1024\.0 TiB in .* are free/);

    // A limit on file size stops a write in its middle, as a full disk does. In blocks of 512 or 1024 bytes.
    await recovery(["--help"], {}); // makes the bundle, which is too large for the limit itself
    const limited = async (blocks: number) => {
      const command = `ulimit -f ${blocks}; exec "$0" packages/command/run.mjs apps/recovery/cli.ts verify ${manifest.id} --json`;
      const child = spawn("/bin/sh", ["-c", command, process.execPath], {
        cwd: root,
        env: cleanEnvironment(store.env),
      });
      let stdout = "";
      child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
      const code = await new Promise((resolve) => child.once("close", resolve));
      return { code, report: JSON.parse(stdout) as VerifyReport };
    };
    const spool = await limited(300);
    expect(spool.code).toBe(3);
    expect(spool.report.checks.find(({ id }) => id === "archive-digest")).toMatchObject({
      status: "NOT_RUN",
      actual: expect.stringContaining("no space left"),
    });
  });

  test("a run out of time is TIMED_OUT, exit code 3", async () => {
    const report = await runVerify(
      store.settings,
      { backup: { id: manifest.id }, timeoutSeconds: 0.3, record: false },
      labContext(),
    );
    expect(report.verdict).toBe("TIMED_OUT");
    expect(report.checks.filter(({ status }) => status === "TIMED_OUT")).toHaveLength(1);
  });

  test.each(["data", "data/base/1", "data/global/pg_control"])(
    "a set-up of the scratch server ended when %s is there leaves no folder",
    async (made) => {
      const ended = new AbortController();
      const started = startScratchServer({ wantedMajor: 0, directory: scratch, signal: ended.signal });
      const refused = expect(started).rejects.toThrow("ended here");
      const there = () => readdirSync(scratch).some((folder) => existsSync(path.join(scratch, folder, made)));
      while (!there()) await new Promise((resolve) => setTimeout(resolve, 1));
      ended.abort(new Error("ended here"));
      await refused;
    },
  );

  test("missing programs are named with what to install", async () => {
    const run = await recovery(["backup"], { ...store.env, PATH: "/nonexistent" });
    expect(run.code).toBe(3);
    expect(run.stderr).toMatch(
      /error: zstd was found neither on PATH nor in the usual folders; install it: apt-get install zstd/,
    );
  });
});

/** Statements by which code of a backup would get at what is not its database's, each into or out of the folder. */
const waysOut = (folder: string): string[] => [
  `copy (select 1) to program 'touch ${folder}/program'`,
  `copy (select 1) to '${folder}/file'`,
  `select lo_export(lo_from_bytea(0, 'x'), '${folder}/object')`,
  "select lo_import('/etc/passwd')",
  "select pg_read_file('/proc/self/environ')",
  "select pg_ls_dir('/')",
  "select rolpassword from pg_authid",
  "set role postgres",
  "set session authorization postgres",
  "alter role current_user superuser",
  "grant pg_execute_server_program to current_user",
  "grant pg_read_server_files to current_user",
  "create role helper superuser",
  "alter system set archive_command = 'true'",
  "set session_preload_libraries = 'x'",
  "create function pg_temp.run(cstring) returns int language c as 'libc.so.6', 'system'",
  "create extension plpython3u",
  "create extension adminpack",
  "create event trigger mine on ddl_command_end execute function noticed()",
  "create subscription away connection 'host=localhost' publication p with (connect = false)",
  "alter function pg_catalog.now() owner to current_user",
  "create or replace function pg_catalog.now() returns timestamptz language sql as 'select null::timestamptz'",
  "create extension dblink",
  `do $do$ begin create server files foreign data wrapper file_fdw;
     create foreign table content (line text) server files options (filename '/proc/self/environ');
     perform * from content; end $do$`,
];

test("code in a backup runs as nobody: no superuser, no program, no file, no other role, whatever it hangs on", async () => {
  const out = mkdtempSync(path.join(tmpdir(), "planted-"));
  chmodSync(out, 0o777);
  await lab.createDatabase("planted");
  const ways = waysOut(out).map((way) => `'${way.replaceAll("'", "''")}'`);
  // What only Microsoft could put there: who forges a backup is held back by no right of ours.
  await lab.server.asMicrosoft(
    `create extension file_fdw;
     create schema tried; grant usage on schema tried to backup;
     create function attack(place text) returns boolean language plpgsql as $$
       declare way text; got text[] := '{}';
       begin
         if current_database() = 'planted' then return true; end if;
         foreach way in array array[${ways.join(", ")}] loop
           begin execute way; got := got || way; exception when others then null; end;
         end loop;
         -- One each: what runs side by side must not meet.
         execute format('comment on table tried.%I is %L', place, array_to_string(got, '; '));
         return true;
       end $$;
     create function definer(place text) returns boolean security definer language plpgsql
       as 'begin return public.attack(place); end';
     create function still(place text, n int) returns int immutable language plpgsql
       as 'begin perform public.attack(place); return n; end';
     create function noticed() returns event_trigger language plpgsql as 'begin perform public.attack(''event''); end';
     create table tried.checked (n int check (public.attack('checked'))); insert into tried.checked values (1);
     create table tried.defined (n int check (public.definer('defined'))); insert into tried.defined values (1);
     create table tried.generated (n int, m int generated always as (public.still('generated', n)) stored);
     insert into tried.generated values (1);
     create table tried.indexed (n int); insert into tried.indexed values (1);
     create index on tried.indexed (public.still('indexed', n));
     create domain limited as int check (public.attack('limited'));
     create table tried.limited (n limited); insert into tried.limited values (1);
     create table tried.refreshed (n int);
     create materialized view refreshed as select public.still('refreshed', 1);
     create table tried.event (n int);
     create event trigger every on ddl_command_end execute function noticed();
     alter event trigger every enable always;
     create event trigger entering on login execute function noticed();
     alter event trigger entering enable always;
     create publication everything for all tables;
     grant select on all tables in schema tried to backup`,
    "planted",
  );
  const planted = lab.as(store, "backup", "planted");
  const { id } = await backUp(planted);
  const sql =
    "select string_agg(format('%s: %s', relname, obj_description(oid, 'pg_class')), ', ' order by relname) from pg_class where relkind = 'r' and relnamespace = 'tried'::regnamespace";
  try {
    const report = await runVerify(
      planted.settings,
      { backup: { id }, assertions: [{ id: "what-they-got", sql }] },
      labContext(),
    );
    expect(readdirSync(out)).toEqual([]);
    expect(report.checks.find(({ level }) => level === "L6")?.actual).toBe(
      "checked: , defined: , event: , generated: , indexed: , limited: , refreshed: ",
    );
    expect(failed(report.checks)).toEqual(["what-they-got"]);
    expect(report.checks.find(({ id: check }) => check === "restore")).toMatchObject({
      status: "PASS",
      actual: expect.stringMatching(
        /but for what only a superuser may create: publication everything, event-trigger entering, event-trigger every$/,
      ) as string,
    });
  } finally {
    rmSync(out, { recursive: true });
  }
});

test("the newest, a random recent one, the newest before an instant: the backup that is meant is chosen", () => {
  const entry = (id: string, verdict?: "FAIL") => ({
    id,
    container: "daily",
    blob: "",
    database: id.split("-")[0] as string,
    tier: "daily" as const,
    manifest: summarise(manifest),
    verification: verdict ? { verdict, at: "", through: "L6" as const, report: "" } : null,
  });
  const [minute, exact] = ["2026-02-05T15:30+01:00", "2026-02-05T14:30:00.000Z"].map(parseInstantOption);
  expect(minute).toEqual(exact);
  // Days that JavaScript takes for one of the next month, and times of nobody knows where.
  for (const text of ["2026-02-30T00:00:00Z", "2026-09-31T00:00:00Z", "2026-10-25T02:30:00", "2026-10-25"])
    expect(() => parseInstantOption(text)).toThrow("expected an instant with its time zone");
  const catalogue = [
    entry("app-daily-20260210T030000000Z-aaaa", "FAIL"),
    entry("shop-daily-20260209T040000000Z-bbbb"),
    entry("app-daily-20260209T030000000Z-cccc"),
    entry("app-daily-20260101T030000000Z-dddd"),
  ];
  const now = new Date("2026-02-10T12:00:00Z");
  const pick = (selector: Parameters<typeof select>[1], random = 0) =>
    select(catalogue, selector, now, () => random).id.slice(-4);
  expect(pick({ latest: true })).toBe("aaaa");
  expect(pick({ latest: true, database: "shop" })).toBe("bbbb");
  expect(pick({ randomWithinSeconds: 7 * 86_400 }, 0)).toBe("aaaa");
  expect(pick({ randomWithinSeconds: 7 * 86_400 }, 0.99)).toBe("cccc");
  // The newest one failed verification: a restore by time goes back to the one before.
  expect(pick({ at: now, database: "app" })).toBe("cccc");
  expect(pick({ at: new Date("2026-02-01T00:00:00Z") })).toBe("dddd");
  expect(() => pick({ at: new Date("2025-12-31T00:00:00Z") })).toThrow(
    /no backup was taken at or before 2025-12-31.*oldest is app-daily-20260101/,
  );
  expect(() => pick({ id: "nope" })).toThrow(/no backup "nope" in the catalogue/);
  expect(() => pick({ randomWithinSeconds: 3_600 })).toThrow(/no backup was taken since/);
});
