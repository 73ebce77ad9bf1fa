import { spawn } from "node:child_process";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runVerify } from "../../apps/recovery/commands/verify";
import { withClient } from "../../apps/recovery/postgres/connect";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import { loadSettings } from "../../apps/recovery/settings";
import type { Manifest, RestoreResult } from "../../apps/recovery/types";
import { startPostgres } from "../../packages/local-servers/postgres";
import { productionPrograms } from "../../packages/local-servers/postgresPrograms";
import { makeBackup } from "../support/backup";
import { startBlobProxy } from "../support/blobProxy";
import { cleanEnvironment, recovery, root, verb } from "../support/recoveryCli";
import {
  createEveryKind,
  labContext,
  startPlatformLab,
  type PlatformLab,
  type LabStore,
} from "../support/recoveryLab";

let lab: PlatformLab;
let store: LabStore;
/** The same, seen as who restores. */
let own: LabStore;
let manifest: Manifest;

beforeAll(async () => {
  lab = await startPlatformLab();
  await createEveryKind(lab, "app");
  store = await lab.store("backup", "app");
  own = lab.restoring(store);
  manifest = await backUp(store);
});
afterAll(() => lab.stop());

async function backUp(from: LabStore, tier: "daily" | "monthly" = "daily"): Promise<Manifest> {
  return (await makeBackup(from.settings, { tier })).manifest;
}

const databases = async () =>
  (await lab.sql<{ datname: string }>("postgres", "SELECT datname FROM pg_database ORDER BY 1")).map(
    ({ datname }) => datname,
  );

