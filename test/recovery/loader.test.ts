import { Client } from "pg";
import { runRestore } from "../../apps/recovery/commands/restore";
import { FailedError } from "../../packages/command/errors";
import { parseSkip } from "../../apps/recovery/leaveOut";
import type { RestoreOptions } from "../../apps/recovery/options";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import { restoreRights } from "../../apps/recovery/postgres/rights";
import { isObjectOf, isOfRights } from "../../apps/recovery/postgres/statements";
import type { TocEntry } from "../../apps/recovery/postgres/toc";
import { makeBackup } from "../support/backup";
import { labContext, startPlatformLab, type LabStore, type PlatformLab } from "../support/recoveryLab";

/** Roads by which a server runs code of a backup while it restores it, or soon after. */
const ROADS = {
  check: "create table by_check (n int check (take('check', n)))",
  generated: "create table by_generated (n int, m boolean generated always as (take('generated', n)) stored)",
  domain: "create domain taken as int check (take('domain', value)); create table by_domain (n taken)",
  index: "create table by_index (n int); create index on by_index (take('index', n))",
  statistics:
    "create table by_statistics (n int); create statistics by_statistics_of on (take('statistics', n)), n from by_statistics",
  partition:
    "create table by_partition (n int) partition by list (take('partition', n)); create table yes partition of by_partition for values in (true)",
  view: "create materialized view by_view as select take('view', n) from generate_series(1, 3) n",
  reference: `create table known (n int primary key); insert into known values (1);
    create table by_reference (n int references known check (take('reference', n)))`,
};
const tables = Object.keys(ROADS).filter((road) => road !== "view");

let lab: PlatformLab;
let store: LabStore;
let id: string;
beforeAll(async () => {
  lab = await startPlatformLab();
  await lab.createDatabase("hostile");
  await lab.sql(
    "hostile",
    // What an index needs may change nothing itself, and call what does.
    `create function act(road text) returns boolean language plpgsql as $$
     begin
       begin execute 'reset session authorization'; exception when others then null; end;
       begin execute format('create role %I', 'taken_by_' || road); exception when others then null; end;
       begin execute format('alter role %I createrole', 'migration'); exception when others then null; end;
       begin execute format('alter database %I set search_path = evil', current_database()); exception when others then null; end;
       return true;
     end $$;
     create function take(road text, n int) returns boolean language plpgsql immutable as
       $$ begin return public.act(road); end $$;
     ${Object.values(ROADS).join(";\n")};
     ${tables.map((road) => `insert into by_${road} (n) select 1 from generate_series(1, 20)`).join(";\n")};
     create table forced as select n from generate_series(1, 9) n;
     create materialized view of_forced as select count(*) from forced;
     alter table forced enable row level security, force row level security;
     create function powers() returns name language sql security definer as 'select current_user'`
      // Names without a schema, so that it can be made; a restore finds none by those.
      .replaceAll("take('", "public.take('"),
  );
  await lab.server.sql(lab.server.administrator, "alter role backup bypassrls", "postgres");
  store = await lab.store("backup", "hostile");
  ({ id } = (await makeBackup(store.settings)).manifest);
});
afterAll(() => lab?.stop());

const administer = <T extends object>(text: string, database = "postgres") =>
  lab.server.sql<T>(lab.server.administrator, text, database);

/** What code of the backup got hold of, and logins that a restore has left. */
const taken = async () =>
  (
    await administer<{ name: string }>(
      `select rolname as name from pg_roles where rolname like 'taken_by_%' or rolname like 'recovery%'
         or rolname in ('migration', 'api', 'backup') and (rolcreaterole or rolcreatedb) order by 1`,
    )
  ).map(({ name }) => name);

const restore = (to: string, options: Partial<RestoreOptions> = {}, backup = id) =>
  runRestore(lab.restoring(store).settings, { backup: { id: backup }, to, ...options }, labContext());

