import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Client } from "pg";
import { databaseLogins, LoginRegions } from "../../infra/data/databaseLogins";
import { HEARTBEAT_QUERY } from "../../infra/data/heartbeat";
import { rolesScript } from "../../infra/data/rolesScript";
import { serverParameters } from "../../infra/data/serverParameters";
import { startFlexibleServer, type FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { clientProgram } from "../../packages/local-servers/postgresPrograms";
import { recovery } from "../support/recoveryCli";

const WEST = { code: "weu", location: "westeurope" };
const NORTH = { code: "neu", location: "northeurope" };
const ALONE: LoginRegions = { serving: WEST };
const FROM_WEST: LoginRegions = { serving: WEST, standby: NORTH };
const FROM_NORTH: LoginRegions = { serving: NORTH, standby: WEST };

const servers: FlexibleServer[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop())));

/** A server shaped like Azure's, whose roles a script makes. */
async function start(script: string, settings?: Record<string, string>): Promise<FlexibleServer> {
  const pool = { defaultPoolSize: 5, maxClientConnections: 50, maxPreparedStatements: 0 };
  const server = await startFlexibleServer({
    roles: { script, logins: databaseLogins(FROM_WEST) },
    parameters: serverParameters(pool, {}),
    settings,
  });
  servers.push(server);
  return server;
}

/** Runs the script as the job of a region does: its own passwords in the one variable, the other region's in the other. */
function makeRoles(server: FlexibleServer, regions: LoginRegions): void {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH };
  for (const { name, variable } of databaseLogins(regions)) env[variable] = server.passwords.get(name);
  execFileSync(
    clientProgram("psql", server.version),
    ["--no-psqlrc", "--quiet", "--file=-", server.url(server.administrator)],
    { input: rolesScript(regions), stdio: ["pipe", "ignore", "pipe"], env },
  );
}

const logins = async (server: FlexibleServer) => {
  const rows = await server.sql<{ name: string; login: boolean }>(
    server.administrator,
    "select rolname as name, rolcanlogin as login from pg_roles where rolname ~ '^(api|migration|backup|monitoring)'",
  );
  return Object.fromEntries(rows.map(({ name, login }) => [name, login]));
};
const named = (login: boolean, code: string) =>
  Object.fromEntries(["api", "migration", "backup", "monitoring"].map((role) => [`${role}${code}`, login]));
const open = { west: named(true, "_weu"), north: named(true, "_neu") };
const shut = { roles: named(false, ""), west: named(false, "_weu"), north: named(false, "_neu") };

