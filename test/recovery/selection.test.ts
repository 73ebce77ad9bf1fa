import { spawn } from "node:child_process";
import { once } from "node:events";
import { Client } from "pg";
import { runRestore } from "../../apps/recovery/commands/restore";
import type { RestoreOptions } from "../../apps/recovery/options";
import type { Wanted } from "../../apps/recovery/selection";
import type { DiffResult, RestoreResult } from "../../apps/recovery/types";
import { UsageError } from "../../packages/command/errors";
import { makeBackup } from "../support/backup";
import { cleanEnvironment, recovery, root, verb } from "../support/recoveryCli";
import { labContext, startPlatformLab, type LabStore, type PlatformLab } from "../support/recoveryLab";
import { until } from "../support/until";

let lab: PlatformLab;
let store: LabStore;
let id: string;
beforeAll(async () => {
  lab = await startPlatformLab();
  await lab.server.sql(
    "migration",
    `create type size as enum ('small', 'large');
     create function known(size) returns bool language sql immutable as 'select $1 is not null';
     create function stamp() returns trigger language plpgsql as $$ begin return new; end $$;
     create table customer (id int generated always as identity primary key, name text);
     create table orders (id bigserial primary key, customer int not null references customer, size size check (known(size)),
       twice int generated always as (customer * 2) stored);
     create table line (orders bigint references orders, no int, primary key (orders, no));
     create table log (day date not null, what text) partition by range (day);
     create table log_2025 partition of log for values from ('2025-01-01') to ('2026-01-01');
     create table log_2026 partition of log for values from ('2026-01-01') to ('2027-01-01');
     create index on log (what);
     create index on orders (customer);
     create trigger stamping before insert on orders for each row execute function stamp();
     alter table orders enable row level security;
     create policy everybody on orders using (true);
     create view recent as select * from orders where id > 10;
     create schema reports;
     create table reports.daily (day date primary key, orders bigint references orders);
     create view reports.last as select max(day) from reports.daily;
     create table reports.other (day date primary key);
     alter default privileges in schema reports grant select on tables to api;
     create publication told for table orders;
     insert into customer (name) select 'c' || n from generate_series(1, 50) n;
     insert into orders (customer, size) select 1 + n % 50, 'large' from generate_series(1, 300) n;
     insert into line select n, 1 from generate_series(1, 300) n;
     insert into log select date '2025-12-01' + n, 'x' from generate_series(1, 60) n;
     insert into reports.daily select date '2026-01-01' + n, n from generate_series(1, 30) n;
     create function passes(int) returns bool language plpgsql immutable as $$ begin
       perform pg_advisory_xact_lock_shared(4711); return true; end $$;
     create table gate (id int primary key check (passes(id)));
     insert into gate values (1), (2);
     create table zz_known (id int primary key);
     create function is_known(int) returns bool language sql as 'select exists (select from public.zz_known where id = $1)';
     create domain told as int check (is_known(value));
     create table aa_told (id told primary key check (is_known(id)));
     insert into zz_known values (1), (2);
     insert into aa_told values (1), (2);
     create function is_there(int) returns bool language sql as 'select exists (select from zz_known where id = $1)';
     alter table aa_told add constraint by_name check (is_there(id));
     alter table aa_told add constraint never check (id < 0) not valid;
     comment on constraint never on aa_told is 'for what comes';
     create table strict_one (n int not null);
     create table lenient () inherits (strict_one);
     alter table lenient alter n drop not null;
     insert into lenient values (null);
     revoke all on aa_told from migration;
     grant select on aa_told to migration`,
  );
  await lab.server.sql(lab.server.administrator, "alter role backup bypassrls");
  store = await lab.store("backup");
  ({ id } = (await makeBackup(store.settings)).manifest);
});
afterAll(() => lab?.stop());

async function restore(to: string, ...args: string[]) {
  const { env } = lab.as(store, lab.server.administrator);
  return verb(["restore", id, "--to", to, "--json", ...args], env);
}

const part = (to: string, only: Wanted, more: Partial<RestoreOptions> = {}) =>
  runRestore(
    lab.as(store, lab.server.administrator).settings,
    { backup: { id }, to, only, ...more },
    labContext(),
  );

const relations = async (database: string) =>
  (
    await lab.server.sql<{ name: string }>(
      lab.server.administrator,
      `select format('%s %s.%s', relkind, nspname, relname) as name from pg_class c join pg_namespace n on n.oid = relnamespace
       where nspname in ('public', 'reports') order by 1`,
      database,
    )
  ).map(({ name }) => name);

