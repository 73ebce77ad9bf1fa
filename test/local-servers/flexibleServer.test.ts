import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "pg";
import { databaseLogins } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { serverParameters } from "../../infra/data/serverParameters";
import { startFlexibleServer, type FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { PRODUCTION_MAJOR } from "../../packages/local-servers/postgresPrograms";
import { installations } from "../../packages/programs/postgres";

const REGIONS = { serving: { code: "weu", location: "westeurope" } };
const pool = { defaultPoolSize: 5, maxClientConnections: 50, maxPreparedStatements: 0 };
let server: FlexibleServer;

beforeAll(async () => {
  server = await startFlexibleServer({
    roles: { script: rolesScript(REGIONS), logins: databaseLogins(REGIONS) },
    parameters: serverParameters(pool, {}),
  });
});
afterAll(() => server?.stop());

const administrator = <T extends object>(text: string, database?: string) =>
  server.sql<T>(server.administrator, text, database);

describe("a server shaped like Azure's flexible server", () => {
  test("runs the release production runs", () => {
    // An older one is only what is left where `sh packages/local-servers/postgresql.sh` has not been run.
    expect(server.version).toBe(PRODUCTION_MAJOR);
    expect(server.limitsExtensions).toBe(true);
  });

  test("has an administrator without superuser, and owners as there", async () => {
    expect(
      await administrator(`select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls,
        pg_has_role('azure_pg_admin', 'member') as admin, pg_has_role('pg_read_all_data', 'member') as reads_all
        from pg_roles where rolname = current_user`),
    ).toEqual([
      {
        rolsuper: false,
        rolcreatedb: true,
        rolcreaterole: true,
        rolbypassrls: true,
        admin: true,
        reads_all: false,
      },
    ]);
    const owner = "select nspowner::regrole::text as owner from pg_namespace where nspname = 'public'";
    for (const database of [server.database, "postgres"]) {
      expect(await administrator(owner, database)).toEqual([{ owner: "azure_pg_admin" }]);
    }
    // A database somebody makes from template0, as a restore does, has PostgreSQL's own layout.
    await administrator("create database bare template template0", "postgres");
    expect(await administrator(owner, "bare")).toEqual([{ owner: "pg_database_owner" }]);
    expect(
      await administrator(
        `select datname as name, datdba::regrole::text as owner from pg_database where datname <> 'bare' order by 1`,
      ),
    ).toEqual([
      { name: "azure_maintenance", owner: "azuresu" },
      { name: "azure_sys", owner: "azuresu" },
      { name: server.database, owner: server.administrator },
      { name: "postgres", owner: "azure_pg_admin" },
      { name: "template0", owner: "azure_pg_admin" },
      { name: "template1", owner: "azure_pg_admin" },
    ]);
    await expect(administrator("select 1", "azure_maintenance")).rejects.toThrow(/permission denied/);
  });

  test("creates extensions of the allow-list only, though it offers more", async () => {
    await administrator("create extension citext");
    await administrator("create extension pg_stat_statements");
    await expect(administrator("create extension hstore")).rejects.toThrow(
      /permission denied to create extension/,
    );
    expect(
      await administrator("select count(*)::int as n from pg_available_extensions where name = 'hstore'"),
    ).toEqual([{ n: 1 }]);
  });

  test("lets nobody in without TLS, and the platform's roles with the rights of production's own script", async () => {
    await server.sql("migration", "create table orders (id serial primary key, item text)");
    await server.sql("api", "insert into orders (item) values ('vase')");
    expect(await server.sql("backup", "select item from orders")).toEqual([{ item: "vase" }]);
    await expect(server.sql("api", "drop table orders")).rejects.toThrow(/must be owner/);
    expect(await server.sql("api", "show statement_timeout")).toEqual([{ statement_timeout: "1min" }]);
    expect(await server.sql("backup", "show statement_timeout")).toEqual([{ statement_timeout: "0" }]);
    const clear = new Client({ connectionString: server.url("api").replace(/\?.*/, "") });
    await expect(clear.connect()).rejects.toThrow(/no pg_hba.conf entry .*no encryption/);
  });

  test("has a real PgBouncer in front, which pools by transaction and refuses what it does not know", async () => {
    const url = await server.pooledUrl("api");
    const client = new Client({ connectionString: url });
    await client.connect();
    expect((await client.query("select item from orders")).rows).toEqual([{ item: "vase" }]);
    await client.end();
    const options = new Client({ connectionString: url, options: "-c work_mem=8MB" });
    await expect(options.connect()).rejects.toThrow(/unsupported startup parameter.*options/);
  });
});

test("a program is asked its version once, and again when another one stands in its place", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "programs-"));
  const asked = path.join(folder, "asked");
  const install = (version: string): void => {
    const draft = path.join(folder, "draft");
    writeFileSync(draft, `#!/bin/sh\nprintf . >> ${asked}\necho age ${version}\n`, { mode: 0o755 });
    renameSync(draft, path.join(folder, "age"));
  };
  const version = (): string | undefined => installations("age", folder)[0]?.version;
  install("1.1.1");
  expect([version(), version(), readFileSync(asked, "utf8")]).toEqual(["age 1.1.1", "age 1.1.1", "."]);
  install("1.2.0");
  expect([version(), readFileSync(asked, "utf8")]).toEqual(["age 1.2.0", ".."]);
  rmSync(folder, { recursive: true });
});
