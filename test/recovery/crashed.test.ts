import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runVerify } from "../../apps/recovery/commands/verify";
import type { Manifest } from "../../apps/recovery/types";
import { makeBackup } from "../support/backup";
import { cleanEnvironment, root, verb } from "../support/recoveryCli";
import { labContext, startPlatformLab, type LabStore, type PlatformLab } from "../support/recoveryLab";
import { until } from "../support/until";

let lab: PlatformLab;
let store: LabStore;
let manifest: Manifest;
let folder: string;
beforeAll(async () => {
  lab = await startPlatformLab();
  await lab.server.sql(
    "migration",
    `create table noise as select n as id, md5(n::text) || md5((-n)::text) as body from generate_series(1, 150000) n;
     create index on noise (body)`,
  );
  folder = mkdtempSync(path.join(tmpdir(), "crashed-"));
  store = await lab.store("backup", undefined, { SCRATCH_DIR: folder });
  ({ manifest } = await makeBackup(store.settings));
});
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const administrator = () => lab.as(store, lab.server.administrator);
const databases = async (like: string) =>
  (
    await lab.server.sql<{ name: string }>(
      lab.server.administrator,
      `select datname as name from pg_database where datname like '${like}' order by 1`,
      "postgres",
    )
  ).map(({ name }) => name);
const rows = async (database: string) =>
  (await lab.server.sql<{ n: number }>("backup", "select count(*)::int as n from noise", database))[0]?.n;

/** A file loses its name before anything is written to it: killed between the two, an empty one stays. */
const leftBehind = () => readdirSync(folder).filter((name) => statSync(path.join(folder, name)).size > 0);

/** Begins a verb in a process of its own; `ended` is its exit code. */
function started(args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, ["packages/command/run.mjs", "apps/recovery/cli.ts", ...args], {
    cwd: root,
    env: cleanEnvironment(env),
    stdio: "ignore",
  });
  return { child, ended: new Promise((resolve) => child.once("close", resolve)) };
}

/** Begins a verb and kills it, as the kernel does when memory is short, once something is there. */
async function killed(
  args: string[],
  env: Record<string, string>,
  when: () => Promise<boolean>,
): Promise<void> {
  const { child, ended } = started(args, env);
  await until(args.join(" "), when);
  child.kill("SIGKILL");
  await ended;
}

const loading = (like: string) => async () => {
  const [name] = await databases(like);
  if (!name) return false;
  const [found] = await lab.server
    .asMicrosoft<{ bytes: number }>(
      "select coalesce(sum(pg_relation_size(oid)), 0)::int as bytes from pg_class where relname = 'noise'",
      name,
    )
    .catch(() => []);
  return (found?.bytes ?? 0) > 100_000;
};

test("a restore that is killed leaves nothing under the final name and nothing on the disk, and the next drops its rest", async () => {
  await killed(["restore", manifest.id, "--to", "back"], administrator().env, loading("back\\_restore\\_%"));
  expect(await databases("back")).toEqual([]);
  expect(leftBehind()).toEqual([]);

  const run = await verb(["restore", manifest.id, "--to", "other"], administrator().env);
  expect(run.code).toBe(0);
  expect(run.stderr).toMatch(/database "back_restore_\w+", left by a run that was killed, was dropped/);
  expect(run.stderr).toMatch(/role "recovery_\w+", left by a run that was killed, was dropped/);
  expect(
    await lab.server.sql(
      lab.server.administrator,
      "select from pg_roles where rolname like 'recovery%'",
      "postgres",
    ),
  ).toEqual([]);
  expect(await databases("%\\_restore\\_%")).toEqual([]);
  expect(await rows("other")).toBe(150_000);
});

test("a server that comes down under a restore is named as the cause, and what was begun is dropped once it is up", async () => {
  const { settings } = administrator();
  const restored = runRestore(settings, { backup: { id: manifest.id }, to: "cut" }, labContext());
  const said = restored.then(
    () => "it was restored",
    (error: Error) => error.message,
  );
  await until("its database is there", async () => (await databases("cut\\_restore\\_%")).length > 0);
  // It gets its final name in this table: held until the server comes down, the restore cannot end before.
  const held = lab.server
    .asMicrosoft(
      "begin; lock table pg_catalog.pg_database in share row exclusive mode; select pg_sleep(600)",
      "postgres",
    )
    .catch(() => []);
  await until("the rows come", loading("cut\\_restore\\_%"));
  // One process that dies takes all others with it: the server begins again from its log.
  const [checkpointer] = await lab.server.asMicrosoft<{ pid: number }>(
    "select pid from pg_stat_activity where backend_type = 'checkpointer'",
    "postgres",
  );
  if (!checkpointer) throw new Error("the server has no checkpointer");
  process.kill(checkpointer.pid, "SIGKILL");
  await held;
  // Another part of it may have asked for a session of its own just then.
  expect(await said).toMatch(
    /the connection to .* was lost|recovery mode|not yet accepting connections|terminated unexpectedly/,
  );
  expect(await databases("cut%")).toEqual([]);
});