/** Of a publication that holds `orders`. */
const PUBLISHED = {
  kind: "publication-table",
  name: "public.told orders",
  reason: "publications come with the whole backup alone",
};

test("one table comes with what it needs, compared, and says which of its parts cannot", async () => {
  const run = await restore("one", "--table", "public.orders");
  expect([run.code, run.stderr]).toEqual([0, expect.not.stringMatching(/^error/m)]);
  const result = JSON.parse(run.stdout) as RestoreResult;
  expect(result).toMatchObject({ database: "one", verdict: "PASS", fingerprints: "match" });
  expect(result.tables.map(({ name, rows }) => [name, rows])).toEqual([["public.orders", 300]]);
  expect(result.leftOut).toEqual([
    {
      kind: "fk-constraint",
      name: "public.orders orders_customer_fkey",
      reason: "it needs a table that was not asked for",
    },
    PUBLISHED,
  ]);
  expect(await relations("one")).toEqual([
    "S public.orders_id_seq",
    "i public.orders_customer_idx",
    "i public.orders_pkey",
    "r public.orders",
  ]);
  const [row] = await lab.server.sql(
    lab.server.administrator,
    `select relowner::regrole::text as owner, relrowsecurity as secured, has_table_privilege('api', oid, 'UPDATE') as api,
       (select count(*)::int from pg_policy) as policies, (select count(*)::int from pg_trigger where not tgisinternal) as triggers,
       nextval('public.orders_id_seq')::int as next from pg_class where oid = 'public.orders'::regclass`,
    "one",
  );
  expect(row).toEqual({ owner: "migration", secured: true, api: true, policies: 1, triggers: 1, next: 301 });
});