describe("code in a backup", () => {
  test("gets no right of the administrator's, whichever way the database is restored", async () => {
    expect(await taken()).toEqual([]);
    await lab.createDatabase("empty");
    await lab.createDatabase("used");
    await lab.sql("used", "create table t (n int)");
    const masking = { rules: { columns: new Map() }, key: Buffer.alloc(32, 1) } as RestoreOptions["masking"];
    const results = [
      await restore("whole"),
      await restore("empty"),
      await restore("used", { replace: "used" }),
      await restore("part", { only: { schemas: ["public"] } }),
      await restore("masked", { masking }),
    ];
    expect(results.flatMap(({ checks }) => checks.filter(({ status }) => status !== "PASS"))).toEqual([]);
    expect(results.map(({ ownership, verdict }) => [ownership, verdict])).toEqual(
      results.map(() => ["kept", "PASS"]),
    );
    expect(await taken()).toEqual([]);
    expect(await administer("show search_path", "whole")).toEqual([{ search_path: '"$user", public' }]);
    expect(await administer("select * from of_forced", "whole")).toEqual([{ count: "9" }]);
  });

  test("is loaded by a login whose password no log of the server can hold", async () => {
    const asked = jest.spyOn(Client.prototype, "query");
    await restore("logged");
    const made = asked.mock.calls.map(([text]) => String(text)).filter((text) => /PASSWORD '/.test(text));
    asked.mockRestore();
    expect(made).toEqual([
      expect.stringMatching(/^CREATE ROLE "recovery_\w+" LOGIN PASSWORD 'SCRAM-SHA-256\$4096:[^']+'$/),
    ]);
  });

  test("gets none in place, in a database that is in use: it runs as who owns the tables may", async () => {
    await restore("living");
    await lab.sql(
      "living",
      "delete from by_check; drop table by_domain, by_index; alter table forced no force row level security; update forced set n = 0 where n = 1; alter table forced force row level security",
    );
    const owners =
      "select relname, relowner::regrole::text, relforcerowsecurity, relacl::text from pg_class where relnamespace = 'public'::regnamespace order by 1";
    const rights =
      "select datacl::text, (select nspacl::text from pg_namespace where nspname = 'public') from pg_database where datname = 'living'";
    const before = [await administer(owners, "whole"), await administer(rights, "living")];
    const only = { schemas: ["public"] };
    const result = await restore("living", { only, inPlace: "living" });
    expect(result).toMatchObject({ verdict: "PASS", leftOut: [], warnings: [], standIn: undefined });
    expect(result.inPlace).toContainEqual({ table: "public.by_index", before: null, after: 20 });
    expect(result.inPlace).toContainEqual({ table: "public.by_check", before: 0, after: 20 });
    expect([await administer(owners, "living"), await administer(rights, "living")]).toEqual(before);
    expect(await taken()).toEqual([]);
    const { previousDatabase } = result;
    expect(await administer("select count(*)::int as n from forced where n = 0", previousDatabase)).toEqual([
      { n: 1 },
    ]);
    await administer(`drop database "${previousDatabase}"`);
  });

  test("gets none later either: what has no owner here belongs to a role without rights", async () => {
    await administer("create role passing; grant passing to current_user");
    await administer("grant create on schema public to passing", "hostile");
    await administer(
      "alter function powers() owner to passing; alter table by_index owner to passing",
      "hostile",
    );
    const odd = (await makeBackup(store.settings)).manifest;
    await administer("reassign owned by passing to migration; drop owned by passing", "hostile");
    await administer("drop role passing");
    const { standIn, nextSteps, missingRoles } = await restore(
      "odd",
      { skip: [parseSkip("role:passing")] },
      odd.id,
    );
    expect(missingRoles).toEqual(["passing"]);
    expect(nextSteps.join("\n")).toContain(`REASSIGN OWNED BY "${standIn}" TO`);
    expect(await administer("select public.powers()::text as me", "odd")).toEqual([{ me: standIn }]);
    await administer("analyze by_index", "odd");
    const [role] = await administer<Record<string, boolean>>(
      `select rolcanlogin, rolcreaterole, rolcreatedb, rolbypassrls, rolsuper from pg_roles where rolname = '${standIn}'`,
    );
    expect(Object.values(role ?? {})).toEqual([false, false, false, false, false]);
    await administer(
      `reassign owned by "${standIn}" to migration; drop owned by "${standIn}"; drop role "${standIn}"`,
      "odd",
    );
    expect(await taken()).toEqual([]);
  });
});

describe("what an archive says of owners and rights", () => {
  const entry = (values: Partial<TocEntry>) =>
    ({
      dumpId: 1,
      kind: "ACL",
      schema: "public",
      name: "t",
      owner: "",
      definition: "",
      dropStatement: "",
      dependencies: [],
      ...values,
    }) as TocEntry;

  test.each([
    ["a membership", { definition: "GRANT azure_pg_admin TO migration;" }],
    ["a right on another database", { definition: "GRANT CREATE ON DATABASE postgres TO migration;" }],
    ["a statement of its own", { definition: "ALTER ROLE migration CREATEROLE;" }],
    [
      "a table's owner, and more",
      {
        kind: "TABLE",
        owner: "migration",
        dropStatement: "DROP TABLE public.t ADD COLUMN m int DEFAULT public.take('late', 1),;",
      },
    ],
    ["another kind of object", { kind: "TABLE", owner: "migration", dropStatement: "DROP DATABASE whole;" }],
  ])("is not run when it is %s", async (_, values) => {
    const server = parseServerUrl(lab.server.url(lab.server.administrator, "hostile"));
    const plan = { keep: true, missingRoles: [], foreignOwners: [], borrowed: [] };
    const { problems } = await restoreRights(server, [entry(values)], plan);
    expect(problems).toEqual([expect.stringMatching(/nothing that pg_dump writes/)]);
    const found = await administer(
      "select from pg_auth_members where roleid = 'azure_pg_admin'::regrole and member = 'migration'::regrole",
    );
    expect(found).toEqual([]);
    expect(await taken()).toEqual([]);
  });

  test.each([
    ["FUNCTION", 'FUNCTION public."Odd ""name"(double precision, "S"."T"[], VARIADIC text[])'],
    ["OPERATOR", "OPERATOR public.@# (integer, NONE)"],
    ["OPERATOR CLASS", "OPERATOR CLASS public.by_length USING btree"],
    ["AGGREGATE", "AGGREGATE public.all_of(*)"],
    ["MATERIALIZED VIEW", 'MATERIALIZED VIEW "a; b".v'],
  ])("is taken as pg_dump writes it: %s", (kind, text) => expect(isObjectOf(kind, text)).toBe(true));

  test.each([
    'GRANT SELECT("on"),UPDATE(b) ON TABLE public."T" TO api WITH GRANT OPTION',
    "REVOKE ALL ON FUNCTION public.f(a integer, OUT b text) FROM PUBLIC",
    'ALTER DEFAULT PRIVILEGES FOR ROLE "m i" IN SCHEMA public REVOKE ALL ON TABLES FROM "m i"',
    "SET SESSION AUTHORIZATION passing",
    "GRANT ALL ON LARGE OBJECT 7 TO api",
  ])("%s is of rights", (sql) => expect(isOfRights(sql)).toBe(true));
});

test("a restore that fails leaves no role", async () => {
  await lab.createDatabase("broken");
  await lab.sql(
    "broken",
    "create function f(int) returns boolean language sql immutable as 'select true'; create table t (n int check (f(n))); insert into t values (1)",
  );
  await lab.sql(
    "broken",
    "create or replace function f(int) returns boolean language sql immutable as 'select false'",
  );
  const broken = await lab.store("backup", "broken");
  const failing = (await makeBackup(broken.settings)).manifest.id;
  await expect(
    runRestore(lab.restoring(broken).settings, { backup: { id: failing }, to: "never" }, labContext()),
  ).rejects.toThrow(FailedError);
  expect(await taken()).toEqual([]);
});