test("whenever it is killed, the database that is replaced is there, whole, as it was or as it is to be", async () => {
  await lab.server.createDatabase("live");
  lab.server.makeRoles("live");
  await lab.server.sql("migration", "create table noise as select 1 as id", "live");
  const args = ["restore", manifest.id, "--to", "live", "--replace", "--confirm", "live"];
  await killed(args, administrator().env, loading("live\\_restore\\_%"));
  expect(await rows("live")).toBe(1);
  const run = await verb(args, administrator().env);
  expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("was dropped")]);
  expect(await rows("live")).toBe(150_000);
});

test("two at once to the same database: the second does nothing and ends with exit code 4", async () => {
  const { env } = administrator();
  const first = started(["restore", manifest.id, "--to", "both"], env);
  await until("the first begins", async () => (await databases("both\\_restore\\_%")).length > 0);
  // Held where it is: the second would otherwise find a finished one on a fast machine.
  first.child.kill("SIGSTOP");
  const second = await verb(["restore", manifest.id, "--to", "both"], env);
  first.child.kill("SIGCONT");
  expect([second.code, second.stderr]).toEqual([4, expect.stringMatching(/another run restores to "both"/)]);
  expect(await first.ended).toBe(0);
  expect(await databases("both%")).toEqual(["both"]);
});

test("an empty database keeps what its owner prepared in it, and nothing of it is lost when the restore is", async () => {
  const { administrator: dba } = lab.server;
  await lab.server.createDatabase("vacant");
  await lab.server.sql(dba, "create extension citext; comment on database vacant is 'prepared'", "vacant");
  await killed(
    ["restore", manifest.id, "--to", "vacant"],
    administrator().env,
    loading("vacant\\_restore\\_%"),
  );
  expect(
    await lab.server.sql(dba, "select extname from pg_extension where extname = 'citext'", "vacant"),
  ).toHaveLength(1);
  const { settings } = administrator();
  const result = await runRestore(settings, { backup: { id: manifest.id }, to: "vacant" }, labContext());
  expect(result).toMatchObject({ database: "vacant", fingerprints: "match" });
  expect(
    await lab.server.sql(
      dba,
      `select extname, shobj_description(d.oid, 'pg_database') as comment from pg_extension, pg_database d
       where extname = 'citext' and datname = current_database()`,
      "vacant",
    ),
  ).toEqual([{ extname: "citext", comment: "prepared" }]);
  expect(await databases("vacant%")).toEqual(["vacant"]);
});

test("a verification that is killed leaves a scratch database that the next one drops", async () => {
  const scratch = { SCRATCH_DATABASE_URL: lab.server.url(lab.server.administrator, "postgres") };
  const proving = lab.as(store, "backup", undefined, scratch);
  await killed(["verify", manifest.id, "--through", "L4"], proving.env, loading("verify\\_%"));
  expect(leftBehind()).toEqual([]);
  const report = await runVerify(
    proving.settings,
    { backup: { id: manifest.id }, through: "L4" },
    labContext(),
  );
  expect(report.verdict).toBe("PASS");
  expect(await databases("verify\\_%")).toEqual([]);
});

test("what may not be put in place is refused before anything is done", async () => {
  await lab.server.asMicrosoft("create database theirs");
  const theirs = await verb(["restore", manifest.id, "--to", "theirs"], administrator().env);
  expect([theirs.code, theirs.stderr]).toEqual([
    2,
    expect.stringMatching(
      /--to theirs: the database belongs to "azuresu", for whom role "forma3dadmin" may not act/,
    ),
  ]);
  const reader = await verb(["restore", manifest.id, "--to", "mine"], store.env);
  expect([reader.code, reader.stderr]).toEqual([
    2,
    expect.stringMatching(/--to mine: role "backup" may not create databases/),
  ]);
});