test("tables that reference each other keep their keys, and partitions come with their table", async () => {
  const result = await part("several", { tables: ["orders", "customer", "log"] });
  expect(result.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
  expect([result.verdict, result.leftOut]).toEqual(["PASS", [PUBLISHED]]);
  expect(result.tables.map(({ name }) => name).sort()).toEqual([
    "public.customer",
    "public.log_2025",
    "public.log_2026",
    "public.orders",
  ]);
  expect(
    await lab.server.sql(
      lab.server.administrator,
      "select (select count(*)::int from log) as log, (select count(*)::int from pg_constraint where contype = 'f') as keys",
      "several",
    ),
  ).toEqual([{ log: 60, keys: 1 }]);
});

test("a schema comes with its tables and views; what the backup does not have is refused", async () => {
  const result = await part("schema", { schemas: ["reports"] });
  expect([result.verdict, result.leftOut.map(({ name }) => name)]).toEqual([
    "PASS",
    ["reports.daily daily_orders_fkey"],
  ]);
  expect(await relations("schema")).toEqual([
    "i reports.daily_pkey",
    "i reports.other_pkey",
    "r reports.daily",
    "r reports.other",
    "v reports.last",
  ]);
  for (const [only, says, replace] of [
    [{ tables: ["nothing"] }, /--table nothing: the backup has no such table/, undefined],
    [{ schemas: ["nothing"] }, /--schema nothing: the backup has no such schema/, undefined],
    [{ tables: ["orders"] }, /cannot replace one/, "forma3d"],
  ] as const) {
    const wrong = part(replace ?? "wrong", only, { replace });
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toThrow(says);
  }
});

describe("in place", () => {
  const LIVE = "live";
  const ask = <T extends object = Record<string, unknown>>(text: string, role = "migration") =>
    lab.server.sql<T>(role, text, LIVE);
  const inPlace = (...tables: string[]) =>
    runRestore(
      lab.as(store, lab.server.administrator, undefined, {
        PROBE_API_URL: lab.server.url("api"),
        PROBE_MIGRATION_URL: lab.server.url("migration"),
      }).settings,
      { backup: { id }, to: LIVE, inPlace: LIVE, only: { tables } },
      labContext(),
    );
  /** Everything a restore may touch, and whether anything beside it is left. */
  const state = async () => [
    await ask(
      `select (select jsonb_agg(t order by id) from orders t) as orders, (select jsonb_agg(t order by id) from customer t) as customers,
         (select jsonb_agg(t order by orders, no) from line t) as lines, (select jsonb_agg(t order by id) from gate t) as gates`,
      lab.server.administrator,
    ),
    await ask(
      `select conrelid::regclass::text as "table", conname, convalidated, pg_get_constraintdef(oid) as text,
         obj_description(oid, 'pg_constraint') as comment from pg_constraint where contype in ('f', 'p') order by 1, 2`,
    ),
    await ask("select tgname, tgenabled from pg_trigger where not tgisinternal order by 1"),
    await ask(
      `select relname, relowner::regrole::text as owner, relrowsecurity, has_table_privilege('api', oid, 'INSERT') as api
       from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'i', 'S', 'v') order by 1`,
    ),
  ];
  const beside = async () =>
    (
      await lab.server.sql<{ name: string }>(
        lab.server.administrator,
        `select datname as name from pg_database where datname like '${LIVE}\\_%' order by 1`,
      )
    ).map(({ name }) => name);
  let backedUp: unknown;

  beforeAll(async () => {
    const { settings } = lab.as(store, lab.server.administrator);
    await runRestore(settings, { backup: { id }, to: LIVE }, labContext());
    await ask(
      `comment on constraint orders_customer_fkey on orders is 'whose';
       create trigger always after insert on orders for each row execute function stamp();
       alter table orders enable always trigger always`,
    );
    backedUp = await state();
  });

  test("tables get the rows of the backup, everything else of theirs stays, and the rows before are kept", async () => {
    await ask(
      `update orders set customer = 7, size = 'small' where id <= 100;
       delete from line where orders = 299; delete from orders where id = 299;
       insert into orders (customer, size) values (1, 'small'); insert into line values (301, 1)`,
    );
    const changed = await state();
    // Alone it would leave a line of an order that is not there any more.
    await expect(inPlace("orders")).rejects.toThrow(
      /^a reference would break: .*line.*"line_orders_fkey": Key \(orders\)=\(301\) is not present in table "orders"\.\nnothing was changed; name the other tables/,
    );
    expect([await state(), await beside()]).toEqual([changed, []]);

    const reader = new Client({ connectionString: lab.server.url("api", LIVE) });
    await reader.connect();
    await reader.query("begin; select from orders");
    const { env } = lab.as(store, lab.server.administrator);
    const args = ["restore", id, "--to", LIVE, "--in-place", "--confirm", LIVE, "--table", "orders"];
    const running = recovery([...args, "--table", "public.line", "--json"], env);
    await until("the restore waits for a lock", async () => {
      const waiting = await ask(
        "select from pg_stat_activity where application_name = 'recovery' and wait_event_type = 'Lock'",
        lab.server.administrator,
      );
      return waiting.length > 0;
    });
    await reader.query("rollback");
    await reader.end();
    const run = await running;
    expect([run.code, run.stderr]).toEqual([0, expect.not.stringMatching(/^error/m)]);
    const result = JSON.parse(run.stdout) as RestoreResult;
    expect(result).toMatchObject({ database: LIVE, verdict: "PASS", fingerprints: "match", leftOut: [] });
    expect(result.inPlace).toEqual([
      { table: "public.line", before: 300, after: 300 },
      { table: "public.orders", before: 300, after: 300 },
    ]);
    expect(await state()).toEqual(backedUp);
    // A number that was given out since is not given out again.
    expect(await ask("select nextval('orders_id_seq')::int as next")).toEqual([{ next: 302 }]);
    expect(await beside()).toEqual([result.previousDatabase]);
    expect(
      await lab.server.sql(
        lab.server.administrator,
        "select count(*)::int as changed from orders where size = 'small'",
        result.previousDatabase,
      ),
    ).toEqual([{ changed: 101 }]);
    await lab.server.sql(
      lab.server.administrator,
      `drop database "${result.previousDatabase ?? ""}"`,
      "postgres",
    );
  });

  test("tables that were dropped come back with their keys, those of other tables too, and work for every role", async () => {
    await ask("drop table orders cascade");
    const result = await inPlace("orders");
    expect(result).toMatchObject({
      verdict: "PASS",
      leftOut: [
        { ...PUBLISHED, reason: expect.stringMatching(/adds it again, by ALTER PUBLICATION/) as string },
      ],
      previousDatabase: undefined,
    });
    expect(result.inPlace).toEqual([{ table: "public.orders", before: null, after: 300 }]);
    expect(result.checks.map(({ id: check, status }) => [check, status])).toEqual([
      ["fingerprints", "PASS"],
      ["role-api", "PASS"],
      ["role-migration", "PASS"],
    ]);
    expect(result.nextSteps.join()).toMatch(/dropped with public\.orders/);
    await ask(
      `comment on constraint orders_customer_fkey on orders is 'whose'; create view recent as select * from orders where id > 10;
       create trigger always after insert on orders for each row execute function stamp(); alter table orders enable always trigger always`,
    );
    expect(await state()).toEqual(backedUp);

    await ask("drop schema reports cascade; drop table log_2025, lenient");
    const schema = await part(LIVE, { schemas: ["reports"], tables: ["log", "lenient"] }, { inPlace: LIVE });
    expect(schema).toMatchObject({ verdict: "PASS", leftOut: [] });
    expect(schema.inPlace).toEqual([
      { table: "public.lenient", before: null, after: 1 },
      { table: "public.log_2025", before: null, after: 30 },
      { table: "public.log_2026", before: 30, after: 30 },
      { table: "reports.daily", before: null, after: 30 },
      { table: "reports.other", before: null, after: 0 },
    ]);
    expect(await ask("select * from reports.last")).toHaveLength(1);
    expect(
      await ask(
        "select defaclnamespace::regnamespace::text as of from pg_default_acl where defaclnamespace <> 0",
      ),
    ).toEqual([{ of: "reports" }]);
    expect(await ask("select count(*)::int as n from log where day < '2026-01-01'", "api")).toEqual([
      { n: 30 },
    ]);
    const { previousDatabase = "" } = schema;
    await lab.server.sql(lab.server.administrator, `drop database "${previousDatabase}"`, "postgres");
    expect(await state()).toEqual(backedUp);
  });

  test("a table whose check reads another comes after it, and rights its owner has given up are given up again", async () => {
    const rights = () =>
      ask(
        `select relname, relacl::text, (select jsonb_agg(jsonb_build_array(conname, convalidated, pg_get_constraintdef(oid),
           obj_description(oid, 'pg_constraint')) order by conname) from pg_constraint where conrelid = c.oid) as checks
         from pg_class c where relname in ('aa_told', 'zz_known') order by 1`,
        lab.server.administrator,
      );
    const before = await rights();
    await ask("delete from zz_known where id = 2");
    const result = await inPlace('"public"."aa_told"', "zz_known");
    expect(result.inPlace).toEqual([
      { table: "public.aa_told", before: 2, after: 2 },
      { table: "public.zz_known", before: 1, after: 2 },
    ]);
    expect([result.verdict, await rights()]).toEqual(["PASS", before]);
    const { previousDatabase = "" } = result;
    await lab.server.sql(lab.server.administrator, `drop database "${previousDatabase}"`, "postgres");
  });

  test("a partition alone gets its rows, and the others keep theirs", async () => {
    await ask("delete from log_2025; update log_2026 set what = 'later'");
    const { inPlace: rows, previousDatabase } = await inPlace("log_2025");
    // No row was replaced.
    expect(previousDatabase).toBeUndefined();
    expect(rows).toEqual([{ table: "public.log_2025", before: 0, after: 30 }]);
    expect(
      await ask("select count(*)::int as n, count(*) filter (where what = 'later')::int as later from log"),
    ).toEqual([{ n: 60, later: 30 }]);
    await ask("update log_2026 set what = 'x'");
  });

  test("what would be lost or broken is named, and nothing is changed", async () => {
    await ask(
      `delete from line; delete from reports.daily; delete from orders where customer = 3; delete from customer where id = 3;
       create table log_2027 partition of log for values from ('2027-01-01') to ('2028-01-01'); insert into log values ('2027-02-02', 'new');
       alter table gate add column note text;
       alter table strict_one rename to was_strict; create view strict_one as select * from was_strict`,
    );
    const changed = await state();
    for (const [tables, says] of [
      [["orders"], /"orders_customer_fkey": Key \(customer\)=\(3\) is not present in table "customer"/],
      [["gate"], /public\.gate has columns the backup does not have: note; nothing was changed/],
      [["log"], /partition public\.log_2027 has rows, and the backup has no such partition/],
      [["strict_one"], /public\.strict_one is no table in the database any more; nothing was changed/],
    ] as const) {
      await expect(inPlace(...tables)).rejects.toThrow(says);
    }
    await expect(part(LIVE, { tables: ["gate"] }, { inPlace: "other" })).rejects.toThrow(
      /"other" was typed, the database is "live"/,
    );
    for (const [args, says] of [
      [["--in-place", "--confirm", LIVE], /--in-place: name what is restored with --table or --schema/],
      [
        ["--in-place", "--replace", "--confirm", LIVE, "--table", "gate"],
        /--replace and --in-place exclude each other/,
      ],
    ] as const) {
      const wrong = await restore(LIVE, ...args);
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(says)]);
    }
    expect([await state(), await beside()]).toEqual([changed, []]);
    await ask(
      "alter table gate drop column note; drop view strict_one; alter table was_strict rename to strict_one",
    );
  });

  test("a run that is killed while it loads has changed nothing, and the next one leaves nothing of it", async () => {
    await ask("delete from gate where id = 2");
    const before = await state();
    const holder = new Client({ connectionString: lab.server.url("migration", LIVE) });
    await holder.connect();
    await holder.query("select pg_advisory_lock(4711)");
    const { env } = lab.as(store, lab.server.administrator);
    const args = ["restore", id, "--to", LIVE, "--in-place", "--confirm", LIVE, "--table", "gate"];
    const child = spawn(process.execPath, ["packages/command/run.mjs", "apps/recovery/cli.ts", ...args], {
      cwd: root,
      env: cleanEnvironment(env),
      stdio: "ignore",
    });
    await until("rows are being loaded", async () => {
      const loading = await ask(
        "select from pg_stat_activity where query ~ '^COPY public.gate .* FROM stdin' and wait_event = 'advisory'",
        lab.server.administrator,
      );
      return loading.length > 0;
    });
    child.kill("SIGKILL");
    await once(child, "close");
    await holder.end();
    await until("the table can be read", async () => (await state()) !== undefined);
    expect([await state(), await beside()]).toEqual([before, [expect.stringMatching(/^live_before_/)]]);
    const { previousDatabase, inPlace: rows } = await inPlace("gate");
    expect(rows).toEqual([{ table: "public.gate", before: 1, after: 2 }]);
    expect(await beside()).toEqual([previousDatabase]);
    // Nor of the login it worked as, with its rights in the database.
    const left = `select rolname from pg_roles where rolname like 'recovery%'
      union select datname from pg_database where datacl::text like '%recovery\\_%'`;
    expect(await ask(left, lab.server.administrator)).toEqual([]);
  });
});

