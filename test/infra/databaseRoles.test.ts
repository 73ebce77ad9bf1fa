import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import path from "node:path";
import { Client } from "pg";
import { rolesScript } from "../../infra/data/databaseRoles";
import { DATABASE_ROLES, DatabaseRole } from "../../infra/secrets/secretCatalog";
import { serverPrograms } from "../../packages/local-servers/postgresPrograms";
import { LocalPostgres, startPostgres } from "../../packages/local-servers/postgres";

const DATABASE = "shop";
/** Like the administrator of a flexible server: no superuser, and pg_monitor is the only built-in role it may grant. */
const ADMINISTRATOR = "operator";

let server: LocalPostgres;
const passwords = Object.fromEntries(DATABASE_ROLES.map((role) => [role, `${role}-first`])) as Record<
  DatabaseRole,
  string
>;

function urlAs(role: string, password: string): string {
  const url = new URL(server.urlOf(DATABASE));
  url.username = role;
  url.password = password;
  return url.href;
}

const program = (name: string) => path.join(path.dirname(realpathSync(serverPrograms().postgres)), name);

/** Runs the script as the job does. */
function runScript(): void {
  execFileSync(
    program("psql"),
    ["--no-psqlrc", "--quiet", "--file=-", urlAs(ADMINISTRATOR, "operator-password")],
    {
      input: rolesScript(),
      env: {
        ...process.env,
        ...Object.fromEntries(
          DATABASE_ROLES.map((role) => [`${role.toUpperCase()}_PASSWORD`, passwords[role]]),
        ),
      },
    },
  );
}

async function as<T>(role: DatabaseRole, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: urlAs(role, passwords[role]) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const sql = (role: DatabaseRole, text: string) => as(role, (client) => client.query(text));

beforeAll(async () => {
  server = await startPostgres();
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create role ${ADMINISTRATOR} login createdb createrole password 'operator-password'`);
  await admin.query(`grant pg_monitor to ${ADMINISTRATOR} with admin option`);
  await admin.query(`create database ${DATABASE} owner ${ADMINISTRATOR}`);
  await admin.query("create role stranger login password 'stranger-password'");
  await admin.query("create role azure_pg_admin");
  await admin.query("create role dba login password 'dba-password' in role azure_pg_admin");
  await admin.end();
  runScript();
  await sql(
    "migration",
    `create table orders (id serial primary key, item text); create schema audit; create table audit.log (at timestamptz)`,
  );
});

afterAll(() => server?.stop());

describe("roles of the application's database", () => {
  test("the API reads and writes rows and changes no structure", async () => {
    await sql("api", "insert into orders (item) values ('vase')");
    await sql("api", "update orders set item = 'bowl'");
    expect((await sql("api", "select item from orders")).rows).toEqual([{ item: "bowl" }]);
    await expect(sql("api", "create table stolen (id int)")).rejects.toThrow(/permission denied/);
    await expect(sql("api", "alter table orders add note text")).rejects.toThrow(/must be owner/);
    await expect(sql("api", "truncate orders")).rejects.toThrow(/permission denied/);
  });

  test("backups read every schema, those made later too, and change nothing", async () => {
    await sql("backup", "select * from orders, audit.log");
    await sql("backup", "select last_value from orders_id_seq");
    await expect(sql("backup", "delete from orders")).rejects.toThrow(/permission denied/);
    const dump = execFileSync(program("pg_dump"), ["--schema-only", urlAs("backup", passwords.backup)], {
      encoding: "utf8",
    });
    expect(dump).toMatch(/CREATE TABLE audit\.log/);
  });

  test("monitoring reads statistics and no rows", async () => {
    const { rows } = await sql("monitoring", "select pg_has_role('pg_read_all_stats', 'usage') as allowed");
    expect(rows).toEqual([{ allowed: true }]);
    await expect(sql("monitoring", "select * from orders")).rejects.toThrow(/permission denied/);
  });

  test("backups and migrations are not cut short by the server's limits for requests", async () => {
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    await admin.query("alter system set statement_timeout = '60s'");
    await admin.query("select pg_reload_conf()");
    await admin.end();
    const limit = async (role: DatabaseRole) => (await sql(role, "show statement_timeout")).rows[0];
    expect(await limit("api")).toEqual({ statement_timeout: "1min" });
    expect(await limit("migration")).toEqual({ statement_timeout: "0" });
    expect(await limit("backup")).toEqual({ statement_timeout: "0" });
  });

  test("whoever is neither one of them nor an administrator cannot connect", async () => {
    const dba = new Client({ connectionString: urlAs("dba", "dba-password") });
    await dba.connect();
    await dba.end();
    const stranger = new Client({ connectionString: urlAs("stranger", "stranger-password") });
    await expect(stranger.connect()).rejects.toThrow(/permission denied for database/);
  });

  test("a second run keeps rights and rows, and a new issue of passwords replaces the old", async () => {
    runScript();
    passwords.api = "api-second";
    runScript();
    expect((await sql("api", "select count(*)::int as orders from orders")).rows).toEqual([{ orders: 1 }]);
    const old = new Client({ connectionString: urlAs("api", "api-first") });
    await expect(old.connect()).rejects.toThrow(/password authentication failed/);
  });
});