describe("roles of the application's database", () => {
  let server: FlexibleServer;
  const sql = (role: string, text: string) => server.sql(role, text);

  beforeAll(async () => {
    server = await start(rolesScript(FROM_WEST), { statement_timeout: "60s" });
    await sql(
      "migration",
      `create table orders (id serial primary key, item text); create schema audit; create table audit.log (at timestamptz)`,
    );
    await server.sql(server.administrator, "create role stranger login password 'stranger-password'");
    await server.asMicrosoft("create role dba login password 'dba-password' in role azure_pg_admin");
  });

  test("the API reads and writes rows and changes no structure", async () => {
    await sql("api", "insert into orders (item) values ('vase')");
    await sql("api", "update orders set item = 'bowl'");
    expect(await sql("api", "select item from orders")).toEqual([{ item: "bowl" }]);
    await expect(sql("api", "create table stolen (id int)")).rejects.toThrow(/permission denied/);
    await expect(sql("api", "alter table orders add note text")).rejects.toThrow(/must be owner/);
    await expect(sql("api", "truncate orders")).rejects.toThrow(/permission denied/);
  });

  test("backups read every schema, those made later too, and change nothing", async () => {
    await sql("backup", "select * from orders, audit.log");
    await sql("backup", "select last_value from orders_id_seq");
    await expect(sql("backup", "delete from orders")).rejects.toThrow(/permission denied/);
    const dump = execFileSync(
      clientProgram("pg_dump", server.version),
      ["--schema-only", server.url("backup")],
      { encoding: "utf8" },
    );
    expect(dump).toMatch(/CREATE TABLE audit\.log/);
    // What a dump names must be there wherever it is restored: roles, of no region.
    expect(dump).not.toMatch(/_weu|_neu/);
  });

  test("what docs/changing.md asks before a major version finds what Azure refuses, and its last word renews statistics", async () => {
    const page = readFileSync(path.join(__dirname, "../../docs/changing.md"), "utf8");
    const blockers = /```sql\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    const ask = () => server.sql<{ what: string; name: string }>(server.administrator, blockers);
    expect(await ask()).toEqual([]);
    await server.asMicrosoft(
      "create function quiet() returns event_trigger language plpgsql as $$ begin end $$; create event trigger noisy on ddl_command_end execute function quiet()",
    );
    await sql("migration", "create view busy as select pid from pg_stat_activity");
    try {
      expect((await ask()).map(({ what, name }) => `${what} ${name}`).sort()).toEqual([
        "event trigger noisy",
        "view of pg_stat_activity busy",
      ]);
    } finally {
      await sql("migration", "drop view busy");
      await server.asMicrosoft("drop event trigger noisy; drop function quiet()");
    }
    const [, analyze = ""] = /`(set role migration; analyze;)`/.exec(page) ?? [];
    await server.sql(server.administrator, analyze);
    const analyzed = await server.sql<{ last_analyze: Date | null }>(
      server.administrator,
      "select last_analyze from pg_stat_user_tables where relname = 'orders'",
    );
    expect(analyzed.map(({ last_analyze }) => last_analyze !== null)).toEqual([true]);
  });

  test("monitoring reads statistics and no rows", async () => {
    expect(await sql("monitoring", "select pg_has_role('pg_read_all_stats', 'usage') as allowed")).toEqual([
      { allowed: true },
    ]);
    await expect(sql("monitoring", "select * from orders")).rejects.toThrow(/permission denied/);
    // The exporter's own query, by the rights it has: a transaction that the replica replays, and no row.
    expect(await sql("monitoring", HEARTBEAT_QUERY.pg_heartbeat.query)).toEqual([
      { written: expect.any(Number) },
    ]);
  });

  test("backups and migrations are not cut short by the server's limits for requests", async () => {
    const limit = async (role: string) => (await sql(role, "show statement_timeout"))[0];
    expect(await limit("api")).toEqual({ statement_timeout: "1min" });
    expect(await limit("migration")).toEqual({ statement_timeout: "0" });
    expect(await limit("backup")).toEqual({ statement_timeout: "0" });
  });

  test("a login acts as its role, directly and through the pooler, so that nothing belongs to a region", async () => {
    const who = "select session_user::text as login, current_user::text as role";
    expect(await sql("migration", who)).toEqual([{ login: "migration_weu", role: "migration" }]);
    const pooled = new Client({ connectionString: await server.pooledUrl("api") });
    await pooled.connect();
    expect((await pooled.query(who)).rows).toEqual([{ login: "api_weu", role: "api" }]);
    await pooled.end();
    expect(
      await sql(
        "migration",
        "select distinct relowner::regrole::text as owner from pg_class where relname in ('orders', 'log', 'orders_id_seq')",
      ),
    ).toEqual([{ owner: "migration" }]);
  });

  test("whoever is neither one of them nor an administrator cannot connect", async () => {
    const as = (user: string) => {
      const url = new URL(server.url("api"));
      Object.assign(url, { username: user, password: `${user}-password` });
      return new Client({ connectionString: url.href });
    };
    const dba = as("dba");
    await dba.connect();
    await dba.end();
    await expect(as("stranger").connect()).rejects.toThrow(/permission denied for database/);
  });

  test("a second run keeps rights and rows, and a new issue of passwords replaces the old", async () => {
    server.makeRoles();
    const old = server.url("api");
    (server.passwords as Map<string, string>).set("api_weu", "api-second");
    server.makeRoles();
    expect(await sql("api", "select count(*)::int as orders from orders")).toEqual([{ orders: 1 }]);
    await expect(new Client({ connectionString: old }).connect()).rejects.toThrow(
      /password authentication failed/,
    );
  });
});

describe("the fence between regions", () => {
  let server: FlexibleServer;
  const write = (login: string) => server.sql(login, "insert into orders (item) values ('cup')");

  beforeAll(async () => {
    // The environment has one region at first.
    server = await start(rolesScript(ALONE));
    await server.sql("migration", "create table orders (id serial primary key, item text)");
    const env = { ENVIRONMENT: "prod", DATABASE_URL: server.url(server.administrator) };
    expect((await recovery(["guard", "--mark"], env)).code).toBe(0);
  });

  /** What the step of a failover does; `test/operations/failover.test.ts` has the step itself do it. */
  async function serve(to: typeof WEST, from: typeof WEST): Promise<void> {
    for (const [{ code }, may] of [
      [from, "nologin"],
      [to, "login"],
    ] as const)
      for (const name of Object.keys(named(true, `_${code}`)))
        await server.sql(server.administrator, `alter role ${name} ${may}`);
    await server.sql(
      server.administrator,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename like '%\\_${from.code}'`,
    );
  }

  const guard = (url: string) => recovery(["guard"], { ENVIRONMENT: "prod", DATABASE_URL: url });

  test("a standby that comes later gets its logins, which may not log in yet", async () => {
    expect(await logins(server)).toEqual({ ...shut.roles, ...open.west });
    makeRoles(server, FROM_WEST);
    makeRoles(server, FROM_WEST);
    expect(await logins(server)).toEqual({ ...shut.roles, ...open.west, ...shut.north });
    await write("api_weu");
    await expect(write("api_neu")).rejects.toThrow(/"api_neu" is not permitted to log in/);
  });

  test.each([
    ["a failover", NORTH, WEST, FROM_NORTH, FROM_WEST],
    ["the way back", WEST, NORTH, FROM_WEST, FROM_NORTH],
  ])("%s shuts the old region out and lets the new one in", async (_name, to, from, now, before) => {
    const pooled = new Client({
      connectionString: await server.pooledUrl(`api_${from.code}`),
      query_timeout: 1500,
    });
    pooled.on("error", () => undefined);
    await pooled.connect();
    await pooled.query("insert into orders (item) values ('before')");
    await serve(to, from);
    // The pooler keeps the session and waits for a server connection it does not get.
    await expect(pooled.query("insert into orders (item) values ('after')")).rejects.toThrow();
    await pooled.end().catch(() => undefined);
    await server.endPooler();
    for (const role of ["api", "migration", "backup", "monitoring"])
      await expect(server.sql(`${role}_${from.code}`, "select 1")).rejects.toThrow(/not permitted to log in/);

    // What keeps a returning pod from starting says why, in one line, with and without the pooler in between.
    for (const url of [server.url(`api_${from.code}`), await server.pooledUrl(`api_${from.code}`)]) {
      const run = await guard(url);
      expect(run.code).toBe(1);
      expect(run.stderr.trim().split("\n").at(-1)).toMatch(
        new RegExp(`this region is fenced: api_${from.code} may not log in, because another region serves`),
      );
    }
    await write(`api_${to.code}`);
    const table = `made_in_${to.code}`;
    await server.sql(
      `migration_${to.code}`,
      `alter table orders add ${to.code} text; create table ${table} (id int)`,
    );
    await server.sql(`api_${to.code}`, `insert into ${table} values (1)`);
    await server.sql(`backup_${to.code}`, `select * from orders, ${table}`);
    expect((await guard(await server.pooledUrl(`api_${to.code}`))).code).toBe(0);
    expect(await server.sql(`api_${to.code}`, "select id from orders where item = 'after'")).toEqual([]);

    // A job of the old region that comes back with it changes nothing; that of the new one renews both regions' passwords.
    (server.passwords as Map<string, string>).set(`api_${to.code}`, `not-a-real-one-${to.code}`);
    expect(() => makeRoles(server, before)).toThrow(new RegExp(`region ${from.location} is fenced`));
    await expect(write(`api_${to.code}`)).rejects.toThrow(/password authentication failed/);
    makeRoles(server, now);
    await write(`api_${to.code}`);
    await server.endPooler();
    const [mine, others] = to === NORTH ? [open.north, shut.west] : [open.west, shut.north];
    expect(await logins(server)).toEqual({ ...shut.roles, ...mine, ...others });
  });
});

test("a server whose logins the regions shared gets one per region, and the shared ones are shut", async () => {
  const shared = readFileSync(path.join(__dirname, "../fixtures/database/shared-logins.sql"), "utf8");
  const server = await start(shared);
  const url = new URL(server.url("api"));
  url.username = "api";
  const old = new Client({ connectionString: url.href });
  old.on("error", () => undefined);
  await old.connect();
  await server.sql(
    server.administrator,
    "set role migration; create table orders (id serial primary key, item text)",
  );
  await old.query("insert into orders (item) values ('before')");

  for (const _time of ["first", "second"]) {
    makeRoles(server, FROM_WEST);
    expect(await logins(server)).toEqual({ ...shut.roles, ...open.west, ...shut.north });
  }
  // Pods that run go on until they are replaced; a new session of the shared login is refused.
  await old.query("insert into orders (item) values ('meanwhile')");
  await old.end();
  await expect(new Client({ connectionString: url.href }).connect()).rejects.toThrow(/api/);
  await server.sql("api_weu", "insert into orders (item) values ('after')");
  await server.sql("migration_weu", "alter table orders add note text");
  expect(await server.sql("backup_weu", "select count(*)::int as orders from orders")).toEqual([
    { orders: 3 },
  ]);
});