describe("restore", () => {
  test("brings everything back into a new database and says what to do next", async () => {
    // What has changed since in the database in use is nothing a restore beside it touches.
    await lab.sql("postgres", "REVOKE CONNECT ON DATABASE app FROM monitoring");
    const rights = () => lab.sql("postgres", "SELECT datacl::text FROM pg_database WHERE datname = 'app'");
    const before = await rights();
    const run = await recovery(["restore", manifest.id, "--to", "back", "--json"], own.env);
    expect(await rights()).toEqual(before);
    expect(run.code).toBe(0);
    const result = JSON.parse(run.stdout) as RestoreResult;
    expect(result).toMatchObject({
      id: manifest.id,
      database: "back",
      fingerprints: "match",
      ownership: "kept",
      verdict: "PASS",
      warnings: [],
    });
    expect(result.checks.filter(({ id }) => id.startsWith("role-"))).toHaveLength(3);
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.stages.map(({ name }) => name)).toEqual([
      "locate",
      "download",
      "restore",
      "compare",
      "analyze",
      "rights",
      "roles",
      "switch",
    ]);
    expect(result.tables).toHaveLength(manifest.tables.length);
    expect(result.nextSteps.join(" ")).toMatch(
      /still works with its own database: "back" lies beside it.*stop the application and restore it there with --replace/,
    );

    const [row] = await lab.sql(
      "back",
      `SELECT (SELECT count(*) FROM measurement)::int AS parts, (SELECT sum(doubled) = sum(price) * 2 FROM "Sales"."Order Line") AS generated,
        (SELECT lines FROM totals)::int AS refreshed, (SELECT count(*) FROM ONLY animal)::int AS parents, (SELECT count(*) FROM animal)::int AS family,
        nextval('counter')::int AS next, convert_from(lo_get(70001), 'UTF8') AS object, (SELECT max(id) FROM audit) AS identity,
        (SELECT relpersistence FROM pg_class WHERE relname = 'session') AS unlogged`,
    );
    expect(row).toEqual({
      parts: 600,
      generated: true,
      refreshed: 3004,
      parents: 1,
      family: 2,
      next: 12,
      object: "first object",
      identity: 570,
      unlogged: "u",
    });
  });

  test("takes an existing database only when it is empty", async () => {
    await lab.createDatabase("vacant");
    const into = await runRestore(own.settings, { backup: { id: manifest.id }, to: "vacant" }, labContext());
    expect(into.fingerprints).toBe("match");

    await lab.createDatabase("handy");
    await lab.sql("handy", "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    const handy = runRestore(own.settings, { backup: { id: manifest.id }, to: "handy" }, labContext());
    await expect(handy).rejects.toThrow(/handy is not empty and was left as it is/);
    await lab.createDatabase("live");
    await lab.sql("live", "CREATE TABLE precious AS SELECT 1 AS n");
    for (const args of [[], ["--replace", "--confirm", "other"], ["--confirm", "live"]]) {
      const run = await verb(["restore", manifest.id, "--to", "live", ...args], own.env);
      expect([args, run.code]).toEqual([args, 2]);
      expect(run.stderr).toMatch(
        /error: (database localhost:\d+\/live is not empty and was left as it is|--replace: "other" was typed|--confirm goes with --replace)/,
      );
    }
    expect(await lab.sql("live", "SELECT n FROM precious")).toEqual([{ n: 1 }]);
    const reserved = await verb(["restore", manifest.id, "--to", "template1"], own.env);
    expect([reserved.code, reserved.stderr]).toEqual([
      2,
      expect.stringContaining("belongs to the server itself"),
    ]);
  });

  test("replaces a database whose name was typed, and keeps what was in it", async () => {
    const child = spawn(
      process.execPath,
      [
        "packages/command/run.mjs",
        "apps/recovery/cli.ts",
        "restore",
        manifest.id,
        "--to",
        "live",
        "--replace",
        "--json",
      ],
      {
        cwd: root,
        env: cleanEnvironment(own.env),
      },
    );
    child.stdin.end("live\n");
    let stdout = "";
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    const result = JSON.parse(stdout) as RestoreResult;
    expect(result).toMatchObject({ database: "live", fingerprints: "match" });
    expect(await lab.sql("live", "SELECT count(*)::int AS n FROM ragged")).toEqual([{ n: 6900 }]);
    expect(await lab.sql(result.previousDatabase ?? "", "SELECT n FROM precious")).toEqual([{ n: 1 }]);
    expect((await databases()).filter((name) => name.includes("_restore_"))).toEqual([]);
  });

  test("works when the database that DATABASE_URL names is the one that was lost", async () => {
    await lab.createDatabase("shop");
    await lab.sql("shop", "CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 10) g");
    const shop = await lab.store("backup", "shop");
    await backUp(shop);
    await lab.sql("postgres", "DROP DATABASE shop");
    const at = new Date(Date.now() + 1_000).toISOString();
    const run = await verb(["restore", "--at", at, "--to", "shop", "--json"], lab.restoring(shop).env);
    expect(run.code).toBe(0);
    const { nextSteps } = JSON.parse(run.stdout) as RestoreResult;
    expect(nextSteps).toEqual([
      expect.stringContaining("set database.restoredAt"),
      "Start the application again.",
      "Back up, and verify that backup.",
    ]);
    expect(await lab.sql("shop", "SELECT count(*)::int AS n FROM orders")).toEqual([{ n: 10 }]);
    const early = await verb(
      ["restore", "--at", "2020-01-01T00:00:00Z", "--to", "x"],
      lab.restoring(shop).env,
    );
    expect([early.code, early.stderr]).toEqual([
      1,
      expect.stringContaining("no backup was taken at or before 2020-01-01"),
    ]);
    expect(
      (await recovery(["restore", "--at", "yesterday", "--to", "x"], lab.restoring(shop).env)).code,
    ).toBe(2);
  });

  test("an empty database, a non-UTF-8 one and one of many tables come back whole", async () => {
    // More than any query asks for at a time; 2,000 on a pull request.
    const many = Number(process.env.RECOVERY_MANY_TABLES ?? 300);
    await lab.createDatabase("none");
    await lab.createDatabase("latin", "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
    await lab.sql(
      "latin",
      `CREATE TABLE "Straße" (ort text); INSERT INTO "Straße" VALUES ('Köln'), ('Århus')`,
    );
    await lab.createDatabase("wide");
    await lab.sql(
      "wide",
      `DO $$ BEGIN FOR n IN 1..${many} LOOP EXECUTE format('CREATE TABLE t%s AS SELECT %s AS n', n, n); IF n % 200 = 0 THEN COMMIT; END IF; END LOOP; END $$`,
    );
    for (const [name, count] of [
      ["none", 0],
      ["latin", 1],
      ["wide", many],
    ] as const) {
      const source = await lab.store("backup", name);
      const { id, tables } = await backUp(source);
      expect(tables).toHaveLength(count);
      if (name === "wide") expect(tables.every(({ rows }) => rows === 1)).toBe(true);
      if (name === "latin")
        expect(tables).toMatchObject([{ name: 'public."Straße"', rows: 2, bytes: "Köln\nÅrhus\n".length }]);
      const { settings } = lab.restoring(source);
      const result = await runRestore(settings, { backup: { id }, to: `${name}_back` }, labContext());
      expect([result.verdict, result.fingerprints, result.tables.length]).toEqual(["PASS", "match", count]);
    }
    expect(await lab.sql("latin_back", `SELECT ort FROM "Straße" ORDER BY 1`)).toEqual([
      { ort: "Köln" },
      { ort: "Århus" },
    ]);
  });
});

describe("a role that may not act for everybody", () => {
  const asRestorer = (from: LabStore) => {
    const url = new URL(from.env.DATABASE_URL as string);
    Object.assign(url, { username: "restorer", password: "only-a-test", pathname: "/postgres" });
    return loadSettings({ ...from.env, DATABASE_URL: url.href }, ["database", "store"]);
  };
  const dba = (text: string, database = "postgres") =>
    lab.server.sql(lab.server.administrator, text, database);
  beforeAll(() =>
    dba(`CREATE ROLE restorer LOGIN CREATEDB PASSWORD 'only-a-test'; GRANT restorer TO CURRENT_USER;
      CREATE ROLE owner_of_app; CREATE ROLE app_reader; GRANT owner_of_app, app_reader TO CURRENT_USER`),
  );

  test("restores everything as its own when it may not act for the owners, and says so", async () => {
    const result = await runRestore(
      asRestorer(store),
      { backup: { id: manifest.id }, to: "mine" },
      labContext(),
    );
    expect(result).toMatchObject({ fingerprints: "match", ownership: "restoring-role" });
    expect(result.warnings[0]).toMatch(
      /not every owner and grant is restored: the restoring role is no member of migration/,
    );
    expect(
      await dba("SELECT DISTINCT tableowner AS owner FROM pg_tables WHERE schemaname = 'public'", "mine"),
    ).toEqual([{ owner: "restorer" }]);
  });

  test("keeps owners and grants when every role is there, and names the ones that are not", async () => {
    await dba("CREATE DATABASE owned OWNER owner_of_app");
    await dba(
      `SET ROLE owner_of_app; CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS n;
       GRANT USAGE ON SCHEMA s TO app_reader, backup; GRANT SELECT ON s.t TO app_reader, backup`,
      "owned",
    );
    await dba("GRANT owner_of_app TO restorer");
    const owned = await lab.store("backup", "owned");
    const { id } = await backUp(owned);
    const settings = asRestorer(owned);
    const kept = await runRestore(settings, { backup: { id }, to: "owned_back" }, labContext());
    expect(kept).toMatchObject({ fingerprints: "match", ownership: "kept", missingRoles: [] });
    expect(
      await dba(
        "SELECT tableowner, has_table_privilege('app_reader', 's.t', 'SELECT') AS reads FROM pg_tables WHERE tablename = 't'",
        "owned_back",
      ),
    ).toEqual([{ tableowner: "owner_of_app", reads: true }]);
    await dba("DROP OWNED BY app_reader", "owned");
    await dba("DROP OWNED BY app_reader", "owned_back");
    await dba("DROP ROLE app_reader");
    const bare = await runRestore(settings, { backup: { id }, to: "owned_bare" }, labContext());
    expect(bare).toMatchObject({
      fingerprints: "match",
      ownership: "restoring-role",
      missingRoles: ["app_reader"],
    });
    expect(bare.nextSteps[0]).toContain("Create the roles app_reader");
  });

  test("compares rows of its own that policies hide from it as soon as they are in force", async () => {
    await lab.createDatabase("forced");
    await dba("ALTER ROLE backup BYPASSRLS");
    await lab.sql(
      "forced",
      `DO $$ BEGIN FOR n IN 1..40 LOOP EXECUTE format('CREATE TABLE f%s AS SELECT generate_series(1, 2000) AS id', n);
         EXECUTE format('ALTER TABLE f%s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', n);
         EXECUTE format('CREATE POLICY p ON f%s USING (id = 1)', n); END LOOP; END $$`,
    );
    const forced = await lab.store("backup", "forced");
    const { id } = await backUp(forced);
    const result = await runRestore(asRestorer(forced), { backup: { id }, to: "forced_back" }, labContext());
    expect(result).toMatchObject({ fingerprints: "match", verdict: "PASS" });
    const secured = "SELECT count(*)::int AS n FROM pg_class WHERE relrowsecurity AND relforcerowsecurity";
    expect(await dba(secured, "forced_back")).toEqual([{ n: 40 }]);
  });

  test("leaves no half-restored database behind when the restore fails", async () => {
    await lab.createDatabase("linked");
    // An extension that has left the allow-list since.
    await lab.server.asMicrosoft("CREATE EXTENSION hstore", "linked");
    await lab.sql("linked", "CREATE TABLE t (n int)");
    const linked = await lab.store("backup", "linked");
    const { id } = await backUp(linked);
    const run = await verb(["restore", id, "--to", "linked_back"], lab.restoring(linked).env);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /error: extension hstore could not be made: permission denied to create extension/,
    );
    expect((await databases()).filter((name) => name.startsWith("linked"))).toEqual(["linked"]);
  });
});