describe("diff", () => {
  async function diff(...args: string[]) {
    return verb(["diff", id, "--json", ...args], store.env);
  }

  test("names tables and ranges of keys that differ, and only those", async () => {
    const same = await diff();
    expect([same.code, JSON.parse(same.stdout)]).toEqual([
      0,
      expect.objectContaining({ same: true, added: [] }),
    ]);
    expect((await verb(["diff", id], store.env)).stdout).toMatch(/holds what backup .* holds: 12 tables/);

    for (const text of [
      "update orders set customer = 9 where id = 150",
      "delete from line where orders = 300",
      "insert into log values ('2026-05-05', 'new')",
      "drop view reports.last; drop table reports.daily",
      "alter table customer drop column name",
      "create table later (id int)",
    ])
      await lab.server.sql("migration", text);
    const other = await diff();
    expect(other.code).toBe(1);
    const result = JSON.parse(other.stdout) as DiffResult;
    expect(result.tables.map(({ name, state }) => [name, state]).sort()).toEqual([
      ["public.aa_told", "same"],
      ["public.customer", "other columns"],
      ["public.gate", "same"],
      ["public.lenient", "same"],
      ["public.line", "differs"],
      ["public.log_2025", "same"],
      ["public.log_2026", "differs"],
      ["public.orders", "differs"],
      ["public.strict_one", "same"],
      ["public.zz_known", "same"],
      ["reports.daily", "missing"],
      ["reports.other", "same"],
    ]);
    expect(result.added).toEqual(["public.later"]);
    const of = (name: string) => result.tables.find((one) => one.name === name);
    expect(of("public.log_2026")).toMatchObject({
      key: null,
      backup: 30,
      database: 31,
      ranges: [{ from: null, before: null, backup: 30, database: 31 }],
    });
    expect(of("public.line")).toMatchObject({ key: "orders", backup: 300, database: 299 });
    const [range, ...rest] = of("public.orders")?.ranges ?? [];
    expect([range?.backup, range?.database, rest]).toEqual([range?.database, range?.backup, []]);
    expect(Number(range?.from)).toBeLessThanOrEqual(150);
    expect(Number(range?.before)).toBeGreaterThan(150);
    expect(other.stdout).not.toMatch(/new|"c7"/);

    const text = await verb(["diff", id, "--table", "public.orders"], store.env);
    expect([text.code, text.stdout]).toEqual([
      1,
      expect.stringMatching(/public\.orders +differs +300 +300[^]*id from \d+, id before \d+/),
    ]);
    const wrong = await diff("--table", "public.nothing");
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/--table public\.nothing: the backup has no such/),
    ]);
  });
});