test("comes back on a server of another provider, where nobody has heard of Azure's roles", async () => {
  const other = await startPostgres({ programs: productionPrograms(), locale: "C.UTF-8" });
  try {
    const ask = (text: string, database: string, user = "dba") => {
      const server = parseServerUrl(other.urlOf(database).replace(/:\/\/.*@/, `://${user}:only-a-test@`));
      return withClient(server, async (client) => (await client.query<Record<string, unknown>>(text)).rows);
    };
    await withClient(parseServerUrl(other.url), (client) =>
      client.query("CREATE ROLE dba LOGIN CREATEDB CREATEROLE PASSWORD 'only-a-test'"),
    );
    for (const role of ["api", "migration", "backup", "monitoring"])
      await ask(`CREATE ROLE ${role} LOGIN PASSWORD 'only-a-test'; GRANT ${role} TO dba`, "postgres");
    await lab.createDatabase("moving");
    await lab.sql("moving", "CREATE TABLE orders (id serial PRIMARY KEY, item text)");
    const moving = await lab.store("backup", "moving");
    const { id } = await backUp(moving);
    const url = other.urlOf("postgres").replace(/:\/\/.*@/, "://dba:only-a-test@");
    const settings = loadSettings({ ...moving.env, DATABASE_URL: url }, ["database", "store"]);
    const result = await runRestore(settings, { backup: { id }, to: "moving" }, labContext());
    expect(result).toMatchObject({
      database: "moving",
      verdict: "PASS",
      ownership: "kept",
      missingRoles: [],
    });
    expect(result.warnings).toEqual(
      expect.arrayContaining([
        "schema public stays with its owner on this server: azure_pg_admin cannot have it here",
        expect.stringMatching(/^CONNECT on the database for azure_pg_admin is not restored/),
        expect.stringMatching(/^owner forma3dadmin of the database is not restored/),
      ]),
    );
    await ask("INSERT INTO public.orders (item) VALUES ('after')", "moving", "api");
    await ask("ALTER TABLE public.orders ADD COLUMN note text", "moving", "migration");
    expect(await ask("SELECT item FROM public.orders", "moving", "backup")).toEqual([{ item: "after" }]);
  } finally {
    await other.stop();
  }
});

describe("a backup that is not what it was", () => {
  test("a damaged archive is never restored, not even in part", async () => {
    const damaged = await lab.store("backup", "app");
    const backup = await backUp(damaged);
    const blob = damaged.daily.getBlockBlobClient(backup.archive.blob);
    const bytes = await blob.downloadToBuffer();
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] as number) ^ 1;
    await blob.upload(bytes, bytes.length);
    const run = await verb(["restore", backup.id, "--to", "never"], lab.restoring(damaged).env);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/error: backup .* is damaged: the archive has .*; nothing was restored/);
    expect(await databases()).not.toContain("never");
  });

  test("an archived one is copied online first, and the wait counts in the recovery time", async () => {
    const archived = await lab.store("backup", "app", { BACKUP_MONTHLY_ACCESS_TIER: "Archive" });
    const backup = await backUp(archived, "monthly");
    const original = archived.monthly.getBlobClient(backup.archive.blob);
    expect((await original.getProperties()).accessTier).toBe("Archive");
    const report = await runVerify(
      archived.settings,
      { backup: { id: backup.id }, record: false },
      labContext(),
    );
    expect(report.verdict).toBe("NOT_RUN");
    expect(report.checks[1]?.actual).toMatch(/offline \(Archive tier\)/);

    // The emulator rehydrates at once. Between it and the client stands a proxy that says "pending" for fifteen
    // hours, which pass on the run's own clock, one wait at a time.
    let hours = 0;
    const wait = async () => {
      hours += 1;
    };
    const proxy = await startBlobProxy(lab.azurite.connectionString, ({ method, url }) =>
      method === "HEAD" && url?.includes("rehydrated-") && hours < 15
        ? { headers: { "x-ms-archive-status": "rehydrate-pending-to-hot", "x-ms-access-tier": "Archive" } }
        : undefined,
    );
    const now = () => new Date(Date.now() + hours * 3_600_000);
    const before: string[] = [];
    for await (const { name } of archived.monthly.listBlobsFlat()) before.push(name);
    const slow = loadSettings(
      { ...lab.restoring(archived).env, BACKUP_STORE_CONNECTION_STRING: proxy.connectionString },
      ["database", "store"],
    );
    const options = { backup: { id: backup.id }, to: "thawed", wait };
    const result = await runRestore(slow, options, labContext({ now }));
    await proxy.stop();
    expect(hours).toBe(15);
    expect(result.rehydrateSeconds).toBeGreaterThanOrEqual(15 * 3_600);
    expect(result.seconds).toBeGreaterThanOrEqual(result.rehydrateSeconds);
    expect(result.stages.find(({ name }) => name === "rehydrate")?.seconds).toBeGreaterThanOrEqual(
      15 * 3_600,
    );
    expect(result.fingerprints).toBe("match");
    expect((await original.getProperties()).accessTier).toBe("Archive");
    const left: string[] = [];
    for await (const { name } of archived.monthly.listBlobsFlat()) left.push(name);
    expect(left).toEqual(before);
  });
});
